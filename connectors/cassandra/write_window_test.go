package cassandra

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cql"
)

// full enters until the window is full and returns the numbers.
func (w *window) fill() (out []uint64) {
	for w.open(1) {
		out = append(out, w.enter(1))
	}
	return out
}

// round fills the window and has all answered.
func (w *window) round(class cql.Class, took time.Duration) {
	for _, n := range w.fill() {
		w.leave(n, 1, class, took)
	}
}

func TestWindowGrowsByOne(t *testing.T) {
	w := newWindow()
	for want := firstInFlight; want < firstInFlight+5; want++ {
		if got := int(w.limit); got != want {
			t.Fatalf("%d may go, want %d", got, want)
		}
		w.round(cql.Done, time.Millisecond)
	}
	for range mostInFlight {
		w.round(cql.Done, time.Millisecond)
	}
	if w.limit != mostInFlight {
		t.Errorf("it ends at %v", w.limit)
	}
}

// A window that is not used up says nothing about what the node could take.
func TestWindowGrowsOnlyInUse(t *testing.T) {
	w := newWindow()
	for range 10 * firstInFlight {
		w.leave(w.enter(1), 1, cql.Done, time.Millisecond)
	}
	if w.limit != firstInFlight {
		t.Errorf("%v after single statements", w.limit)
	}
}

func TestWindowHalvesOnceARound(t *testing.T) {
	for _, class := range []cql.Class{cql.Overloaded, cql.Slow, cql.Away} {
		w := newWindow()
		w.round(class, time.Millisecond)
		if w.limit != firstInFlight/2 {
			t.Errorf("%s: %v after a round that failed", class, w.limit)
		}
		for range 10 {
			w.round(class, time.Millisecond)
		}
		if w.limit != leastInFlight {
			t.Errorf("%s: it ends at %v", class, w.limit)
		}
	}
	w := newWindow()
	w.round(cql.Unavailable, time.Millisecond)
	if w.limit != firstInFlight {
		t.Errorf("that replicas are away is no fault of the coordinator: %v", w.limit)
	}
}

func TestWindowHalvesWithLatency(t *testing.T) {
	w := newWindow()
	w.round(cql.Done, 10*time.Millisecond)
	before := w.limit
	w.round(cql.Done, 60*time.Millisecond)
	if w.limit != before+1 {
		t.Errorf("a little slower: %v", w.limit)
	}
	w.round(cql.Done, 200*time.Millisecond)
	if want := (before + 1) / 2; w.limit != want {
		t.Errorf("far slower: %v, want %v", w.limit, want)
	}
}

func TestWindowBoundsBytes(t *testing.T) {
	w := newWindow()
	var sum int
	for w.open(batchBytes) {
		w.enter(batchBytes)
		sum += batchBytes
	}
	if sum > mostBytes {
		t.Errorf("%d bytes under way", sum)
	}
	w = newWindow()
	if !w.open(2 * mostBytes) {
		t.Error("a row that is larger than all may not go alone")
	}
}
