// Package ysb measures the job of the Yahoo streaming benchmark: ad events, of which the views are looked up in a table of
// campaigns and counted per campaign and window of 10 s of event time.
//
//	l, err := ysb.Make(ysb.Shape{Events: 1 << 20})  // rows and NDJSON of the same events, in memory
//	bare := ysb.NewBare(l.Campaigns)
//	views := bare.Rows(l.Rows)                      // what plain Go by hand needs
//	run, err := ysb.Run(ysb.Rows(l), ysb.Engine{})  // what the engine needs for the same, driver and log included
//	err = ysb.Check(l.Want(), run.Views)            // cell by cell; no time is worth anything before
//
// The engine runs in two ways: Run is the whole of it, as `driver run` has it in local mode; Alone runs only the job's compiled
// stages one after the other, which shows what the operators themselves cost.
//
// Not measured here: brokers, files and sinks. Input lies in memory and so does the result.
package ysb
