package cassandra

import (
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cql"
)

// window bounds what is under way to one node, and adapts: one more for each window that went well, half as many when the node is
// overloaded, does not answer in time, or takes far longer than it did. It has no clock and no lock of its own.
type window struct {
	limit    float64
	inFlight int
	bytes    int
	entered  uint64 // statements so far
	cut      uint64 // entered when the window was last halved: what was under way then does not halve it again

	clean   int           // answers since the window last changed
	full    bool          // it was used up since then
	sum     time.Duration // of their latencies
	fastest time.Duration // mean of a window; follows upwards slowly
}

// Bounds of a window. The bytes are half of what a node with a heap of 320 MiB takes from one client (heap/40): more is only queued in its sockets.
const (
	leastInFlight = 4
	firstInFlight = 64
	mostInFlight  = 256
	mostBytes     = 4 << 20
)

// A window's mean latency is a sign of queues when it is this much worse than the best one.
const (
	slowFactor = 4
	slowFloor  = 50 * time.Millisecond
)

func newWindow() *window { return &window{limit: firstInFlight} }

// open tells whether a statement of so many bytes may go. One always may.
func (w *window) open(bytes int) bool {
	return w.inFlight == 0 || w.inFlight < int(w.limit) && w.bytes+bytes <= mostBytes
}

// enter counts a statement in, and returns its number.
func (w *window) enter(bytes int) uint64 {
	w.inFlight++
	w.bytes += bytes
	w.entered++
	w.full = w.full || w.inFlight >= int(w.limit) || w.bytes+bytes > mostBytes
	return w.entered
}

// leave counts a statement out.
func (w *window) leave(number uint64, bytes int, class cql.Class, took time.Duration) {
	w.inFlight--
	w.bytes -= bytes
	switch class {
	case cql.Overloaded, cql.Slow, cql.Away:
		if number > w.cut {
			w.halve()
		}
	case cql.Done:
		w.clean++
		w.sum += took
		if w.clean >= int(w.limit) {
			w.judge()
		}
	}
}

// judge looks at a window that went well.
func (w *window) judge() {
	mean := w.sum / time.Duration(w.clean)
	w.fastest += w.fastest / 50
	if w.fastest == 0 || mean < w.fastest {
		w.fastest = mean
	}
	switch {
	case mean > slowFactor*w.fastest+slowFloor:
		w.halve()
		return
	case w.full:
		w.limit = min(w.limit+1, mostInFlight)
	}
	w.restart()
}

func (w *window) halve() {
	w.limit = max(w.limit/2, leastInFlight)
	w.cut = w.entered
	w.restart()
}

func (w *window) restart() { w.clean, w.sum, w.full = 0, 0, false }
