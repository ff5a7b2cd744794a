package fleet

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/tidemill/tidemill/executor/node"
)

// again is how often a spare executor is asked how it is.
const again = 30 * time.Second

// tend is the goroutine of a member: it asks what the executor is, and employs it when it is chosen, again and again.
func (f *Fleet) tend(ctx context.Context, m *member) {
	var pause backoff
	for ctx.Err() == nil {
		if err := f.visit(ctx, m, &pause); err != nil {
			f.failed(m, err)
			pause.wait(ctx, m.kick)
		}
	}
}

// visit is one time with an executor, over one connection. Its error is why it was over, nil if that is no failure.
func (f *Fleet) visit(ctx context.Context, m *member, pause *backoff) error {
	f.mu.Lock()
	address := m.address()
	f.mu.Unlock()
	d, err := f.o.net.dial(address)
	if err != nil {
		return err
	}
	defer d.Close()
	about, err := f.ask(ctx, d)
	if err == nil {
		err = f.answered(m, address, about)
	}
	if err != nil {
		return err
	}
	if !f.awaitChoice(ctx, m) {
		return nil
	}
	return f.employ(ctx, m, d, pause)
}

func (f *Fleet) ask(ctx context.Context, d daemon) (node.About, error) {
	ctx, cancel := context.WithTimeout(ctx, f.o.Answer)
	defer cancel()
	a, err := d.About(ctx)
	if err != nil && ctx.Err() != nil {
		err = because(Unreachable, "it has not answered for %v", f.o.Answer)
	}
	return a, err
}

// awaitChoice returns false when the executor should be asked again how it is.
func (f *Fleet) awaitChoice(ctx context.Context, m *member) bool {
	t := time.NewTimer(again)
	defer t.Stop()
	for {
		f.mu.Lock()
		chosen := m.chosen
		f.mu.Unlock()
		if chosen {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return false
		case <-m.kick:
		}
	}
}

// answered takes in what an executor says of itself.
func (f *Fleet) answered(m *member, address string, about node.About) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.asked = true
	if about.Gossip != "" && !f.gossips[about.Gossip] {
		f.gossips[about.Gossip] = true
		wake(f.joins)
	}
	if !f.joined {
		f.hint(membersOf(about))
	}
	if err := f.identify(m, address, about); err != nil || m.name == "" {
		return err
	}
	m.rack, m.memory, m.incarnation, m.announced, m.slots = about.Rack, about.MemoryFree, about.Incarnation, about.Address, 0
	m.usable, m.has = false, slices.Contains(about.Jobs, f.o.Job)
	if r := f.unfit(about, m.has); r != nil {
		return r
	}
	m.usable, m.draining = true, ""
	if !m.chosen {
		m.failing, m.told = time.Time{}, ""
		m.enter(Spare, "")
	}
	f.settle()
	return nil
}

// identify gives a member the name that the executor says, if nobody has it yet.
func (f *Fleet) identify(m *member, address string, about node.About) error {
	if m.name != "" && m.name != about.Name {
		return because(OtherName, "at %s answers executor %s: one of the two announces an address that is not its own (--advertise)", address, about.Name)
	}
	other := f.byName(about.Name)
	switch {
	case other == nil:
		m.name = about.Name
	case other == m:
	case other.incarnation == about.Incarnation, other.incarnation == 0 && slices.Contains(other.addresses, about.Address),
		other.at == nil && !other.failing.IsZero():
		// One executor that has two addresses, or two ways to write one, or that came back with another one.
		other.seed = cmp.Or(other.seed, m.seed)
		other.reach(append(slices.Clone(other.addresses), address))
		f.remove(m)
	default:
		return because(NameTwice, "another executor, at %s, has the name %s too: give one of them another name (--name)", other.address(), about.Name)
	}
	return nil
}

// unfit says why an executor cannot run the job's worker, nil if it can. One that has it already has given it memory.
func (f *Fleet) unfit(about node.About, has bool) *Reason {
	switch {
	case about.Engine != node.Engine:
		return because(OtherEngine, "it has version %s of the engine, this driver version %s: install the same one", about.Engine, node.Engine)
	case about.OS != runtime.GOOS || about.Arch != runtime.GOARCH:
		return because(OtherPlatform, "it runs %s/%s, the job is built for %s/%s", about.OS, about.Arch, runtime.GOOS, runtime.GOARCH)
	case about.Draining:
		return because(Leaving, "it is about to stop")
	case about.MemoryFree < f.o.Memory && !has:
		return because(NoRoom, "it has %d MiB of memory free, the job needs %d MiB", about.MemoryFree>>20, f.o.Memory>>20)
	}
	return nil
}

// failed notes that an attempt was in vain, and tells it if it is worth that.
func (f *Fleet) failed(m *member, err error) { f.failedSince(m, time.Now(), err) }

// failedSince is failed for an attempt that has taken its time: a worker that did not come up for half a minute is news at the first one.
func (f *Fleet) failedSince(m *member, began time.Time, err error) {
	if f.ctx.Err() != nil {
		return
	}
	why := ReasonOf(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	m.asked = true
	f.over = f.over || why.Kind == Replaced
	if m.failing.IsZero() {
		m.failing = began
	}
	if why.Kind != NoWorker { // an executor whose worker crashes is one that can be used
		m.usable = false
	}
	if m.state == Lost && why.passes() {
		m.enter(Lost, why.Error())
	} else {
		m.enter(Unusable, why.Error())
	}
	if why.Kind != m.told && why.Kind != Leaving && (!why.passes() || now.Sub(m.failing) >= f.o.Patience) {
		m.told = why.Kind
		f.events.put(Refused{m.name, m.address(), why})
	}
	m.kind = why.Kind
	m.rotate()
	f.settle()
}

// wake puts a token into a channel that has room for one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
