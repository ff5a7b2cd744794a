package cassandra

import (
	"context"
	"sync"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cql"
)

// gate is the window of a node, and the queue in front of it.
type gate struct {
	mu      sync.Mutex
	window  *window
	waiting []waiter // in the order in which they came
	refused int      // failures of the node in a row; 0 = it is fine
}

type waiter struct {
	bytes int
	in    chan uint64 // of one: the statement's number; 0 = look for another node
}

func newGate() *gate { return &gate{window: newWindow()} }

// enter waits for a place. The number is 0 if the node failed meanwhile: another may be better.
func (g *gate) enter(ctx context.Context, bytes int) (uint64, error) {
	g.mu.Lock()
	if len(g.waiting) == 0 && g.window.open(bytes) {
		defer g.mu.Unlock()
		return g.window.enter(bytes), nil
	}
	w := waiter{bytes, make(chan uint64, 1)}
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()
	select {
	case number := <-w.in:
		return number, nil
	case <-ctx.Done():
		g.giveUp(w)
		return 0, ctx.Err()
	}
}

// giveUp takes a waiter out of the queue, or gives the place back that it got meanwhile.
func (g *gate) giveUp(w waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.waiting {
		if g.waiting[i].in == w.in {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	if number := <-w.in; number > 0 { // it was sent when the waiter left the queue
		g.window.leave(number, w.bytes, cql.Ended, 0)
		g.admit()
	}
}

// leave gives a place back and says how it went.
func (g *gate) leave(number uint64, bytes int, class cql.Class, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.window.leave(number, bytes, class, took)
	switch class {
	case cql.Away, cql.Slow:
		g.refused++
		for _, w := range g.waiting {
			w.in <- 0
		}
		g.waiting = nil
	case cql.Done:
		g.refused = 0
	}
	g.admit()
}

func (g *gate) admit() {
	for len(g.waiting) > 0 && g.window.open(g.waiting[0].bytes) {
		g.waiting[0].in <- g.window.enter(g.waiting[0].bytes)
		g.waiting = g.waiting[1:]
	}
}

// load is how many windows of statements are under way or wait; a node that failed last counts as far worse.
func (g *gate) load() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return float64(g.window.inFlight+len(g.waiting))/g.window.limit + 100*float64(min(g.refused, 100))
}
