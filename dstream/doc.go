// Package dstream is the DSL for streams: chains of typed steps over what arrives, batch by batch.
//
// A build function fills a Job, and a job that ends in an output runs:
//
//	func build(job *dstream.Job) {
//		job.Source[string]("lines").
//			FlatMap(strings.FieldsSeq).
//			KeyBy(dstream.Itself).
//			Count().
//			Print(10)
//	}
//
// There are five types, each a pointer into the job's graph: Stream[T]; Keyed[K, V], whose rows have keys; Windowed[K, V], whose rows
// are in windows and wait for what becomes of them; Panes[K, V], the result of each key and window; and Table[K, W], data to look
// things up in. A stream that is used twice is computed once.
//
// build reads nothing but the job's parameters: driver and workers each call it and must get the same graph. Its mistakes come
// together from Build, each with the user's file and line. Functions given to steps run on workers, more than once if a task is run
// again: what they return depends on their arguments and on the Context alone.
//
// # Time
//
// Without EventTime, windows run on batch time: a row counts at the batch that takes it, and none is late. Behind EventTime they run
// on the time in the row. Map, TryMap, MapContext, Filter, FilterMap, FlatMap, KeyBy, KeyValue, Rekey, lookups, Union, Repartition and
// Cache keep event time; a result of a window has the window's end less 1 µs. MapPartitions, Transform, Glom, and everything that folds
// or joins a batch drop it, and a Window behind them is a mistake.
//
// The watermark of a batch is made of what batches before it have seen (see Watermark). A window closes in the first batch whose
// watermark has reached its end; rows that come later are late, unless Lateness keeps it. When all sources of a stream have ended, one
// more batch closes all its windows.
//
// # State
//
// Windowed steps keep accumulators: one for each key and pane, a pane being gcd(length, slide) long. A task reads the state of the
// batch before and leaves an Overlay; only a commit makes that the state. Its name in the checkpoint is that of Named, or
// `<nearest source>/<kind>#<ordinal>`, in the order of the build function; Fingerprint tells which state fits.
//
// # What it does not do
//
// It runs nothing: Graph, Batch and Env are what driver and executor take from it. It has no clock, no files, no network.
// Package dstreamtest runs a job in a test.
package dstream
