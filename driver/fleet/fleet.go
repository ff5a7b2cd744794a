package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/executor/wire"
)

const (
	closeTime  = 10 * time.Second // the longest that Close takes
	lookTime   = time.Second      // between two looks at what only time changes
	forgetTime = time.Minute      // how long an executor that nobody knows any more is tried
	lonely     = 10 * time.Second // without any worker, until that is told
	gatherTime = time.Second      // for executors to answer before some of them are chosen
	sharedName = 10 * time.Second // of two addresses with one name, until that is told: one may be that of an earlier life
)

// Fleet is the executors of one driver's job. All methods may be called from any goroutine, but Close not from Told or Warn.
type Fleet struct {
	o      Options
	binary Binary
	ctx    context.Context
	end    context.CancelFunc
	events *queue
	told   chan struct{}  // closed when the goroutine that tells has ended
	tasks  sync.WaitGroup // the goroutines of members and of discovery
	upload chan struct{}  // a token for each upload under way
	joins  chan struct{}  // holds a token if there is a new address to join the gossip by

	mu       sync.Mutex
	wanted   int
	members  []*member
	up       map[Worker]*attachment
	gossips  map[string]bool // addresses of gossip that executors have named
	joined   bool
	requests []string // IDs of the latest, oldest first
	started  time.Time
	alone    time.Time // since when no worker is up; zero while one is
	said     bool      // that none is
	over     bool      // an executor has seen a driver of a higher epoch
	letGo    context.Context
}

// Start begins to look for executors, and returns at once: events tell who comes. The end of ctx is Close without stopping workers, which
// must be called nevertheless. An error says that the options are incomplete or that the binary cannot be read.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	b, err := ReadBinary(o.Binary)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	f := &Fleet{
		o: o, binary: b, events: newQueue(), told: make(chan struct{}), upload: make(chan struct{}, uploads), joins: make(chan struct{}, 1),
		wanted: o.Executors, up: map[Worker]*attachment{}, gossips: map[string]bool{}, started: now, alone: now,
	}
	f.ctx, f.end = context.WithCancel(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, address := range o.Cluster {
		if f.byAddress(address) == nil {
			f.add(&member{addresses: []string{address}, seed: address})
		}
	}
	for _, address := range o.Gossip {
		f.gossips[address] = true
		wake(f.joins)
	}
	go func() {
		defer close(f.told)
		f.events.tell(f.tell)
	}()
	f.tasks.Go(f.discover)
	f.tasks.Go(f.watch)
	return f, nil
}

// tell is the only caller of what the options say.
func (f *Fleet) tell(e Event) {
	switch e := e.(type) {
	case warning:
		f.o.Warn(string(e))
	case Refused:
		f.o.Warn(e.String())
		f.o.Told(e)
	default:
		f.o.Told(e)
	}
}

// add starts the goroutine of a member. Like all that follows here, its caller holds f.mu.
func (f *Fleet) add(m *member) {
	now := time.Now()
	m.kick, m.hinted = make(chan struct{}, 1), now
	m.enter(Found, "")
	ctx, end := context.WithCancel(f.ctx)
	m.end = end
	f.members = append(f.members, m)
	f.tasks.Go(func() { f.tend(ctx, m) })
}

func (f *Fleet) remove(m *member) {
	m.end()
	f.members = slices.DeleteFunc(f.members, func(x *member) bool { return x == m })
}

func (f *Fleet) byName(name string) *member {
	return f.find(func(m *member) bool { return m.name == name })
}

func (f *Fleet) byAddress(address string) *member {
	return f.find(func(m *member) bool { return slices.Contains(m.addresses, address) })
}

func (f *Fleet) find(is func(*member) bool) *member {
	if i := slices.IndexFunc(f.members, is); i >= 0 {
		return f.members[i]
	}
	return nil
}

// Send sends to one worker, in order. It never waits. To one that is not up any more it sends nothing.
func (f *Fleet) Send(w Worker, m ...wire.Message) {
	f.mu.Lock()
	a := f.up[w]
	f.mu.Unlock()
	if a != nil {
		a.stream.Send(m...)
	}
}

// Broadcast sends to every worker that is up now, also to those whose Up waits to be told.
func (f *Fleet) Broadcast(m ...wire.Message) {
	f.mu.Lock()
	all := make([]*attachment, 0, len(f.up))
	for _, a := range f.up {
		all = append(all, a)
	}
	f.mu.Unlock()
	for _, a := range all {
		a.stream.Send(m...)
	}
}

// Scale says how many executors are wanted from now on; 0 means all. More come with Up; of those that are too many Draining is told.
func (f *Fleet) Scale(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = max(n, 0)
	f.settle()
}

// Release lets a worker go whose state lives elsewhere now: it is stopped, and told Down with ErrReleased.
func (f *Fleet) Release(w Worker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.find(func(m *member) bool { return m.at != nil && m.at.worker == w })
	if m == nil {
		return
	}
	m.chosen = false
	m.unhire(ErrReleased)
}

// Members lists the executors that are known, by name; those that never said theirs come last.
func (f *Fleet) Members() []Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Member, len(f.members))
	for i, m := range f.members {
		out[i] = m.show()
	}
	slices.SortFunc(out, func(a, b Member) int {
		return cmp.Or(order(a.Name == "", b.Name == ""), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
	return out
}

// Close ends all streams, and the workers too if stopWorkers says so; others wait on their executors for the next driver. Nothing is told
// after it has returned. It gives up when ctx ends, or after ten seconds; an error names what was not over then.
func (f *Fleet) Close(ctx context.Context, stopWorkers bool) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	f.events.close()
	f.mu.Lock()
	f.letGo = ctx
	for _, m := range f.members {
		if stopWorkers && m.unhire != nil {
			m.unhire(errStopping)
		}
	}
	f.mu.Unlock()
	f.end()
	over := make(chan struct{})
	go func() {
		f.tasks.Wait()
		<-f.told
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the fleet of job %s: executors still answer, or the driver still takes an event: %w", f.o.Job, context.Cause(ctx))
	}
}
