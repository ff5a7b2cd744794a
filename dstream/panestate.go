package dstream

import (
	"maps"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// paneState is the committed state of one partition of a windowed step: for each pane, the accumulators of its keys.
type paneState[K comparable, A any] struct {
	panes map[int64]rdd.Groups[K, A] // by start of the pane, µs
}

// paneOverlay is what a batch changes of it: accumulators as they will be, for the keys it touched, and the panes that no window
// needs any more.
type paneOverlay[K comparable, A any] struct {
	touched map[int64]rdd.Groups[K, A]
	dropped []int64
}

func newPaneState[K comparable, A any]() State {
	return &paneState[K, A]{panes: map[int64]rdd.Groups[K, A]{}}
}

// Touched is the number of keys in the overlay.
func (o *paneOverlay[K, A]) Touched() int {
	n := 0
	for _, g := range o.touched {
		n += g.Len()
	}
	return n
}

// Empty tells that nothing changes.
func (o *paneOverlay[K, A]) Empty() bool { return len(o.touched) == 0 && len(o.dropped) == 0 }

// fold merges partials of one pane into the overlay. A key's accumulator starts as a copy of the committed one, which stays as it
// is.
func (s *paneState[K, A]) fold(o *paneOverlay[K, A], f func(*A, A), pane int64, keys []K, from []rdd.Partial[A]) {
	g, ok := o.touched[pane]
	if !ok {
		g = rdd.NewGroups[K, A]()
		o.touched[pane] = g
	}
	known := g.Len()
	ids := g.IDs(keys, len(from))
	if base, ok := s.panes[pane]; ok {
		for id := known; id < g.Len(); id++ {
			if b, ok := base.Find(g.Key(id)); ok {
				g.Accs()[id], g.Rows()[id] = base.Accs()[b], base.Rows()[b]
				own(&g.Accs()[id])
			}
		}
	}
	for i, id := range ids {
		f(&g.Accs()[id], from[i].Acc)
		g.Rows()[id] += from[i].Rows
	}
}

// own makes an accumulator independent of the one that it was copied from.
func own[A any](a *A) {
	if c, err := codec.Of[A](); err == nil && !c.Flat {
		c.Clone(unsafe.Pointer(a), 1)
	}
}

// isFlat tells whether a Go copy of an A is a deep one.
func isFlat[A any]() bool {
	c, err := codec.Of[A]()
	return err == nil && c.Flat
}

// each visits the accumulators of a pane as they will be after the overlay: committed ones in order, then new ones.
func (s *paneState[K, A]) each(o *paneOverlay[K, A], pane int64, visit func(key K, a *A, rows int64)) {
	base, held := s.panes[pane]
	over, changed := rdd.Groups[K, A]{}, false
	if o != nil {
		over, changed = o.touched[pane]
	}
	for id := 0; held && id < base.Len(); id++ {
		key := base.Key(id)
		if changed {
			if at, ok := over.Find(key); ok {
				visit(key, &over.Accs()[at], over.Rows()[at])
				continue
			}
		}
		visit(key, &base.Accs()[id], base.Rows()[id])
	}
	for id := 0; changed && id < over.Len(); id++ {
		key := over.Key(id)
		if held {
			if _, ok := base.Find(key); ok {
				continue
			}
		}
		visit(key, &over.Accs()[id], over.Rows()[id])
	}
}

// starts returns the panes there are after an overlay, but for dropped ones, in order.
func (s *paneState[K, A]) starts(o *paneOverlay[K, A]) []int64 {
	all := map[int64]bool{}
	for p := range s.panes {
		all[p] = true
	}
	if o != nil {
		for p := range o.touched {
			all[p] = true
		}
		for _, p := range o.dropped {
			delete(all, p)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Commit takes an overlay in. It runs no code of users.
func (s *paneState[K, A]) Commit(over Overlay) {
	o := over.(*paneOverlay[K, A])
	for pane, g := range o.touched {
		base, ok := s.panes[pane]
		if !ok {
			s.panes[pane] = g
			continue
		}
		for i, id := range base.IDs(g.Keys(), g.Len()) {
			base.Accs()[id], base.Rows()[id] = g.Accs()[i], g.Rows()[i]
		}
	}
	for _, pane := range o.dropped {
		delete(s.panes, pane)
	}
}

// Snapshot returns one row for each pane and key, its event time the start of the pane.
func (s *paneState[K, A]) Snapshot(over Overlay) (arrow.Record, error) {
	o, _ := over.(*paneOverlay[K, A])
	out := &rdd.Rows[K, rdd.Partial[A]]{}
	for _, pane := range s.starts(o) {
		s.each(o, pane, func(key K, a *A, rows int64) {
			out.Keys, out.Vals = append(out.Keys, key), append(out.Vals, rdd.Partial[A]{Acc: *a, Rows: rows})
			out.Times = append(out.Times, pane)
		})
	}
	if out.Len() == 0 {
		return nil, nil
	}
	return out.Record()
}

// Restore replaces the state by a snapshot's rows.
func (s *paneState[K, A]) Restore(rec arrow.Record) error {
	c, err := rdd.Decode[K, rdd.Partial[A]](rec)
	if err != nil {
		return err
	}
	rows := c.Keep().(*rdd.Rows[K, rdd.Partial[A]])
	s.panes = map[int64]rdd.Groups[K, A]{}
	o := &paneOverlay[K, A]{touched: map[int64]rdd.Groups[K, A]{}}
	set := func(into *A, from A) { *into = from }
	runs(rows.Times, func(from, to int) {
		s.fold(o, set, rows.Times[from], keys(rows.Keys, from, to), rows.Vals[from:to])
	})
	s.panes = o.touched
	return nil
}

// runs visits the runs of equal values of a column.
func runs(times []int64, visit func(from, to int)) {
	for from := 0; from < len(times); {
		to := from + 1
		for to < len(times) && times[to] == times[from] {
			to++
		}
		visit(from, to)
		from = to
	}
}

func keys[K any](ks []K, from, to int) []K {
	if ks == nil {
		return nil
	}
	return ks[from:to]
}

// Keys is the number of accumulators held.
func (s *paneState[K, A]) Keys() int {
	n := 0
	for _, g := range s.panes {
		n += g.Len()
	}
	return n
}

// Bytes estimates the memory of the accumulators, without what they point to.
func (s *paneState[K, A]) Bytes() int64 {
	var k K
	var a A
	return int64(s.Keys()) * int64(unsafe.Sizeof(k)+unsafe.Sizeof(a)+8+24)
}
