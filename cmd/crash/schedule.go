package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/netns"
)

// Kind is what happens.
type Kind string

// The kinds. Killing is SIGKILL; stopping is SIGSTOP, and SIGCONT after Hold. An executor that was killed is started again after Rest.
const (
	KillExecutors Kind = "kill executors" // with all their workers
	KillWorkers   Kind = "kill workers"   // their executors start them again
	KillDriver    Kind = "kill driver"    // the process; its supervisor starts it again, unless a standby is faster
	KillCommand   Kind = "kill command"   // driver run, and with it the driver
	KillBoth      Kind = "kill both"      // executors, and the driver at the same moment
	StopExecutors Kind = "stop executors" // their workers go on
	StopWorkers   Kind = "stop workers"
	StopDriver    Kind = "stop driver"
	ZombieWorker  Kind = "zombie worker" // stopped until batches have been committed without it, however long that takes
	ZombieDriver  Kind = "zombie driver" // stopped until a standby has taken over
	CutWires      Kind = "cut"           // between nodes of a network
)

// Fault is one thing that happens.
type Fault struct {
	Kind  Kind          `json:"kind"`
	Nodes []int         `json:"nodes,omitempty"` // executors that it is about
	Gap   int           `json:"gap"`             // batches that are committed before it, counted from the one before it
	Share float64       `json:"share"`           // of the usual time from PLAN to COMMIT that passes after the next PLAN
	Hold  time.Duration `json:"hold,omitempty"`  // for a stop or a cut, ns
	Rest  time.Duration `json:"rest,omitempty"`  // until an executor that was killed is started again, ns; a driver is at once
	Early bool          `json:"early,omitempty"` // it does not wait until the job has recovered from the one before it
	Cuts  []Cut         `json:"cuts,omitempty"`
}

// Cut is a direction that is cut. Node 0 is the driver.
type Cut struct {
	From  int         `json:"from"`
	To    int         `json:"to"`
	Plane netns.Plane `json:"plane"` // 1 control, 2 gossip, 3 both
}

// Schedule is all that a seed decides of a run.
type Schedule struct {
	Seed    uint64  `json:"seed"`
	Standby bool    `json:"standby"`          // a second driver waits
	Frames  string  `json:"frames,omitempty"` // faults of the control streams: TIDEMILL_FAULTS of workers
	Faults  []Fault `json:"faults"`
}

// shape is what may be in a schedule.
type shape struct {
	faults    int
	executors int
	kinds     []Kind // with repetition: drawn from evenly
	standby   int    // percent of runs
	frames    int    // percent of runs
	stopped   time.Duration
}

const (
	maxGap   = 8
	maxShare = 1.1 // beyond 1 a fault comes between COMMIT and PLAN, where the two are apart
	maxRest  = 2 * time.Second
	longest  = time.Minute // stop
)

var (
	clusterKinds = []Kind{
		KillExecutors, KillExecutors, KillExecutors, KillWorkers, KillWorkers, KillDriver, KillDriver, KillCommand, KillBoth,
		StopExecutors, StopWorkers, StopWorkers, StopDriver,
	}
	localKinds = []Kind{KillDriver, KillDriver, KillDriver, KillCommand, StopDriver}
	netKinds   = []Kind{CutWires, CutWires, CutWires, CutWires, KillExecutors}
)

// newSchedule draws a schedule.
func newSchedule(seed uint64, s shape) Schedule {
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	out := Schedule{Seed: seed, Standby: d.percent(s.standby)}
	if d.percent(s.frames) {
		out.Frames = d.frames(seed)
	}
	left := s.stopped
	for i := range s.faults {
		f := Fault{Kind: s.kinds[d.IntN(len(s.kinds))], Gap: 1 + d.IntN(maxGap), Share: maxShare * d.Float64(), Early: i > 0 && d.percent(20)}
		if s.executors > 0 {
			f.Nodes = d.some(s.executors, 1+d.IntN(2))
		}
		d.times(&f, &left)
		if f.Kind == CutWires {
			f.Cuts = d.cuts(f.Nodes, s.executors)
		}
		out.Faults = append(out.Faults, f)
	}
	return out
}

// dice draws.
type dice struct{ *rand.Rand }

func (d dice) percent(n int) bool { return d.IntN(100) < n }

func (d dice) upTo(most time.Duration) time.Duration { return time.Duration(d.Int64N(int64(most) + 1)) }

// some are n different nodes of 1 to all, in order.
func (d dice) some(all, n int) []int {
	var out []int
	for i := 1; i <= all; i++ {
		if d.IntN(all-i+1) < min(n, all)-len(out) {
			out = append(out, i)
		}
	}
	return out
}

// times draws how long something lasts. Most stops are short, a few as long as they may be; all of a run together last no longer than one.
func (d dice) times(f *Fault, left *time.Duration) {
	switch f.Kind {
	case StopExecutors, StopWorkers, StopDriver, CutWires:
		most := []time.Duration{500 * time.Millisecond, 3 * time.Second, 15 * time.Second, longest}
		at := 0
		if f.Kind == CutWires {
			at = 1 // a short one is not noticed
		}
		for _, share := range []int{45, 15, 10} { // of those that are longer than the one before
			if !d.percent(share) {
				break
			}
			at = min(at+1, len(most)-1)
		}
		f.Hold = min(50*time.Millisecond+d.upTo(most[at]), longest, *left)
		*left -= f.Hold
	case KillExecutors, KillBoth:
		f.Rest = d.upTo(maxRest)
	}
}

// cuts draws what is cut off: an executor from the driver or from others, in one direction or both, in one plane or both.
func (d dice) cuts(nodes []int, executors int) []Cut {
	plane := []netns.Plane{netns.Control, netns.Gossip, netns.Both}[d.IntN(3)]
	oneWay, away := d.percent(50), d.percent(50)
	var out []Cut
	for _, n := range nodes {
		for o := range executors + 1 {
			if o == n || o > 0 && d.percent(50) {
				continue
			}
			if !oneWay || away {
				out = append(out, Cut{n, o, plane})
			}
			if !oneWay || !away {
				out = append(out, Cut{o, n, plane})
			}
		}
	}
	return out
}

// frames draws faults of the control streams, in the notation of control.ParseFault: shares of frames, and how late they may come. A frame that is
// dropped or late ends its stream; one in a hundred of them, and no batch gets through before the next.
func (d dice) frames(seed uint64) string {
	parts := []string{fmt.Sprintf("seed=%d", seed)}
	most := map[string]float64{"drop": 0.002, "duplicate": 0.01, "delay": 0.002}
	for _, what := range []string{"drop", "duplicate", "delay"} {
		if d.percent(60) {
			parts = append(parts, fmt.Sprintf("%s=%.4f", what, 0.0002+most[what]*d.Float64()))
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("by=%v", 10*time.Millisecond+d.upTo(200*time.Millisecond))), ",")
}
