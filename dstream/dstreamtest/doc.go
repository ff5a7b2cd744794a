// Package dstreamtest runs a job in a unit test: the real engine in local mode, with sources and sinks in memory and a clock that
// only the test moves.
//
//	run := dstreamtest.Start(t, build, dstreamtest.Options{})
//	run.Table("campaigns", Campaign{"ad-1", "c-1"})
//	run.Send("ads", Ad{"ad-1", "view", at})
//	run.Tick(1) // one batch
//	run.End()   // sources end, windows close
//	run.Expect("views", Views{"c-1", start, 1})
//
// Every name that the job uses is there. What the job prints is in sinks called print#1, print#2 and so on. Restart goes on from the
// checkpoint, Skip lets the engine fall behind, RunError looks at failures, Reports has the rest. It does not kill, delay or lose
// anything: that is what the engine's own tests are for.
package dstreamtest
