// Package checkpoint measures how long it takes until an append to a checkpoint is durable, in a directory and in Cassandra, and the shortest
// batch that follows from it. A batch waits three times, one after the other: for its PLAN in the batch log, for the deltas of its state in a segment,
// for its COMMIT in the log. Nothing that the rest of a batch does is in that sum.
//
// Every append is read back before a figure is printed.
package checkpoint
