package dstream

import (
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

// Named gives the windowed step a name: of its state in the checkpoint, and in everything that is shown.
func (p Panes[K, V]) Named(name string) Panes[K, V] {
	p.n.job.rename(p.n, name)
	return p
}

// Filter keeps the results for which keep is true.
func (p Panes[K, V]) Filter(keep func(K, Window, V) bool) Panes[K, V] {
	return Panes[K, V]{p.n.job.add("Filter", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.AsKeyed[K, Pane[V]](in[0]).Filter(func(k K, r Pane[V]) bool { return keep(k, Window{r.Start, r.End}, r.Val) }).Node()
	})}
}

// MapValues gives each result to f and keeps what it returns.
func (p Panes[K, V]) MapValues[W any](f func(V) W) Panes[K, W] {
	return Panes[K, W]{checked[K, Pane[W]](p.n.job.add("MapValues", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.AsKeyed[K, Pane[V]](in[0]).MapValues(func(r Pane[V]) Pane[W] { return Pane[W]{r.Start, r.End, f(r.Val)} }).Node()
	}))}
}

// Keyed drops the windows; each result keeps its event time, the end of its window less a microsecond.
func (p Panes[K, V]) Keyed() Keyed[K, V] {
	return Keyed[K, V]{checked[K, V](p.n.job.add("Keyed", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.AsKeyed[K, Pane[V]](in[0]).MapValues(func(r Pane[V]) V { return r.Val }).Node()
	}))}
}

// Map gives each key, window and result to f and keeps what it returns.
func (p Panes[K, V]) Map[U any](f func(K, Window, V) U) Stream[U] {
	return Stream[U]{checked[none, U](p.n.job.add("Map", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.AsKeyed[K, Pane[V]](in[0]).Map(func(k K, r Pane[V]) U { return f(k, Window{r.Start, r.End}, r.Val) }).Node()
	}))}
}

// FlatMap gives each key, window and result to f and keeps everything that it yields.
func (p Panes[K, V]) FlatMap[U any](f func(K, Window, V) iter.Seq[U]) Stream[U] {
	return Stream[U]{checked[none, U](p.n.job.add("FlatMap", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return flatPanes(in[0], f)
	}))}
}

func flatPanes[K comparable, V, U any](n *rdd.Node, f func(K, Window, V) iter.Seq[U]) *rdd.Node {
	return rdd.FlatMapKeyed(n, func(k K, r Pane[V]) iter.Seq[U] { return f(k, Window{r.Start, r.End}, r.Val) })
}
