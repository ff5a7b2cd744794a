// Package driver decides: it chops time into batches, plans each, has the scheduler place its tasks, keeps the log, and tells what
// happened. It touches no rows.
//
//	func main() { driver.Main(build) }
//
// Main is a job's whole main function; Run is the same for tests and programs of one's own. One goroutine owns the driver: it takes
// what happened (a tick, a report, a signal), asks the scheduler, which is a pure state machine, and does what that says.
//
// How the files hang together: main.go and serve.go face a person, run.go starts and recovers, loop.go is the goroutine, planner.go
// and asker.go make plans, batch.go lets one batch happen, ledger.go balances it, reporting.go tells of it, bodies.go runs ForEach,
// records.go is what the log holds. The parts with a life of their own are packages: schedule, batchlog, store, config, build,
// status, report.
//
// What it does not do: read a clock or a disk in a decision (schedule does neither), or know what a row is.
package driver
