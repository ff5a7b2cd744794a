package cassandra

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/internal/fakecql"
	"github.com/tidemill/tidemill/dstream"
)

// someViews is rows of 20 partitions.
func someViews(n int) (rows []view, want []string) {
	for i := range n {
		v := view{K: fmt.Sprint("k", i%20), C: int32(i), V: ptr(fmt.Sprint("v", i))}
		rows, want = append(rows, v), append(want, v.String())
	}
	return rows, want
}

// Whatever a node answers that may pass, all rows arrive, each statement to another node next, and few are sent again.
func TestErrorsThatPass(t *testing.T) {
	for name, fault := range map[string]fakecql.Answer{
		"unavailable":             {Code: 0x1000, Text: "Cannot achieve consistency level"},
		"overloaded":              {Code: 0x1001, Text: "too much"},
		"bootstrapping":           {Code: 0x1002, Text: "Cannot read from a bootstrapping node"},
		"write timeout":           {Code: 0x1100, Text: "Operation timed out"},
		"timeout after it worked": {Code: 0x1100, Text: "Operation timed out", Apply: true},
		"write failure":           {Code: 0x1500, Text: "Operation failed"},
		"server error":            {Code: 0, Text: "java.lang.RuntimeException"},
		"dropped":                 {Drop: true},
		"dropped after it worked": {Drop: true, Apply: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fakecql.Start(t, fakecql.Options{Nodes: 3})
			c.Exec(t, viewTable)
			s := opened[view](t, on(c, "ks.t"))
			var faults atomic.Int64
			c.Script(func(r fakecql.Request) fakecql.Answer {
				if r.Writes > 0 && faults.Add(1) <= 7 {
					return fault
				}
				return fakecql.Answer{}
			})
			rows, want := someViews(200)
			put(t, s, 1, rows...)
			wants(t, c, want...)
			if n := faults.Load(); n > 40 {
				t.Errorf("20 partitions took %d requests", n)
			}
		})
	}
}

// What no retry mends fails at once, and for the engine too.
func TestErrorsThatLast(t *testing.T) {
	for name, fault := range map[string]fakecql.Answer{
		"unauthorized": {Code: 0x2100, Text: "User mill has no MODIFY permission"},
		"invalid":      {Code: 0x2200, Text: "Undefined column name v"},
		"syntax":       {Code: 0x2000, Text: "no viable alternative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fakecql.Start(t, fakecql.Options{Nodes: 3})
			c.Exec(t, viewTable)
			s := opened[view](t, on(c, "ks.t"))
			var requests atomic.Int64
			c.Script(func(r fakecql.Request) fakecql.Answer {
				if r.Writes == 0 {
					return fakecql.Answer{}
				}
				requests.Add(1)
				return fault
			})
			rows, _ := someViews(200)
			_, err := s.Write(t.Context(), writeOf(1), chunks(rows, 50))
			if !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(fmt.Sprint(err), fault.Text) || !strings.Contains(fmt.Sprint(err), "ks.t") {
				t.Errorf("got %v", err)
			}
			if n := requests.Load(); n > 20 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// The server that fails of a statement again and again is no reason to wait for ever.
func TestServerErrorsThatStayAreErrors(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	c.Script(func(r fakecql.Request) fakecql.Answer {
		if r.Writes > 0 {
			return fakecql.Answer{Text: "java.lang.NullPointerException"}
		}
		return fakecql.Answer{}
	})
	_, err := s.Write(t.Context(), writeOf(1), chunks([]view{{K: "a", C: 1}}, 1))
	if err == nil || errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "NullPointer") {
		t.Errorf("got %v", err)
	}
}

func TestADroppedTableIsAnError(t *testing.T) {
	c := fakecql.Start(t, fakecql.Options{})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	c.Drop("ks.t")
	if _, err := s.Write(t.Context(), writeOf(1), chunks([]view{{K: "a"}}, 1)); !errors.Is(err, dstream.ErrPermanent) {
		t.Errorf("got %v", err)
	}
}

// waits collects what a write says that it waits for.
type waits struct {
	mu   sync.Mutex
	said []string
	open int
	told chan struct{} // of one
}

func watchWaits(ctx context.Context) (context.Context, *waits) {
	w := &waits{told: make(chan struct{}, 1)}
	return dstream.WatchWaiting(ctx, func(what string) func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.said, w.open = append(w.said, what), w.open+1
		select {
		case w.told <- struct{}{}:
		default:
		}
		return func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.open--
		}
	}), w
}

