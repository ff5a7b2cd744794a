// Package rdd holds datasets: partitioned, lazily computed, lineage-tracked collections of typed rows that travel as Arrow
// columns.
//
// A dataset is a graph of nodes. A node is five facts, as in Spark's RDD: its partitions, its dependencies (narrow or
// through an exchange), its partitioner, its preferred places, and Compute, which turns the parents' chunks of one
// partition into its own. Nothing runs until an action (Collect, Count, Take, Reduce, ForEach) hands the graph to the
// runner that its context carries; without one, actions run on Local, a single-threaded runner.
//
//	lines := rdd.Of(2, "a b", "b c")
//	counts := lines.FlatMap(strings.FieldsSeq).KeyBy(rdd.Itself).Count()
//	rows, err := counts.Map(func(w string, n int64) Word { return Word{w, n} }).Collect(ctx)
//
// How the files hang together: chunk.go is what flows (Rows), node.go is the graph, narrow.go makes operators
// of kernels, exchange.go moves rows between partitions, fold.go aggregates, program.go cuts a graph into stages, run.go
// runs one task of one stage, local.go runs them all. Each operator is a file of its own, to be copied for the next one.
//
// The package does no I/O, starts no goroutine and reads no clock: where blocks are kept is behind Blocks.
package rdd
