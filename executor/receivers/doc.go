// Package receivers keeps the logs of sources that cannot be read again, as a socket, on two executors each.
//
// On each executor a [Server] keeps segments of logs in files. In the driver, [Journals] writes: each batch of records goes to both holders
// of the log's last segment and is acknowledged when both have synced it. In workers, Journals reads.
//
//	server := receivers.NewServer(root)                           // executor: with Roles() in its table of methods
//	server.Register(grpcServer)
//	js := receivers.Open(receivers.Options{Job: "ads", Incarnation: created, Epoch: epoch, Live: live})  // driver
//	js := receivers.NewReader(credentials)                        // worker
//	place.Journal = js.Journal
//	defer js.Close()
//
// Contract:
//   - What Sync has returned survives the loss of one executor, the driver's, and both, as long as one copy is left. If a holder is lost,
//     the segment ends at the acknowledged length, and the next one begins on two that live, in different racks if there are any.
//     With one executor left the log goes on there alone; Warn and Waiting say so, until there is a second.
//   - What was acknowledged is not copied again when one of its holders is lost, unless the driver starts anew: a second loss before
//     the batch is committed loses it. Open then tells of a *dstream.LossError, Read of a segment that is gone.
//   - A segment is named by {job, receiver, incarnation, epoch, number}. An incarnation is a life of the checkpoint: a later one, as
//     after --fresh, removes what earlier ones have left. Within one, a driver of a lower epoch is refused as soon as one of a higher
//     epoch has called; and since each segment says up to where those of lower epochs count, what a zombie still writes is never read.
//   - Records carry a checksum from writer to reader. A file ends before the first record that is not whole.
//   - Calls are bounded: 1 MiB and a record at a time, 64 MiB a segment, 4,096 segments a log, names without paths; each has a deadline.
//
// The files are receivers/<job>/<receiver>/<incarnation>.<epoch>-<number> below the executor's folder, and a file "claim" with the highest
// incarnation and epoch beside them. They stay when workers, jobs and executors end; they go when their rows are committed.
//
// It does not move segments, and it does not remove those of a job that never starts again: delete the job's folder.
package receivers
