package executor

import (
	"context"
	"sync"
	"time"
)

// restPart is how long background work rests while a batch is open, in times of what it has worked: it then takes about an eighth of a core.
const restPart = 7

// pacer lets background work run between batches, and little of it during them.
type pacer struct {
	mu   sync.Mutex
	over chan struct{} // closed when the batch that is open ends; nil: none is open
}

func (p *pacer) opened() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		p.over = make(chan struct{})
	}
}

func (p *pacer) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		close(p.over)
		p.over = nil
	}
}

// turn is a stretch of background work.
type turn struct {
	p       *pacer
	working time.Time // since when
}

func (p *pacer) turn() *turn { return &turn{p, time.Now()} }

// pause is called after each small step of the work. It rests until the open batch has ended, or long enough.
func (t *turn) pause(ctx context.Context) error {
	t.p.mu.Lock()
	over := t.p.over
	t.p.mu.Unlock()
	if over != nil {
		rest := time.NewTimer(restPart * time.Since(t.working))
		defer rest.Stop()
		select {
		case <-over:
		case <-rest.C:
		case <-ctx.Done():
		}
	}
	t.working = time.Now()
	return ctx.Err()
}
