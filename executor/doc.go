// Package executor does what the driver decides: it runs tasks in slots, keeps their output as blocks, holds the keyed state of its
// partitions, and publishes what it is granted.
//
// A Worker belongs to one job and holds a graph of its own, built by the same build function as the driver's. All it is told comes
// as wire messages, and all it answers goes out as wire messages; in local mode both are channels.
//
//	Begin ──► program of the batch        Launch ──► slots: Task → Compute → blocks ──► TaskDone
//	Grant ──► sinks, state segments, dead letters (one sync) ──► Published
//	Commit ─► overlays become state       Abort ──► everything of the batch is dropped
//
// It takes no decisions: which task runs where, how often, and whether its result counts, is the driver's.
package executor
