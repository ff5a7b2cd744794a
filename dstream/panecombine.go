package dstream

import "github.com/tidemill/tidemill/rdd"

// combinePanes folds the rows of a partition into panes before they are sent anywhere. Event times come in runs of the same
// pane, mostly, so that a row costs one comparison for it.
func combinePanes[K comparable, V, A any](p *rdd.Node, w Windowed[K, V], f rdd.Fold[V, A]) *rdd.Node {
	timed := w.n.timed
	return rdd.Custom[K, rdd.Partial[A]]("Combine", p.Parts, []*rdd.Node{p}, func(t *rdd.Task, _ int, in []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			c := &paneCombiner[K, V, A]{at: &w.panes, timed: timed, fold: f, env: envOf(t), panes: map[int64]rdd.Groups[K, A]{}}
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
	timed   bool // else event times that rows still have are of no account
	fold    rdd.Fold[V, A]
	env     *Env
	panes   map[int64]rdd.Groups[K, A]
	rows    int64 // that came
	outside int64 // between windows
}

func (c *paneCombiner[K, V, A]) add(rows *rdd.Rows[K, V]) {
	n := rows.Len()
	c.rows += int64(n)
	if !c.timed || rows.Times == nil {
		pane, _, _ := c.at.pane(c.env.batchTime())
		c.run(rows, pane, 0, n)
		return
	}
	for from := 0; from < n; {
		pane, first, end := c.at.pane(rows.Times[from])
		to := from + 1
		for to < n && rows.Times[to] >= first && rows.Times[to] < end {
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
