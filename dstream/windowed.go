package dstream

import (
	"fmt"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Windowed is a stream of rows V with keys K, each in one or more windows, before it is known what becomes of them.
type Windowed[K comparable, V any] struct {
	n     *node // the stream
	at    string
	panes panes
	emit  EmitMode
}

// Window puts each row of a stream into the windows that w says.
func (s Stream[T]) Window(w WindowSpec) Windowed[struct{}, T] { return windowed[struct{}, T](s.n, w) }

// Window puts each row into the windows that w says, key by key.
func (k Keyed[K, V]) Window(w WindowSpec) Windowed[K, V] { return windowed[K, V](k.n, w) }

func windowed[K comparable, V any](n *node, w WindowSpec) Windowed[K, V] {
	out := Windowed[K, V]{n: n, at: rdd.CallSite()}
	var err error
	if out.panes, err = w.panes(); err != nil {
		n.job.fail(out.at, "Window", err)
		out.panes = panes{1, 1, 1, 0}
	}
	return out
}

// Lateness keeps a window for d after the watermark has passed its end: rows that come until then change its result, later ones
// are late. Default 0.
func (w Windowed[K, V]) Lateness(d time.Duration) Windowed[K, V] {
	if d < 0 {
		w.n.job.fail(rdd.CallSite(), "Lateness", fmt.Errorf("%v is negative", d))
		return w
	}
	w.panes.lateness = d.Microseconds()
	return w
}

// Emit says when results come out. Default OnClose.
func (w Windowed[K, V]) Emit(m EmitMode) Windowed[K, V] {
	w.emit = m
	return w
}

// Late is the rows that came too late for every window they belong to. They are counted in any case.
func (w Windowed[K, V]) Late() Keyed[K, V] {
	var step *stateful
	n := w.n.job.add("Late", []*node{w.n}, func(c *cut, in []*rdd.Node) *rdd.Node {
		return rdd.Step(in[0], "Late", func(t *rdd.Task) func(in, out *rdd.Rows[K, V]) error {
			env := envOf(t)
			return func(in, out *rdd.Rows[K, V]) error {
				rdd.Select(in, out, func(i int) bool { return w.panes.late(w.panes.pane(env.time(in.Times, i)), step.judge(env)) })
				return nil
			}
		})
	})
	// Late has no state of its own, but the watermark of its own place in the graph.
	step = w.n.job.stateful(n, "Late", nil)
	return Keyed[K, V]{n}
}

// Count counts the rows of each key and window.
func (w Windowed[K, V]) Count() Panes[K, int64] {
	return window(w, "Count", rdd.Counting[V](), func(_ K, _ Window, n int64) int64 { return n })
}

// Reduce combines the rows of each key and window with f, which must be associative.
func (w Windowed[K, V]) Reduce(f func(V, V) V) Panes[K, V] {
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
		partials := combinePanes[K](in[0], &w.panes, f)
		sent := rdd.ExchangeByKey[K, rdd.Partial[A]](partials, kind, c.by, rdd.Weight[A]())
		return mergePanes(sent, kind, w, step, f, finish)
	})
	n.at, n.timed = rdd.CallSite(), true
	step = w.n.job.stateful(n, kind, newPaneState[K, A])
	step.shape = fmt.Sprintf("window %v/%v+%v of %T → %T", w.panes.length, w.panes.slide, w.panes.lateness, *new(K), *new(A))
	checked[K, rdd.Partial[A]](n)
	return Panes[K, R]{checked[K, Pane[R]](n)}
}

// combinePanes folds the rows of a partition into panes before they are sent anywhere. Event times come in runs of the same
// pane, mostly, so that a row costs one comparison for it.
func combinePanes[K comparable, V, A any](p *rdd.Node, at *panes, f rdd.Fold[V, A]) *rdd.Node {
	return rdd.Custom[K, rdd.Partial[A]]("Combine", p.Parts, []*rdd.Node{p}, func(t *rdd.Task, _ int, in []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			c := &paneCombiner[K, V, A]{at: at, fold: f, env: envOf(t), panes: map[int64]rdd.Groups[K, A]{}}
			for chunk, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				c.add(chunk.(*rdd.Rows[K, V]))
			}
			c.yield(t, yield)
		}
	})
}

type paneCombiner[K comparable, V, A any] struct {
	at      *panes
	fold    rdd.Fold[V, A]
	env     *Env
	panes   map[int64]rdd.Groups[K, A]
	rows    int64 // that came
	outside int64 // between windows
}

func (c *paneCombiner[K, V, A]) add(rows *rdd.Rows[K, V]) {
	n := rows.Len()
	c.rows += int64(n)
	if rows.Times == nil {
		c.run(rows, c.at.pane(c.env.batchTime()), 0, n)
		return
	}
	for from := 0; from < n; {
		pane := c.at.pane(rows.Times[from])
		end := pane + c.at.size
		to := from + 1
		for to < n && rows.Times[to] >= pane && rows.Times[to] < end {
			to++
		}
		c.run(rows, pane, from, to)
		from = to
	}
}

func (c *paneCombiner[K, V, A]) run(rows *rdd.Rows[K, V], pane int64, from, to int) {
	if c.at.none(pane) {
		c.outside += int64(to - from)
		return
	}
	g, ok := c.panes[pane]
	if !ok {
		g = rdd.NewGroups[K, A]()
		c.panes[pane] = g
	}
	rdd.AddRows(g, c.fold, rows, from, to)
}

// yield gives out the partials pane by pane, their event time the start of the pane.
func (c *paneCombiner[K, V, A]) yield(t *rdd.Task, yield func(rdd.Chunk, error) bool) {
	sent := int64(0)
	for _, pane := range sortedKeys(c.panes) {
		g := c.panes[pane]
		out := &rdd.Rows[K, rdd.Partial[A]]{Keys: g.Keys(), Vals: make([]rdd.Partial[A], g.Len()), Times: make([]int64, g.Len())}
		for i := range out.Vals {
			out.Vals[i], out.Times[i] = rdd.Partial[A]{Acc: g.Accs()[i], Rows: g.Rows()[i]}, pane
			sent += g.Rows()[i]
		}
		if out.Len() > 0 && !yield(out, nil) {
			return
		}
	}
	t.Counts.Fold("combine", rdd.Folded{Rows: c.rows, Accepted: sent + c.outside})
}
