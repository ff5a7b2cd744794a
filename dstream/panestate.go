package dstream

import (
	"maps"
	"slices"
	"unsafe"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// paneState is the committed state of one partition of a windowed step: for each pane, the accumulators of its keys.
type paneState[K comparable, A any] struct {
	panes map[int64]rdd.Groups[K, A] // by start of the pane, µs
	codec *codec.Codec               // of A
	text  bool                       // A has text in it
	none  rdd.Groups[K, A]           // no keys
}

func newPaneState[K comparable, A any]() State {
	c, err := codec.Of[A]()
	if err != nil { // Build refused the step
		panic("dstream: state of a type without a codec: " + err.Error())
	}
	return &paneState[K, A]{panes: map[int64]rdd.Groups[K, A]{}, codec: c, text: textIn(c.Fields), none: rdd.NewGroups[K, A]()}
}

// copy returns an accumulator that shares nothing which its owner could change.
func (s *paneState[K, A]) copy(from *A) A {
	if s.codec.Flat {
		return *from
	}
	a := *from // moves to the heap, which flat ones need not
	s.codec.Clone(unsafe.Pointer(&a), 1)
	return a
}

// fold merges partials of one pane into the overlay. A key's accumulator starts as a copy of the committed one, which stays as it
// is.
func (s *paneState[K, A]) fold(o *paneOverlay[K, A], f func(*A, A), pane int64, keys []K, from []rdd.Partial[A]) {
	g := o.pane(pane)
	ids := g.IDs(keys, len(from))
	base, held := s.panes[pane]
	for id := len(g.was); id < g.Len(); id++ {
		was := int32(-1)
		if held {
			if b, ok := base.Find(g.Key(id)); ok {
				was = b
				g.Accs()[id], g.Rows()[id] = s.copy(&base.Accs()[b]), base.Rows()[b]
			}
		}
		g.was = append(g.was, was)
	}
	for i, id := range ids {
		f(&g.Accs()[id], from[i].Acc)
		g.Rows()[id] += from[i].Rows
		if overlayWritesThrough && g.was[id] >= 0 {
			base.Accs()[g.was[id]] = g.Accs()[id]
		}
	}
}

// starts returns the panes there are after an overlay, but for dropped ones, in order.
func (s *paneState[K, A]) starts(o *paneOverlay[K, A]) []int64 {
	all := make(map[int64]bool, len(s.panes))
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
			s.panes[pane] = g.Groups
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
func (s *paneState[K, A]) Keys(over Overlay) int {
	o, _ := over.(*paneOverlay[K, A])
	n := 0
	for _, pane := range s.starts(o) {
		if base, ok := s.panes[pane]; ok {
			n += base.Len()
		}
		if o != nil {
			n += o.touched[pane].added()
		}
	}
	return n
}

// Bytes estimates the memory of the accumulators, without what they point to.
func (s *paneState[K, A]) Bytes() int64 {
	var k K
	var a A
	return int64(s.Keys(nil)) * int64(unsafe.Sizeof(k)+unsafe.Sizeof(a)+8+24)
}
