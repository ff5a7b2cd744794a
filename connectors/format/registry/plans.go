package registry

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	maxPlans   = 10_000
	unknownFor = time.Minute
)

// plans keeps what was made of schemas, by id, for all decoders of an endpoint. It is safe for concurrent use.
type plans struct {
	ask     func(ctx context.Context, id uint32) (*Schema, error)
	compile Compile
	now     func() time.Time

	mu    sync.Mutex
	made  map[uint32]*made
	order []uint32 // ids in the order in which they came; a ring once it is full
	next  int      // of order, to be replaced
}

// made is what became of an id. Its fields are set before done is closed and never again.
type made struct {
	done   chan struct{}
	plan   Plan
	reason string    // why there is no plan
	until  time.Time // forget it then; zero = never
	err    error     // whoever asked gave up; nothing is known
}

func newPlans(ask func(context.Context, uint32) (*Schema, error), compile Compile) *plans {
	return &plans{ask: ask, compile: compile, now: time.Now, made: map[uint32]*made{}}
}

// get returns the plan of an id, or the reason why there is none. An id is asked for by one caller, for whom the others wait.
func (p *plans) get(ctx context.Context, id uint32) (Plan, string, error) {
	for {
		m, mine := p.claim(id)
		if mine {
			p.fill(ctx, id, m)
			return m.plan, m.reason, m.err
		}
		select {
		case <-m.done:
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		}
		if m.err == nil {
			return m.plan, m.reason, nil
		}
	}
}

func (p *plans) claim(id uint32) (m *made, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.made[id]; m != nil && !m.expired(p.now()) {
		return m, false
	}
	m = &made{done: make(chan struct{})}
	if len(p.order) < maxPlans {
		p.order = append(p.order, id)
	} else {
		delete(p.made, p.order[p.next])
		p.order[p.next] = id
		p.next = (p.next + 1) % maxPlans
	}
	p.made[id] = m
	return m, true
}

func (m *made) expired(now time.Time) bool {
	select {
	case <-m.done:
		return !m.until.IsZero() && now.After(m.until)
	default:
		return false
	}
}

func (p *plans) fill(ctx context.Context, id uint32, m *made) {
	defer close(m.done)
	s, err := p.ask(ctx, id)
	if unknown, ok := errors.AsType[*unknownError](err); ok {
		m.reason, m.until = unknown.what, p.now().Add(unknownFor)
		return
	}
	if err != nil {
		m.err = err
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.made[id] == m {
			delete(p.made, id)
		}
		return
	}
	if m.plan, err = p.compile(s); err != nil {
		m.plan, m.reason = nil, s.Name+": "+err.Error()
	}
}
