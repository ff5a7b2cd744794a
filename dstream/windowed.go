package dstream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Windowed is a stream of rows V with keys K, each in one or more windows, before it is known what becomes of them.
type Windowed[K comparable, V any] struct {
	n     *node // the stream
	panes panes
	emit  EmitMode
}

// Window puts each row of a stream into the windows that w says.
func (s Stream[T]) Window[_ lazy](w WindowSpec) Windowed[struct{}, T] {
	return windowed[struct{}, T](s.n, w)
}

// Window puts each row into the windows that w says, key by key.
func (k Keyed[K, V]) Window[_ lazy](w WindowSpec) Windowed[K, V] { return windowed[K, V](k.n, w) }

func windowed[K comparable, V any](n *node, w WindowSpec) Windowed[K, V] {
	out, at := Windowed[K, V]{n: n}, rdd.CallSite()
	var err error
	if out.panes, err = w.panes(); err != nil {
		n.job.fail(at, "Window", err)
		out.panes = panes{length: 1, slide: 1, size: 1}
	}
	if culprit, given := lost(n); culprit != nil {
		n.job.fail(at, "Window", fmt.Errorf(
			"the event time that its rows got at %s is lost in the %s at %s: put Window before that, give the rows a new EventTime after it, or leave EventTime out to run on batch time",
			given.at, culprit.kind, culprit.at))
	}
	return out
}

// Lateness keeps a window for d after the watermark has passed its end: rows that come until then change its result, later ones
// are late. Default 0. On batch time no row is ever late.
func (w Windowed[K, V]) Lateness(d time.Duration) Windowed[K, V] {
	switch {
	case d < 0 || d%time.Microsecond != 0:
		w.n.job.fail(rdd.CallSite(), "Lateness", fmt.Errorf("%v: it takes a number of microseconds, 0 or more", d))
	case w.panes.whole:
		w.n.job.fail(rdd.CallSite(), "Lateness", errRekeyed)
	default:
		w.panes.lateness = d.Microseconds()
	}
	return w
}

// Emit says when results come out. Default OnClose.
func (w Windowed[K, V]) Emit(m EmitMode) Windowed[K, V] {
	switch {
	case m != OnClose && m != OnChange:
		w.n.job.fail(rdd.CallSite(), "Emit", fmt.Errorf("there is no mode %d", m))
	case w.panes.whole:
		w.n.job.fail(rdd.CallSite(), "Emit", errRekeyed)
	}
	w.emit = m
	return w
}

var errRekeyed = errors.New("the windows of Rekey are those that the results come from, and they come out with them")

// Late is the rows that came too late for every window they belong to: exactly those that the windowed step counts as late.
func (w Windowed[K, V]) Late[_ lazy]() Keyed[K, V] {
	var step *stateful
	n := w.n.job.add("Late", []*node{w.n}, func(c *cut, in []*rdd.Node) *rdd.Node {
		return rdd.Step(in[0], "Late", func(t *rdd.Task) func(in, out *rdd.Rows[K, V]) error {
			env := envOf(t)
			judge := step.judge(env)
			return func(in, out *rdd.Rows[K, V]) error {
				rdd.Select(in, out, func(i int) bool {
					if !w.n.timed || in.Times == nil {
						return false
					}
					pane, _, _ := w.panes.pane(in.Times[i])
					return !w.panes.none(pane) && w.panes.late(pane, judge)
				})
				return nil
			}
		})
	})
	// Late has no state of its own, but the watermark of its own place in the graph.
	step = w.n.job.stateful(n, "Late", nil)
	return Keyed[K, V]{checked[K, V](n)}
}

// Count counts the rows of each key and window.
func (w Windowed[K, V]) Count[_ lazy]() Panes[K, int64] {
	return window(w, "Count", rdd.Counting[V](), func(_ K, _ Window, n int64) int64 { return n })
}

// Reduce combines the rows of each key and window with f, which must be associative.
func (w Windowed[K, V]) Reduce[_ lazy](f func(V, V) V) Panes[K, V] {
	return window(w, "Reduce", rdd.Reducing(f), func(_ K, _ Window, r rdd.Reduced[V]) V { return r.Val })
}

// Aggregate folds the rows of each key and window: add folds a row, merge another accumulator, which it must neither keep nor
// change, since a pane is merged into several windows. The zero value of A is the empty accumulator.
func (w Windowed[K, V]) Aggregate[A any](add func(*A, V), merge func(*A, A)) Panes[K, A] {
	return window(w, "Aggregate", rdd.FoldOf(add, merge), func(_ K, _ Window, a A) A { return a })
}

// GroupMap gives f all rows of a key and window, in map order batch by batch. They are all kept until the window closes: prefer
// Aggregate.
func (w Windowed[K, V]) GroupMap[R any](f func(K, Window, []V) R) Panes[K, R] {
	return window(w, "GroupMap", rdd.Grouping[V](), f)
}

// window adds the stateful step: rows are combined into panes where they are, partials move by key and are merged into the
// state, and windows come out of it.
func window[K comparable, V, A, R any](w Windowed[K, V], kind string, f rdd.Fold[V, A], finish func(K, Window, A) R) Panes[K, R] {
	var step *stateful
	n := w.n.job.add(kind, []*node{w.n}, func(c *cut, in []*rdd.Node) *rdd.Node {
		partials := combinePanes[K](in[0], w, f)
		sent := rdd.ExchangeByKey[K, rdd.Partial[A]](partials, kind, c.by, rdd.Weight[A]())
		return mergePanes(sent, kind, w, step, f, finish)
	})
	n.timed = true
	if w.emit == OnClose && w.panes.lateness == 0 {
		n.once = &w.panes
	}
	step = w.n.job.stateful(n, kind, newPaneState[K, A])
	step.shape = w.panes.shape() + " of " + columnsOf[K]() + " → " + columnsOf[A]()
	checked[K, rdd.Partial[A]](n)
	return Panes[K, R]{checked[K, Pane[R]](n)}
}

// shape is the part of the windows that decides what their state means.
func (p *panes) shape() string {
	µs := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	kind := "windows"
	if p.whole {
		kind = "rekeyed windows"
	}
	return fmt.Sprintf("%s of %v every %v + %v", kind, µs(p.length), µs(p.slide), µs(p.lateness))
}

// columnsOf names the columns of T and their types: what its rows are when they are kept, whatever the Go types are called.
func columnsOf[T any]() string {
	c, err := codec.Of[T]()
	if err != nil {
		return "" // reported by checked
	}
	var out []string
	for _, f := range c.Schema().Fields() {
		out = append(out, f.Name+" "+f.Type.String())
	}
	return "(" + strings.Join(out, ", ") + ")"
}
