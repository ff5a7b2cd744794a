// Package schedule measures what a batch costs the driver when there are many executors: the scheduler's decisions and the
// driver's own bookkeeping, without the network, the log and the work.
//
// The job has two stages, each of two tasks an executor: one that prefers nobody, and one that prefers the executor that holds
// its state, is granted, and publishes a version of it. Executors are queues. Reports come one by one in random order, as they do
// from a thousand machines, so each costs a call of Step. What stands around Step is what the loop of package driver does for
// each event: look up whether a report counts, keep the result, sum up counts, make the messages with their task ids, tell once
// where a stage's outputs lie, and collect receipts and versions of state.
//
// A batch whose tasks, grants or versions of state are not all there ends the scenario with an error and no figures.
package schedule
