package cassandra

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tidemill/tidemill/dstream"
)

// Bounds of what is sent at once. A batch of one partition is one mutation for the server, whose limits for batches do not apply then; its gain
// is had with some tens of rows.
const (
	batchRows   = 200
	batchBytes  = 48 << 10
	mostSenders = 128      // of one write: parcels that are under way or wait for a place
	keptBytes   = 64 << 20 // of rows that are kept until they are sent
	mostFlush   = 499      // each takes two of the 1,000 µs between the timestamps of batches
)

// writer sends the rows of one partition of a batch. Rows of one key are folded; so all rows are taken before the first is sent, or 64 MiB of
// them: those that come later have later timestamps, by the place at which the rows are cut, which is the same when the batch is run again.
type writer struct {
	sink    *Sink
	ts      int64 // of deletes; writes are a microsecond later
	flushes int
	rows    *rowSet
	taken   int64
}

func newWriter(s *Sink, ts int64) *writer {
	return &writer{sink: s, ts: ts, rows: s.sets.take(func() *rowSet { return newRowSet(s.layout) })}
}

// release gives the rows' memory back: nothing is under way any more.
func (w *writer) release() {
	w.rows.reset()
	w.sink.sets.give(w.rows)
}

// take adds a chunk.
func (w *writer) take(ctx context.Context, out dstream.Output) error {
	if err := w.rows.add(out); err != nil {
		return fmt.Errorf("row %d of the partition: %w", w.taken+int64(w.rows.len()), lastingError{err})
	}
	if len(w.rows.bytes) < w.sink.keep {
		return nil
	}
	return w.flush(ctx)
}

// flush sends what was taken, and waits until it has arrived. The first error ends it.
func (w *writer) flush(ctx context.Context) error {
	if w.rows.len() == 0 {
		return nil
	}
	if w.flushes > mostFlush {
		return lastingError{errors.New("a partition of a batch has more than 32 GB: bound the batch's rows, or use more partitions")}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &flight{writer: w, ctx: ctx, fail: cancel, work: make(chan cargo)}
	err := f.sendAll(w.ts + 2*int64(w.flushes))
	close(f.work)
	f.under.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	w.flushes++
	w.taken += int64(w.rows.len())
	w.rows.reset()
	return nil
}

// flight is the parcels of a flush that are under way. Few goroutines send them, one after the other: a new one would first have to grow
// its stack to what gocql needs.
type flight struct {
	*writer
	ctx     context.Context
	fail    context.CancelCauseFunc
	work    chan cargo
	senders int
	under   sync.WaitGroup
}

// cargo is the rows of a parcel.
type cargo struct {
	rows   []int32
	bytes  int // about
	remove bool
	ts     int64
}

func (f *flight) sendAll(ts int64) error {
	return f.rows.partitions(func(puts, removes []int32) error {
		if err := f.cut(removes, true, ts); err != nil {
			return err
		}
		return f.cut(puts, false, ts+1)
	})
}

// cut makes batches of the rows of one partition and sends them.
func (f *flight) cut(rows []int32, remove bool, ts int64) error {
	for len(rows) > 0 {
		n, size := 0, 0
		for n < len(rows) && n < batchRows {
			more := f.rows.size(rows[n], remove)
			if n > 0 && size+more > batchBytes {
				break
			}
			n, size = n+1, size+more
		}
		if err := f.give(cargo{rows[:n], size, remove, ts}); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// give hands a cargo to a sender that is free, or to a new one, or waits.
func (f *flight) give(c cargo) error {
	select {
	case f.work <- c:
		return nil
	default:
	}
	if f.senders < mostSenders {
		f.senders++
		f.under.Go(func() { f.send(c) })
		return nil
	}
	select {
	case f.work <- c:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// send sends a cargo, and those that come after it.
func (f *flight) send(c cargo) {
	s := f.sink
	b := s.blanks.take(newBlanks)
	defer s.blanks.give(b)
	b.rows = f.rows
	defer func() { b.rows = nil }()
	for more := true; more; c, more = <-f.work {
		send := func(ctx context.Context) error { return b.send(ctx, s.session, c) }
		if err := s.courier.deliver(f.ctx, parcel{f.rows.tokens[c.rows[0]], c.bytes, send}); err != nil {
			f.fail(err)
		}
	}
}

// size is about what a row takes in a frame.
func (r *rowSet) size(row int32, remove bool) int {
	cells := r.row(row)
	if remove {
		cells = cells[:r.key]
	}
	n := 20
	for _, c := range cells {
		n += 4 + max(int(c.n), 0)
	}
	return n
}

var _ interface {
	dstream.RecordSink
	dstream.Finisher
	dstream.Guaranteed
	dstream.Starter
	dstream.OneWriter
} = (*Sink)(nil)
