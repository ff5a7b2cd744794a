// Crash runs a job on a cluster of real processes, does to them what happens to processes, and compares what the job has written with the
// truth.
//
//	crash -runs 200 -seed 1     SIGKILL, SIGSTOP, and a wire that loses, repeats and delays frames
//	crash -zombies 50           workers, and then drivers, that are frozen until they are replaced and then go on
//	crash -netns -runs 20       executors in network namespaces; wires between them are cut (root only)
//	crash -lineage 20           1,000,000 rows moved twice between partitions while executors are killed
//	crash -local -runs 5        no cluster: one process, killed and frozen
//	crash -replay FOLDER        judges a report that was kept once more
//
// A run has a cluster, an input and a schedule of faults of its own; all follow from its seed, and run n of -seed s is run 1 of the seed that
// its report names. Faults come at moments that the seed decides: so many batches after the last one, and so long after a PLAN. When
// the job has ended, its sinks must hold each row once, with the right content, and whatever could be read on the way must have been
// right. Every run leaves a folder with its schedule, what was done and when, the outputs, and what all processes printed. A run that
// does not get on is a failure too; before its processes are killed they print their goroutines.
//
// How the files hang together: main.go has the flags, schedule.go makes schedules, run.go is one run, strike.go does what a schedule says,
// deeds.go remembers it, report.go keeps it, and tally.go sums up. The parts that know something are packages: ledger (what is right), tail (the batch
// log), rig (processes), netns (networks).
package main
