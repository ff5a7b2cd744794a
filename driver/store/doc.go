// Package store keeps what a job must not lose: the checkpoint.
//
// A [Store] is a small file system with a few strong promises (put if absent,
// atomic publish, an append log that is durable when Sync returns, a lock).
// [Dir] is a local directory. Everything above it (the batch log, snapshots,
// tables) names files with slashes and never sees a path of the machine.
//
// # Layout of a checkpoint
//
//	meta             JSON [Meta]: format, job, created, key groups, engine, CRC32C
//	lock             empty; flocked by the running driver
//	epoch/<e>        JSON [Holder] of the driver that claimed epoch e; never removed
//	beat/<e>         heartbeat counter of that driver, 32 bytes, not durable
//	log/             segments of the batch log (package batchlog)
//	state/           snapshots and deltas of keyed state, immutable
//	tables/          frozen tables by digest, immutable
//	receivers/       logs of sources that cannot replay
//	tmp/             files being written; emptied by each new driver
//
// # Epochs and the lock
//
// A driver owns a checkpoint by its epoch, the highest number in epoch/. It
// gets one by [Acquire]; [Lock.Check] says whether it still has it:
//
//	st, err := store.OpenDir(path, store.DirOptions{})
//	lk, err := store.Acquire(ctx, st, store.LockOptions{Meta: store.Meta{Job: "ads", …}})
//	log, rec, err := batchlog.Open(st, lk, batchlog.Options{})
//
// The lock keeps two drivers apart that both mean well. Safety rests on the
// epoch alone: a driver that was taken over while it slept may wake at any
// instruction, so it checks before and after each append, and its successor
// reads the log only after it has claimed its epoch. Whatever the sleeper
// found unfenced after its sync was therefore on disk before the claim, and is
// read; whatever it writes later lies past the seal in the successor's first
// log segment, and is ignored for ever.
//
// # What it does not do
//
// It knows nothing of batches, rows or state; it never retries; it does not
// protect against members that lie or against files edited by hand, beyond
// noticing the damage.
package store
