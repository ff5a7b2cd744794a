package receivers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// writer is an opened log. What was appended waits in buf, then in pending until two executors have it.
type writer struct {
	*journal
	until int64 // place up to which segments of lower epochs count

	// flushing guards the fields below, and is held while executors are called. It is taken before mu.
	flushing sync.Mutex
	pending  []byte               // frames from acked on that are under way
	upTo     int64                // place after them
	last     *segment             // that is written to; nil = one is to begin
	before   []Holder             // of the segment before, as far as they work
	ended    *piece               // the segment before, to be sealed; nil = it is, or there is none
	failed   map[string]time.Time // when executors have failed last
	alone    func()               // ends the notice that there is one holder only; nil = there is none

	mu     sync.Mutex // guards the rest
	buf    []byte     // frames from upTo on
	start  int64      // all before it was removed
	acked  int64      // all before it is with two executors
	end    int64      // of what was appended
	pieces []piece    // in order, up to acked
	files  []file     // likewise, with those of earlier drivers
	lost   []span     // accepted
	dead   error      // why nothing can be appended any more

	remover remover
}

// segment is the one that is written to.
type segment struct {
	Segment
	start   int64
	holders []Holder
	began   bool // something in it is acknowledged
}

// resume makes a writer that goes on behind some pieces. What lies with one executor only is written again, if there are two.
func (j *journal) resume(ctx context.Context, p position, f found, before, pieces []piece) (*writer, error) {
	end := p.At
	if n := len(pieces); n > 0 {
		end = pieces[n-1].To
	}
	for _, l := range p.Lost {
		if l.From == end {
			end = l.To
		}
	}
	w := &writer{journal: j, until: end, failed: map[string]time.Time{}, files: f.files(), lost: p.Lost}
	w.start = p.At
	if len(w.files) > 0 {
		w.start = min(w.start, w.files[0].start)
	}
	again := slices.IndexFunc(pieces, func(p piece) bool { return len(p.Holders) < 2 })
	if again < 0 || len(j.o.Live()) < 2 {
		again = len(pieces)
	}
	rest := slices.Clone(pieces[again:])
	if len(rest) > 0 {
		end = rest[0].From
	}
	w.pieces = slices.Concat(before, pieces[:again])
	w.acked, w.end, w.upTo = end, end, end
	w.remover.start(&j.client, request{Log: j.log, Epoch: j.o.Epoch})
	err := w.again(ctx, rest)
	if err == nil {
		err = w.begin(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// again appends what lies in some pieces.
func (w *writer) again(ctx context.Context, rest []piece) error {
	for _, p := range rest {
		if p.From > w.end { // a loss that was accepted
			if _, _, err := w.Sync(ctx); err != nil {
				return err
			}
			w.skip(p.From)
		}
		r := reading{c: &w.client, log: w.log, each: func(r dstream.JournalRecord) (bool, error) { return true, w.Append(ctx, r.Payload, r.Cut) }}
		if _, err := r.pieces(ctx, []piece{p}, p.From, p.To); err != nil {
			return err
		}
	}
	_, _, err := w.Sync(ctx)
	return err
}

// begin begins a segment before there is something to put in: from now on, positions name who has what comes, and lower epochs are cut off.
func (w *writer) begin(ctx context.Context) error {
	w.flushing.Lock()
	defer w.flushing.Unlock()
	if w.last != nil {
		return nil
	}
	return w.deliver(ctx)
}

// skip goes on at a later place, in another segment.
func (w *writer) skip(to int64) {
	w.flushing.Lock()
	defer w.flushing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil {
		w.before, w.last = w.last.holders, nil
	}
	w.acked, w.end, w.upTo = to, to, to
}

// Append adds a record; see dstream.JournalWriter.
func (w *writer) Append(ctx context.Context, payload []byte, cut bool) error {
	if len(payload) == 0 || len(payload) > dstream.MaxRecord {
		return fmt.Errorf("log of receiver %q: %w: a record of %d bytes", w.log.Receiver, ErrInvalid, len(payload))
	}
	w.mu.Lock()
	if err := w.dead; err != nil {
		w.mu.Unlock()
		return err
	}
	w.buf = dstream.AppendFrame(w.buf, payload, cut)
	w.end += int64(len(payload))
	full, end := len(w.buf) >= flushBytes, w.end
	w.mu.Unlock()
	if !full {
		return nil
	}
	return w.flush(ctx, end)
}

// Sync waits until two executors have all that was appended.
func (w *writer) Sync(ctx context.Context) (start, end int64, err error) {
	w.mu.Lock()
	end = w.end
	w.mu.Unlock()
	if err := w.flush(ctx, end); err != nil {
		return 0, 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.start, w.acked, nil
}

// Length is how many bytes lie in the log and wait for it.
func (w *writer) Length() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end - w.start
}

// Position names a place with the holders of what comes after it.
func (w *writer) Position(at int64) dstream.Offsets {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := position{At: at, Lost: slices.DeleteFunc(slices.Clone(w.lost), func(l span) bool { return l.To <= at })}
	// The piece that ends at the place counts too: the next may lie in its segment.
	p.Holders = holdersOf(within(w.pieces, at-1, forever))
	return encode(p)
}

// Body names the segments of a range.
func (w *writer) Body(from, to int64) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return encode(body{w.log, within(w.pieces, from, to)})
}

// Remove forgets what is committed, and has its holders remove it.
func (w *writer) Remove(_ context.Context, upTo dstream.Offsets) error {
	p, err := parsePosition(upTo)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := Segment{-1, -1} // of the log: its holders know where the log ends
	if n := len(w.pieces); n > 0 {
		last = w.pieces[n-1].Segment
		w.pieces = slices.DeleteFunc(w.pieces, func(q piece) bool { return q.To <= p.At && q.Segment != last })
	}
	w.files = slices.DeleteFunc(w.files, func(f file) bool {
		over := f.end <= p.At && f.Segment != last
		if over {
			w.remover.add(f)
		}
		return over
	})
	w.start = max(w.start, p.At)
	if len(w.files) > 0 {
		w.start = min(max(w.files[0].start, 0), w.start)
	}
	return nil
}

// Close tries to bring what was appended to two executors, for a short time, and stops.
func (w *writer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), w.o.Answer)
	defer cancel()
	_, _, err := w.Sync(ctx)
	w.remover.stop()
	w.flushing.Lock()
	defer w.flushing.Unlock()
	w.together()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead == nil {
		w.dead = fmt.Errorf("log of receiver %q: closed", w.log.Receiver)
	}
	if errors.Is(err, ErrReplaced) || errors.Is(err, context.DeadlineExceeded) {
		return nil // nobody was told that it is safe
	}
	return err
}
