// Package simulate has no code of its own: its tests run the scheduler and the real batch log together, in a world of which a
// seed decides everything.
//
//	one goroutine, one seed
//	├── clock     virtual; nothing waits
//	├── disk      package crashfs: a power cut loses what was not synced; a driver dies at any of its calls
//	├── network   messages are late, doubled, out of order; one that is dropped breaks its stream, as TCP would
//	├── drivers   scheduler + log + fence by epochs; they crash, are paused, are replaced while they run, and wake as zombies
//	├── workers   blocks, versions of state, attachments; they die, are paused for long, lose blocks, fail, publish twice
//	└── sink      accepts the same write twice; a reader sees every write at once
//
// Each seed runs a small job (map → keyed state and a sink → second sink) until some batches are committed. Things go wrong for
// a while, and then no more. A watcher that shares no code with the scheduler or the log demands:
//
//   - every write to the sink has the value that the logged plans give, computed row by row;
//   - COMMIT comes after all of the batch's writes, once a batch, and for the plan that the log has for it;
//   - what a driver was told is durable, its successor finds, also after a power cut;
//   - no attempt is launched twice, none is granted that its worker has not sealed, and one per partition in a round;
//   - nothing is granted before every task has finished;
//   - no worker acts on a message of an older epoch than it has heard of;
//   - the job goes on when faults have stopped;
//   - the same seed gives the same trace, by its hash.
//
// The watcher is watched: each of the bugs in planted_test.go is switched on in turn and must be found within 1,000 seeds.
//
//	go test ./driver/simulate                                    2,000 seeds
//	go test ./driver/simulate -run TestSeeds -seeds 50000 -v     more, and how fast
//	go test ./driver/simulate -run TestSeeds -seed 17 -v         one, with its trace
//
// What it does not do: real messages, operators, state frames (packages executor and dstream have tests of their own, and the
// crash tests run real processes); ForEach bodies, which the simulation in package schedule has.
package simulate
