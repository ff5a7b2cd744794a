package dstream

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// pieceRows is how many rows a record of a snapshot or a delta has at most: what is encoded, written and read at a time. Other work gets
// its turn in between, and no column outgrows what Arrow can address.
const pieceRows = 1 << 15

// droppedRows stands in a delta where the number of rows behind an accumulator would: the pane is gone, with all its keys. Key and
// accumulator of such a row mean nothing. There is one for a pane, and no other row of that pane.
const droppedRows = -1

// Snapshot yields one row for each pane and key, its event time the start of the pane: panes in order of time, keys in order of their first
// sight.
func (s *paneState[K, A]) Snapshot(over Overlay) iter.Seq2[arrow.Record, error] {
	o, _ := over.(*paneOverlay[K, A])
	return pieces(func(add func(pane int64, key K, a *A, rows int64) bool) {
		for _, pane := range s.starts(o) {
			if !s.view(o, pane).each(func(key K, a *A, rows int64) bool { return add(pane, key, a, rows) }) {
				return
			}
		}
	})
}

// Delta yields the accumulators that an overlay touches, as they will be, and a mark for each pane that it drops.
func (s *paneState[K, A]) Delta(over Overlay) iter.Seq2[arrow.Record, error] {
	o := over.(*paneOverlay[K, A])
	return pieces(func(add func(pane int64, key K, a *A, rows int64) bool) {
		var none A
		for _, pane := range s.changed(o) {
			if slices.Contains(o.dropped, pane) {
				if !add(pane, *new(K), &none, droppedRows) {
					return
				}
				continue
			}
			g := o.touched[pane]
			for id, key := range g.Keys() {
				if !add(pane, key, &g.Accs()[id], g.Rows()[id]) {
					return
				}
			}
		}
	})
}

// changed returns the panes that an overlay touches or takes away, in order. Those that it both makes and drops leave no trace.
func (s *paneState[K, A]) changed(o *paneOverlay[K, A]) []int64 {
	panes := sortedKeys(o.touched)
	panes = slices.DeleteFunc(panes, func(p int64) bool { return slices.Contains(o.dropped, p) })
	for _, p := range o.dropped {
		if _, held := s.panes[p]; held {
			panes = append(panes, p)
		}
	}
	slices.Sort(panes)
	return panes
}

// pieces yields rows in records.
func pieces[K comparable, A any](all func(add func(pane int64, key K, a *A, rows int64) bool)) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		out, more := &rdd.Rows[K, rdd.Partial[A]]{}, true
		all(func(pane int64, key K, a *A, rows int64) bool {
			out.Keys, out.Times = append(out.Keys, key), append(out.Times, pane)
			out.Vals = append(out.Vals, rdd.Partial[A]{Acc: *a, Rows: rows})
			if out.Len() == pieceRows {
				more = records(out, yield)
				out.Keys, out.Vals, out.Times = out.Keys[:0], out.Vals[:0], out.Times[:0]
			}
			return more
		})
		if more && out.Len() > 0 {
			records(out, yield)
		}
	}
}

// records yields rows in one record, or in several if they are too large for that.
func records[K comparable, A any](rows *rdd.Rows[K, rdd.Partial[A]], yield func(arrow.Record, error) bool) bool {
	rec, err := rows.Record()
	if n := rows.Len(); errors.Is(err, codec.ErrTooLarge) && n > 1 {
		return records(rows.Slice(0, n/2).(*rdd.Rows[K, rdd.Partial[A]]), yield) && records(rows.Slice(n/2, n).(*rdd.Rows[K, rdd.Partial[A]]), yield)
	}
	return yield(rec, err) && err == nil
}

// Apply sets the accumulators of a record's rows, and drops the panes that it says are gone.
func (s *paneState[K, A]) Apply(rec arrow.Record) error {
	c, err := rdd.Decode[K, rdd.Partial[A]](rec)
	if err != nil {
		return err
	}
	rows := c.(*rdd.Rows[K, rdd.Partial[A]])
	if rows.Times == nil && rows.Len() > 0 {
		return errors.New("rows of state without the column of their panes' starts")
	}
	runs(rows.Times, func(from, to int) {
		if err == nil {
			err = s.set(rows.Times[from], keys(rows.Keys, from, to), rows.Vals[from:to])
		}
	})
	return err
}

// set takes accumulators of one pane in.
func (s *paneState[K, A]) set(pane int64, keys []K, to []rdd.Partial[A]) error {
	if len(to) == 1 && to[0].Rows == droppedRows {
		delete(s.panes, pane)
		return nil
	}
	if i := slices.IndexFunc(to, func(p rdd.Partial[A]) bool { return p.Rows < 0 }); i >= 0 {
		return fmt.Errorf("an accumulator of %d rows in pane %v", to[i].Rows, timeOf(pane))
	}
	g, ok := s.panes[pane]
	if !ok {
		g = rdd.NewGroups[K, A]()
		s.panes[pane] = g
	}
	ids := g.IDs(keys, len(to))
	if s.text {
		return s.setText(g, ids, to)
	}
	accs, rows := g.Accs(), g.Rows()
	for i, id := range ids {
		accs[id], rows[id] = to[i].Acc, to[i].Rows
	}
	return nil
}

// setText is set for accumulators with text, which would pin the record.
func (s *paneState[K, A]) setText(g rdd.Groups[K, A], ids []int32, to []rdd.Partial[A]) error {
	accs, rows := make([]A, len(to)), g.Rows()
	for i, p := range to {
		accs[i] = p.Acc
	}
	if err := ownText(accs); err != nil {
		return err
	}
	for i, id := range ids {
		g.Accs()[id], rows[id] = accs[i], to[i].Rows
	}
	return nil
}
