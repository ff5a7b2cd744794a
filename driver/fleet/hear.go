package fleet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tidemill/tidemill/executor/node"
)

// rememberedRequests bounds what is remembered of requests, to know those that come over several executors.
const rememberedRequests = 256

// attend listens to the executor for as long as the employment lasts.
func (f *Fleet) attend(ctx context.Context, m *member, d daemon) {
	var pause backoff
	for ctx.Err() == nil {
		begin := time.Now()
		err := d.Attend(ctx, f.o.Job, f.o.Epoch, func(e node.Event) { f.heard(m, e) })
		if ctx.Err() != nil {
			return
		}
		if err != nil && ReasonOf(err).Kind == Replaced {
			f.replaced(m, err)
		}
		if time.Since(begin) >= steady {
			pause = 0
		}
		pause.wait(ctx, nil)
	}
}

// replaced tells that the executor serves another driver, whatever the worker does.
func (f *Fleet) replaced(m *member, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if m.told != Replaced {
		m.told = Replaced
		f.events.put(Refused{m.name, m.address(), ReasonOf(err)})
	}
}

// heard takes in what an executor tells.
func (f *Fleet) heard(m *member, e node.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Kind {
	case node.EventStarted:
		if m.at == nil || m.at.pid != e.Worker.Pid {
			m.wake()
		}
	case node.EventExited:
		f.exited(m, e)
	case node.EventSlots:
		m.slots = e.Slots
		if m.at != nil {
			f.events.put(Slots{m.at.worker, e.Slots})
		}
	case node.EventDraining:
		m.draining = cmp.Or(e.Why, "its executor is about to stop")
		f.drain(m, m.draining)
		f.settle()
	case node.EventRequest:
		f.requested(e.Request)
	}
}

func (f *Fleet) exited(m *member, e node.Event) {
	m.exit = e.Why
	if m.at != nil && m.at.pid == e.Worker.Pid {
		m.at.exit(e.Why)
	}
}

// exitOf is how the worker ended that nobody was attached to.
func (f *Fleet) exitOf(m *member) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.exit == "" {
		return ""
	}
	return ": " + m.exit
}

// requested tells a request that was not told yet.
func (f *Fleet) requested(r node.Request) {
	if r.ID != "" && slices.Contains(f.requests, r.ID) {
		return
	}
	f.requests = append(f.requests, r.ID)
	f.requests = f.requests[max(0, len(f.requests)-rememberedRequests):]
	f.events.put(Request{r.Kind, r.N, r.ID})
}
