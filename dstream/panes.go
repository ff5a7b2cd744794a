package dstream

import (
	"errors"
	"iter"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Pane is one key's result in one window, as it travels.
type Pane[V any] struct {
	Start, End time.Time
	Val        V
}

// Panes is a stream of results, one for each key and window.
type Panes[K comparable, V any] struct{ n *node }

// Named gives the step before it a name, in everything that is shown; that of a windowed step is also the name of its state in the
// checkpoint, so it stands directly behind Count, Reduce, Aggregate or GroupMap.
func (p Panes[K, V]) Named(name string) Panes[K, V] {
	p.n.job.rename(p.n, name)
	return p
}

// Filter keeps the results for which keep is true.
func (p Panes[K, V]) Filter[_ lazy](keep func(K, Window, V) bool) Panes[K, V] {
	n := p.n.job.add("Filter", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.KeyedFilter(in[0], func(k K, r Pane[V]) bool { return keep(k, Window{r.Start, r.End}, r.Val) })
	})
	n.once = p.n.once
	return Panes[K, V]{checked[K, Pane[V]](n)}
}

// MapValues gives each result to f and keeps what it returns.
func (p Panes[K, V]) MapValues[W any](f func(V) W) Panes[K, W] {
	n := p.n.job.add("MapValues", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.MapValues[K](in[0], func(r Pane[V]) Pane[W] { return Pane[W]{r.Start, r.End, f(r.Val)} })
	})
	n.once = p.n.once
	return Panes[K, W]{checked[K, Pane[W]](n)}
}

// Rekey gives each result another key and value, and groups them anew inside the same windows: for the top ten of each window, shares
// of a total, counts of counts. The results of a window must come out together and once, so there is no Rekey below Lateness or
// OnChange.
func (p Panes[K, V]) Rekey[L comparable, W any](f func(K, V) (L, W)) Windowed[L, W] {
	n := p.n.job.add("Rekey", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.Rekey(in[0], func(k K, r Pane[V]) (L, W) { return f(k, r.Val) })
	})
	out := Windowed[L, W]{n: checked[L, W](n), panes: panes{length: 1, slide: 1, size: 1, whole: true}}
	if p.n.once == nil {
		p.n.job.fail(n.at, "Rekey", errors.New("its windows give results more than once, with Lateness or OnChange: those of a window have to come together"))
		return out
	}
	of := p.n.once
	out.panes = panes{length: of.length, slide: of.slide, size: of.length, whole: true}
	return out
}

// Keyed drops the windows; each result keeps its event time, the end of its window less a microsecond, so that a Window behind it makes
// windows of windows. That one takes a result which comes again, with Lateness or OnChange, for another row.
func (p Panes[K, V]) Keyed[_ lazy]() Keyed[K, V] {
	return Keyed[K, V]{checked[K, V](p.n.job.add("Keyed", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.MapValues[K](in[0], func(r Pane[V]) V { return r.Val })
	}))}
}

// Map gives each key, window and result to f and keeps what it returns.
func (p Panes[K, V]) Map[U any](f func(K, Window, V) U) Stream[U] {
	return Stream[U]{checked[none, U](p.n.job.add("Map", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.KeyedMap(in[0], func(k K, r Pane[V]) U { return f(k, Window{r.Start, r.End}, r.Val) })
	}))}
}

// FlatMap gives each key, window and result to f and keeps everything that it yields.
func (p Panes[K, V]) FlatMap[U any](f func(K, Window, V) iter.Seq[U]) Stream[U] {
	return Stream[U]{checked[none, U](p.n.job.add("FlatMap", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return flatPanes(in[0], f)
	}))}
}

func flatPanes[K comparable, V, U any](n *rdd.Node, f func(K, Window, V) iter.Seq[U]) *rdd.Node {
	return rdd.KeyedFlatMap(n, func(k K, r Pane[V]) iter.Seq[U] { return f(k, Window{r.Start, r.End}, r.Val) })
}
