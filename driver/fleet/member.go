package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// State is what a fleet makes of an executor.
type State string

// The states.
const (
	Found    State = "found"    // by gossip or by its address; it has not answered yet
	Spare    State = "spare"    // it can be used and is not needed
	Starting State = "starting" // it was asked for a worker
	Running  State = "up"       // its worker is
	Drains   State = "draining" // its worker is about to leave
	Lost     State = "lost"     // its worker was up; it is tried again
	Unusable State = "refused"  // it cannot be used; it is tried again
)

// Member is an executor as Members shows it.
type Member struct {
	Name    string // empty if it never said one
	Address string
	Rack    string
	State   State
	Why     string // of draining, lost and refused
	Slots   int    // of its worker, 0 if it has none
	Worker  Worker // the zero value if it has none
	Since   time.Time
}

// member is an executor. Its fields belong to Fleet.mu.
type member struct {
	name        string
	addresses   []string // where it may answer; the first is tried first
	rack        string
	memory      int64  // free
	incarnation uint64 // of the daemon, once it has answered
	announced   string // the address that it says others reach it by
	seed        string // the address that it was named by: it is tried too, and never forgotten
	hinted      time.Time
	asked       bool // it has answered, or failed to
	usable      bool // so it said last
	has         bool // a worker of the job, from an earlier driver too

	chosen   bool
	draining string // why its executor stops
	leaving  bool   // Draining was told of its worker
	at       *attachment
	slots    int
	upSince  time.Time
	failing  time.Time // since when; zero while it does not
	told     Kind      // the Refused that was told last
	exit     string    // of its latest worker, if nobody was attached to it
	twice    time.Time // since when another address has its name

	state State
	kind  Kind // of why it failed last
	why   string
	since time.Time

	kick   chan struct{}           // holds a token if something has changed that is worth another attempt
	end    context.CancelFunc      // of its goroutine
	unhire context.CancelCauseFunc // of its employment, nil without one
}

// Why an employment ends. All of them also end the worker on its executor.
var (
	errUnwanted = errors.New("the executor is not needed any more")
	errStopping = errors.New("the job has ended")
)

func (m *member) address() string { return m.addresses[0] }

// label is its name, or its address while that is all that is known.
func (m *member) label() string { return cmp.Or(m.name, m.address()) }

func (m *member) enter(s State, why string) {
	if m.state != s {
		m.since = time.Now()
	}
	m.state, m.why, m.kind = s, why, ""
}

func (m *member) wake() { wake(m.kick) }

// reach notes where the executor may answer.
func (m *member) reach(addresses []string) {
	if m.seed != "" && !slices.Contains(addresses, m.seed) {
		addresses = append(slices.Clone(addresses), m.seed)
	}
	if !sameSet(m.addresses, addresses) {
		m.addresses = addresses
		m.wake()
	}
}

// rotate lets another address be tried next, if there is one.
func (m *member) rotate() {
	if len(m.addresses) > 1 {
		m.addresses = append(slices.Clone(m.addresses[1:]), m.addresses[0])
	}
}

// stale tells that a member was away for too long to keep its seat if another one can have it.
func (m *member) stale(now time.Time, patience time.Duration) bool {
	return m.at == nil && !m.failing.IsZero() && now.Sub(m.failing) >= patience
}

func (m *member) candidate() candidate {
	return candidate{name: m.label(), rack: m.rack, memory: m.memory, has: m.has, chosen: m.chosen, up: m.at != nil}
}

func (m *member) show() Member {
	out := Member{Name: m.name, Address: m.address(), Rack: m.rack, State: m.state, Why: m.why, Since: m.since}
	if m.at != nil {
		out.Worker, out.Slots = m.at.worker, m.slots
	}
	return out
}