// A cluster that is away is waited for, and said to be, once; the rows arrive when it is back.
func TestWaitsForTheCluster(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{Nodes: 2})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	put(t, s, 1, view{K: "first", C: 1})
	c.Kill(0)
	c.Kill(1)
	ctx, w := watchWaits(t.Context())
	rows, want := someViews(100)
	done := make(chan error, 1)
	go func() {
		_, err := s.Write(ctx, writeOf(2), chunks(rows, 50))
		done <- err
	}()
	<-w.told
	c.Revive(t, 1)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wants(t, c, append(want, "first/1 - -")...)
	if len(w.said) != 2 && len(w.said) != 1 || w.open != 0 || !strings.Contains(w.said[0], "nobody listens there") {
		t.Errorf("it said %q, and %d are not over", w.said, w.open)
	}
}

// A wait ends with its context.
func TestAWaitEnds(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	c.Script(func(r fakecql.Request) fakecql.Answer {
		if r.Writes > 0 {
			return fakecql.Answer{Code: 0x1000, Text: "Cannot achieve consistency level LOCAL_QUORUM"}
		}
		return fakecql.Answer{}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ctx, w := watchWaits(ctx)
	go func() {
		<-w.told
		cancel()
	}()
	_, err := s.Write(ctx, writeOf(1), chunks([]view{{K: "a"}}, 1))
	if !errors.Is(err, context.Canceled) || w.open != 0 || !strings.Contains(w.said[0], "1 of the 2 replicas") {
		t.Errorf("got %v, waits %q, %d are not over", err, w.said, w.open)
	}
}

// A node that hangs does not keep the rows: they go to another replica once the time for an answer is over.
func TestANodeThatHangs(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t?timeout=200ms"))
	c.Script(func(r fakecql.Request) fakecql.Answer { return fakecql.Answer{Hang: r.Node == 1} })
	rows, want := someViews(400)
	began := time.Now()
	put(t, s, 1, rows...)
	wants(t, c, want...)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

// A node that takes eight statements at a time and refuses more is asked for about as many.
func TestAnOverloadedNode(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	const took = 2 * time.Millisecond
	var busy, refused atomic.Int64
	c.Script(func(r fakecql.Request) fakecql.Answer {
		if r.Writes == 0 {
			return fakecql.Answer{}
		}
		if busy.Add(1) > 8 {
			busy.Add(-1)
			refused.Add(1)
			return fakecql.Answer{Code: 0x1001, Text: "too much", After: took}
		}
		time.AfterFunc(took, func() { busy.Add(-1) })
		return fakecql.Answer{After: took}
	})
	var rows []view
	var want []string
	for i := range 1500 {
		rows = append(rows, view{K: fmt.Sprint(i), C: 1})
		want = append(want, rows[i].String())
	}
	put(t, s, 1, rows...)
	wants(t, c, want...)
	if n := refused.Load(); n == 0 || n > 500 {
		t.Errorf("%d of 1,500 statements were refused", n)
	}
	for _, g := range s.courier.gates {
		if g.window.limit > 24 {
			t.Errorf("it ends with a window of %v", g.window.limit)
		}
	}
}

// A partition is sent in batches of some size, to its replicas alone, spread over them.
func TestBatchesAreBounded(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{Nodes: 6})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	var most, rows atomic.Int64
	c.Script(func(r fakecql.Request) fakecql.Answer {
		rows.Add(int64(r.Writes))
		for m := most.Load(); int64(r.Writes) > m && !most.CompareAndSwap(m, int64(r.Writes)); m = most.Load() {
		}
		return fakecql.Answer{}
	})
	var all []view
	for i := range 1000 {
		all = append(all, view{K: "one", C: int32(i), V: ptr("x")})
	}
	for i := range 10 {
		all = append(all, view{K: "large", C: int32(i), V: ptr(strings.Repeat("x", 20_000))})
	}
	put(t, s, 1, all...)
	if most.Load() != batchRows || rows.Load() != 1010 {
		t.Errorf("%d rows in batches of at most %d", rows.Load(), most.Load())
	}
	used := 0
	for _, n := range c.Nodes {
		if n.Requests.Load() > 0 {
			used++
		}
	}
	if used == 0 || used > 6 { // two partitions of three replicas
		t.Errorf("%d nodes were asked", used)
	}
}
