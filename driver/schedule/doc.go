// Package schedule decides what the driver does next: when a batch is planned, which task runs where, when
// results are granted, when a batch is committed or aborted, and when the job halts.
//
// It is a pure state machine,
//
//	func (s *Scheduler) Step(now time.Time, e Event) []Command
//
// with no clock, goroutine, socket, file, log or random number. The same options and the same events give the same
// commands, so that every decision can be tested by a script or a seeded simulation, and a recorded run can be
// replayed. The driver owns the loop around it: it turns what happens (a tick, a worker's report, a synced record)
// into events, calls Step from one goroutine, and carries out the commands in the order in which they stand.
//
// A batch goes through these phases; what ends each phase is an event:
//
//	planning ──Planned──► logging ──PlanLogged──► running ──all tasks done, bodies done──► publishing
//	                                                 │                                        │ Published by all
//	    a redone plan of the log (Recovered) ───────►│                                        ▼
//	                                                 └──failure──► aborting ──► Halt       committing ──► Committed
//
// Contract:
//
//   - The plan is logged before the first task is launched, and COMMIT only after every granted partition was published.
//   - A stage's tasks are launched when every partition of all its parents has a sealed output on a live worker.
//   - Nothing is granted before every task of the batch has finished: all programs, all sinks, all state. A grant
//     names exactly one attempt per partition. After it no user code runs, unless a worker is lost before it
//     published; then its partitions are run again elsewhere and granted in a new round.
//   - Attempts are never reused. A report is believed only if batch, partition, attempt and worker are those that
//     run; everything else (late, duplicated, of a killed worker, of another batch) changes nothing.
//   - A task that runs much longer than its stage's others gets a copy on another worker: a new attempt, never more than
//     two at a time, none after the first grant, and for state only where the version is that it starts from. The first
//     that finishes counts and the other is cancelled. Losing one of the two is no failure.
//   - A worker at which tasks of several partitions fail, or that cannot publish, is set aside for a time: no new tasks,
//     while what it holds is read and granted. One that drains is the same until it leaves. The last worker that can
//     take tasks is never set aside, and one that is comes back when the others go.
//   - Without any worker a batch waits; that is told, and is no failure.
//   - A batch that fails before its first grant is closed by an ABORT record, and the job halts. One that fails later
//     cannot be taken back: the job halts and leaves the plan open, to be redone at the next start. So does one whose plan
//     was found in the log, since it may have been granted by the driver before.
//
// Where to look: scheduler.go has Step and what reports are believed; cycle.go what comes after what between batches;
// batch.go the phases of one; graph.go stages, partitions and what a loss makes necessary; queue.go and place.go which
// task goes where; speculate.go copies of slow tasks; worker.go workers that come and go; aside.go those that are set
// aside; grant.go the rounds of grants; failure.go retries and the end.
//
// An event about a task costs O(1), whatever the number of workers and tasks; one about a worker looks at all of them.
//
// What it does not do: it does not decide what is worth a retry (Class comes with the event), when a worker is dead
// (WorkerDown comes from the driver), or what a plan contains. It runs one batch at a time. It learns nothing from one
// batch for the next, so that a stage of one task has no copies, and nothing from one incarnation of a worker for the
// next. A fetch that fails counts against no worker, since nobody knows at which end the fault is.
package schedule
