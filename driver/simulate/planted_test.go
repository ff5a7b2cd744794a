package simulate

import "testing"

// bug is something that scheduler, log or driver do wrong on purpose.
type bug int

const (
	none bug = iota
	grantEarly
	acceptOld
	ignoreEpoch
	commitBeforePublish
	skipSync
	recoverBeforeClaim
	reuseAttempts
	loseRerun
	deafToLoss
	grantBoth
	blindFence
	launchBeforePlan
	forgetPlan
	bugs
)

var bugNames = [bugs]string{
	grantEarly:          "a task is granted before all have finished",
	acceptOld:           "a late report of an old attempt counts for the new one",
	ignoreEpoch:         "workers take messages of old epochs",
	commitBeforePublish: "a batch is committed before its sinks are written",
	skipSync:            "the log does not sync",
	recoverBeforeClaim:  "the log is read before the old driver is fenced and its segment sealed",
	reuseAttempts:       "attempt numbers are used again",
	loseRerun:           "lost parents are not run again",
	deafToLoss:          "the loss of a worker is not told",
	grantBoth:           "of two copies both are granted",
	blindFence:          "a driver that was replaced goes on committing",
	launchBeforePlan:    "tasks run before their plan is durable",
	forgetPlan:          "an open plan is given up and not redone",
}

// within is how many seeds a bug may hide from.
const within = 1000

func TestPlantedBugsAreFound(t *testing.T) {
	for b := none + 1; b < bugs; b++ {
		t.Run(bugNames[b], func(t *testing.T) {
			for seed := range uint64(within) {
				w := newWorld(seed+1, b, nil)
				if w.run(); w.watch.bad != "" {
					t.Logf("seed %d: %s", seed+1, w.watch.bad)
					return
				}
			}
			t.Errorf("not found by %d seeds", within)
		})
	}
}
