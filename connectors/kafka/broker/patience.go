package broker

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// Patience waits, longer each time, for something that is away, and tells the job what for. Its zero value is ready; one goroutine
// uses it, and calls Over when it is done with the operation.
type Patience struct {
	wait time.Duration // the pause before
	what string
	done func()
}

// Bounds of a pause. The first is short, since a leader that moved answers at once.
const (
	shortestPause = 20 * time.Millisecond
	longestPause  = 2 * time.Second
)

// Wait pauses because of why, and returns the error of ctx if that ends first.
func (p *Patience) Wait(ctx context.Context, why error) error {
	if p.wait > 0 { // once is usual: a leader moved, or a connection had been idle for too long
		p.tell(ctx, why.Error())
	}
	p.wait = min(max(2*p.wait, shortestPause), longestPause)
	t := time.NewTimer(p.wait/2 + rand.N(p.wait/2)) // spread, so that tasks do not all come at once
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell says what is waited for, when that changes.
func (p *Patience) tell(ctx context.Context, what string) {
	if p.done != nil && p.what == what {
		return
	}
	if p.done != nil {
		p.done()
	}
	p.what, p.done = what, dstream.Waiting(ctx, what)
}

// Over ends the wait: what was away is back, or nobody waits any more.
func (p *Patience) Over() {
	if p.done != nil {
		p.done()
	}
	*p = Patience{}
}
