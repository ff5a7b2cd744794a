package cassandra

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cql"
)

// Whoever comes, fails, or gives up: no more are inside than the window has places, and in the end nobody is.
func TestGate(t *testing.T) {
	leakFree(t)
	g := newGate()
	var inside, most atomic.Int64
	var w sync.WaitGroup
	for i := range 64 {
		w.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(8) == 0 {
					cancel()
				}
				number, _ := g.enter(ctx, 100)
				if number > 0 {
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					inside.Add(-1)
					g.leave(number, 100, []cql.Class{cql.Done, cql.Done, cql.Away, cql.Overloaded, cql.Failed}[r.IntN(5)], time.Millisecond)
				}
				cancel()
			}
		})
	}
	w.Wait()
	if g.window.inFlight != 0 || g.window.bytes != 0 || len(g.waiting) != 0 || most.Load() > mostInFlight {
		t.Errorf("%+v, %d wait, %d were inside", *g.window, len(g.waiting), most.Load())
	}
}

// A node that fails sends those who wait for it elsewhere.
func TestGateTurnsAway(t *testing.T) {
	g := newGate()
	var numbers []uint64
	for g.window.open(1) {
		numbers = append(numbers, g.window.enter(1))
	}
	refused := make(chan uint64)
	go func() {
		n, _ := g.enter(t.Context(), 1)
		refused <- n
	}()
	for g.load() <= 1 { // until it waits
	}
	g.leave(numbers[0], 1, cql.Away, 0)
	if n := <-refused; n != 0 {
		t.Errorf("it was let in, as number %d", n)
	}
	if before := g.load(); before < 100 {
		t.Errorf("its load is %v", before)
	}
}
