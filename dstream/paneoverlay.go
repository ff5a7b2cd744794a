package dstream

import (
	"slices"
	"unsafe"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// paneOverlay is what a batch changes of a paneState: accumulators as they will be, for the keys it touched, and the panes that no
// window needs any more.
type paneOverlay[K comparable, A any] struct {
	touched map[int64]*touchedPane[K, A]
	dropped []int64
}

// touchedPane is the keys of a pane that a batch touched.
type touchedPane[K comparable, A any] struct {
	rdd.Groups[K, A]
	was []int32 // id of each key in the committed pane; -1 = none

	// Of the first len(was) keys seen, made on demand.
	indexed int
	now     map[int32]int32 // id in the committed pane → id here
	fresh   []K             // keys that the committed pane lacks
	freshID []int32
}

// added is the number of keys that the committed pane lacks.
func (g *touchedPane[K, A]) added() (n int) {
	if g == nil {
		return 0
	}
	for _, was := range g.was {
		if was < 0 {
			n++
		}
	}
	return n
}

func newPaneOverlay[K comparable, A any]() *paneOverlay[K, A] {
	return &paneOverlay[K, A]{touched: map[int64]*touchedPane[K, A]{}}
}

// pane is what the overlay has of a pane.
func (o *paneOverlay[K, A]) pane(start int64) *touchedPane[K, A] {
	g, ok := o.touched[start]
	if !ok {
		g = &touchedPane[K, A]{Groups: rdd.NewGroups[K, A]()}
		o.touched[start] = g
	}
	return g
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

// settle copies the text in the accumulators out of the blocks that it points into: state must not pin them.
func (o *paneOverlay[K, A]) settle() error {
	for _, g := range o.touched {
		if err := ownText(g.Accs()); err != nil {
			return err
		}
	}
	return nil
}

// ownText copies the text in accumulators to memory of its own.
func ownText[A any](accs []A) error {
	c, err := codec.Of[A]()
	if err != nil || !textIn(c.Fields) {
		return err
	}
	n, own := len(accs), make([]A, len(accs))
	cols, err := c.Encode(unsafe.Pointer(unsafe.SliceData(accs)), n)
	if err != nil {
		return err
	}
	if err := c.Decode(unsafe.Pointer(unsafe.SliceData(own)), n, cols); err != nil {
		return err
	}
	copy(accs, own)
	return nil
}

func textIn(fields []codec.Field) bool {
	return slices.ContainsFunc(fields, func(f codec.Field) bool { return f.Kind == codec.String || textIn(f.Fields) })
}

// paneView is a pane as it will be after an overlay: committed keys in order, then new ones.
type paneView[K comparable, A any] struct {
	base  rdd.Groups[K, A]
	over  *touchedPane[K, A] // nil = untouched
	fresh []K
}

// view looks at a pane through an overlay, which may be nil.
func (s *paneState[K, A]) view(o *paneOverlay[K, A], pane int64) paneView[K, A] {
	v := paneView[K, A]{}
	var held bool
	if v.base, held = s.panes[pane]; !held {
		v.base = s.none
	}
	if o != nil {
		if v.over = o.touched[pane]; v.over != nil {
			v.over.index()
			v.fresh = v.over.fresh
		}
	}
	return v
}

func (g *touchedPane[K, A]) index() {
	if g.indexed == len(g.was) {
		return
	}
	g.now, g.fresh, g.freshID = map[int32]int32{}, nil, nil
	for id, was := range g.was {
		if was >= 0 {
			g.now[was] = int32(id)
			continue
		}
		g.fresh, g.freshID = append(g.fresh, g.Key(id)), append(g.freshID, int32(id))
	}
	g.indexed = len(g.was)
}

// place finds the accumulators that the i-th committed key has now.
func (v paneView[K, A]) place(i int) (rdd.Groups[K, A], int32) {
	if v.over != nil {
		if id, ok := v.over.now[int32(i)]; ok {
			return v.over.Groups, id
		}
	}
	return v.base, int32(i)
}

func (v paneView[K, A]) committed(i int) *A {
	g, id := v.place(i)
	return &g.Accs()[id]
}

// added is the accumulator of the i-th fresh key.
func (v paneView[K, A]) added(i int) *A { return &v.over.Accs()[v.over.freshID[i]] }

// find returns the accumulator of a key; nil if the pane has none.
func (v paneView[K, A]) find(key K) *A {
	if v.over != nil {
		if id, ok := v.over.Find(key); ok {
			return &v.over.Accs()[id]
		}
	}
	if id, ok := v.base.Find(key); ok {
		return &v.base.Accs()[id]
	}
	return nil
}

// each visits all keys, with the number of rows behind each, until visit has enough; it tells whether it never had.
func (v paneView[K, A]) each(visit func(key K, a *A, rows int64) bool) bool {
	for i, key := range v.base.Keys() {
		g, id := v.place(i)
		if !visit(key, &g.Accs()[id], g.Rows()[id]) {
			return false
		}
	}
	for i, key := range v.fresh {
		if !visit(key, v.added(i), v.over.Rows()[v.over.freshID[i]]) {
			return false
		}
	}
	return true
}
