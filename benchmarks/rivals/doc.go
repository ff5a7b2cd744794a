// Package rivals lets other engines do the job of the Yahoo streaming benchmark over the same topic of the same broker as this one, in turn:
// Spark's Structured Streaming 4.2 and Flink 2.2, by the programs in the folder java.
//
//	go run ./benchmarks rivals -rival flink -n 5000000 -pairs 3
//
// The engines are fetched once, into the user's cache folder: Spark by pip (490 MB), its Kafka source and Flink by Maven. What is missing
// here for one of them is said, and that rival is left out. One rival's JVM runs at a time, with parallelism 2, checkpoints on the local
// disk, and the settings that its own programs show: Spark with 2 shuffle partitions, adaptive execution off and a heap of 3 GiB, Flink
// with objects reused, state on a heap of 2 GiB and a checkpoint each second.
//
// The clocks are not the same, and favour the rivals where they differ. Spark's rate is that of its micro-batches behind the first few, by
// its own triggerExecution, so the time in which its JVM starts and compiles is left out. Flink's is by its own net run time: its JVM's
// start is left out, but not what it compiles; so short runs make it look slow. Ours is from the first batch's plan to the last commit.
// Flink's program looks for members in the JSON instead of parsing it; Spark's and ours decode it.
//
// CPU time is that of the engine's process over the same span, its compiler and collector included, the broker's not.
//
// Every run is checked: each engine's counts per campaign and window, cell by cell, against a loop over the generator's events. Not measured
// here: latency, recovery, more than one process.
package rivals
