package main

import (
	"slices"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// Deed is a fault that was done.
type Deed struct {
	Fault    Fault         `json:"fault"`
	At       time.Time     `json:"at"`
	Batch    int64         `json:"batch"`              // the batch that was planned, 0 if none
	Inside   bool          `json:"inside"`             // it hit between PLAN and COMMIT of that batch
	Kills    int           `json:"kills"`              // processes that were sent SIGKILL
	Stops    int           `json:"stops"`              // processes that were sent SIGSTOP
	Zombies  int           `json:"zombies,omitempty"`  // that were replaced, and then went on
	Recovery time.Duration `json:"recovery,omitempty"` // from At to the next COMMIT, ns; 0 if there was none: the job had ended
	Held     bool          `json:"held,omitempty"`     // something else was stopped or cut between At and that COMMIT
	Notes    []string      `json:"notes,omitempty"`
}

// settle sets what is known of deeds once the run is over: how long each recovery took, up to the first commit that was seen after the deed,
// and whether something was stopped or cut meanwhile.
func settle(deeds []Deed, commits []tail.Commit) {
	for i := range deeds {
		d := &deeds[i]
		at := slices.IndexFunc(commits, func(c tail.Commit) bool { return c.At.After(d.At) })
		if at < 0 {
			continue
		}
		d.Recovery = commits[at].At.Sub(d.At)
		for j, o := range deeds {
			d.Held = d.Held || j != i && o.Fault.Hold > 0 && o.At.Before(commits[at].At) && d.At.Before(o.At.Add(o.Fault.Hold))
		}
	}
}

// recoveries are those from kills, in ascending order. They are apart where something else was stopped or cut meanwhile, which may have
// been what everybody waited for.
func recoveries(deeds []Deed) (free, held []time.Duration) {
	for _, d := range deeds {
		switch {
		case d.Kills == 0 || d.Recovery == 0:
		case d.Held:
			held = append(held, d.Recovery)
		default:
			free = append(free, d.Recovery)
		}
	}
	slices.Sort(free)
	slices.Sort(held)
	return free, held
}

// quantile of durations in ascending order: the least that so much of them is not above. 0 if there are none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
