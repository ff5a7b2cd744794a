// Package cluster measures the engine on several executors: real processes on one machine, started by the commands that users type.
//
//	go run ./benchmarks cluster                          all of it
//	go run ./benchmarks cluster -what empty,recovery
//	go run ./benchmarks cluster -checkpoint cassandra    the shortest batches with the log in Cassandra
//
// What is measured:
//
//   - empty: what a batch without rows takes over 4 executors, from the moment at which its PLAN is durable to that at which its COMMIT is, and
//     the CPU time of all processes. The job has two stages, and 10,000 keys of state. Batches follow each other.
//   - interval: whether an interval of 10 ms is held over 3 executors, by the rule of package batch.
//   - recovery: one of 3 executors is killed at moments that a seed decides; how long until the next COMMIT, whatever batch it is of, and
//     until the COMMIT of a batch that was planned after the kill. The executor is started again, and has to have its part of the work
//     back before the next is killed.
//   - scale: how late batches are while the job goes from 1 executor to 3 and to 2.
//
// The driver, four executors and their workers share the machine's cores, so wall times of a machine with two are those of a machine that
// has far too much to do: on machines of their own they are shorter, and pay for a network instead.
//
// Results are checked before a figure is printed: for each batch the sink has sums over what it was given, which are compared with what
// follows from the number of rows of that batch and those before. Processes end with the scenario, also if it fails; then the folder with
// their logs is kept and named. Nothing waits for ever.
package cluster
