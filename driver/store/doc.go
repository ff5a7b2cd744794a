// Package store keeps what a job must not lose: the checkpoint.
//
// A [Store] is a small file system with a few strong promises (put if absent,
// atomic publish, an append log that is durable when Sync returns, a lock).
// [Dir] is a directory, of one machine or shared; package cassandra is a keyspace;
// [Open] opens either by its URL. Everything above (the batch log, snapshots,
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
//	forgotten        empty; mark of a checkpoint that [Forget] is emptying
//
// The driver changes log, state, tables, receivers and what lies above them.
// Executors make logs in state and receivers, under names of their own, at any
// time: also while a driver takes over.
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
// A store over a network can do better, and refuse a zombie's change in the same
// step: a [Fencer]. There a check is free.
//
// # Waiting and forgetting
//
// A standby calls [Await], which takes the checkpoint when its driver is gone.
// The lock tells that at once, but only of drivers of the same kernel; of others
// the beat does, when it has stood still for Patience on the clock of who waits.
// No two clocks are compared, and none matters for safety. [Forget] gives up
// the content and keeps the epochs, as sinks have seen them.
//
// # A directory that machines share
//
// Each machine opens the same directory, best with file:///dir?shared=true: then
// flock, which some network file systems fake and others keep for a dead machine's
// sake, is left alone. The file system must give:
//
//   - exclusive create (O_EXCL) and rename that are atomic for all machines;
//   - fsync that returns when the server has the bytes on disk;
//   - close-to-open: who opens a file sees what was synced before;
//   - names made elsewhere seen at once. A driver asks before and after each append
//     whether the next epoch's file exists, and must not be told from memory that
//     it does not: NFS on Linux needs lookupcache=positive (or none).
//
// NFSv4 with that option, CephFS and Lustre do. Without the last point a zombie
// might believe for some seconds that its commits count.
//
// # What it does not do
//
// It knows nothing of batches, rows or state; a Dir never retries; it does not
// protect against members that lie or against files edited by hand, beyond
// noticing the damage.
package store
