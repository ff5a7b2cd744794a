// Package fleet is the driver's side of a cluster: it finds executors, gives them the job's binary, has each start a worker, keeps a
// control stream to every worker, and tells the driver who comes, who goes, and what they report.
//
//	f, err := fleet.Start(ctx, fleet.Options{
//		Job: "ads", Epoch: lock.Epoch(), Graph: g.Digest(), Engine: driver.Engine, Binary: os.Args[0],
//		Cluster: []string{"10.0.0.1:7077"}, Executors: 3, Told: func(e fleet.Event) { d.post(func() { d.told(e) }) },
//	})
//	f.Send(up.Worker, wire.Launch{…})
//	err = f.Close(ctx, true)
//
// Contract:
//   - Gossip only brings candidates, and nothing that it says takes a worker away. A worker is alive as long as its stream is, which
//     both ends beat on; a fleet that cannot join the gossip tries the addresses of [Options.Cluster] themselves.
//   - For every [Up] there is exactly one [Down], and what comes between belongs to that incarnation. A message to an incarnation that
//     is gone goes nowhere, so nothing that was meant for an earlier one reaches a later one.
//   - What breaks is tried again, after 100 ms at first and 5 s at last, for as long as the executor is wanted. A worker outlives its
//     stream, so it comes back with its state, if it comes back.
//   - With [Options.Executors] set, those chosen stay chosen. Others are chosen that have a worker of the job already, then so that racks hold
//     equally many, then by free memory, then by name. An executor that is away for 3 s loses its seat to a spare one.
//   - An executor that cannot be used is named with the [Reason], once, not at every attempt.
//   - Nothing waits for ever: every call to an executor has a deadline, and a stream whose peer is silent ends.
//
// It decides nothing about partitions, batches or epochs: a driver that was replaced hears so from its lock, and from a [Reason] of the kind
// [Replaced]. It does not restart workers that crash: their executors do.
package fleet
