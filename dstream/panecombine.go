package dstream

import (
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// combinePanes folds the rows of a partition into panes before they are sent anywhere.
func combinePanes[K comparable, V, A any](p *rdd.Node, w Windowed[K, V], f rdd.Fold[V, A]) *rdd.Node {
	timed := w.n.timed
	hash, err := codec.KeyToken[K]()
	n := rdd.Custom[K, rdd.Partial[A]]("Combine", p.Parts, []*rdd.Node{p}, func(t *rdd.Task, _ int, in []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			c := newPaneCombiner[K](&w.panes, timed, f, envOf(t))
			for chunk, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				c.add(chunk.(*rdd.Rows[K, V]))
			}
			c.yield(t, hash, yield)
		}
	})
	if err != nil {
		n.Failed(err)
	}
	return n
}

// paneCombiner folds rows by pane and key. A row costs one look at its key, which numbers it, and one at a flat table that knows the
// accumulator of that key in the pane at hand. Only the first row of a key in a run of neighbours of one pane costs a second look, by
// number: so panes may change at every row, and their number costs nothing.
type paneCombiner[K comparable, V, A any] struct {
	at    *panes
	timed bool // else event times that rows still have are of no account
	fold  rdd.Fold[V, A]
	env   *Env

	keys   *rdd.Grouper[K]
	cells  *rdd.Grouper[uint64] // pane number and key number → place of the accumulator, less one
	starts []int64              // of the panes, by number
	number map[int64]uint32     // of a pane, by its start
	accs   []A                  // place 0 takes the rows that lie between windows
	rows   []int64              // behind each accumulator

	run   uint32   // of neighbours of one pane
	pane  uint32   // its pane
	seen  []uint32 // by key number: the run in which place is right
	place []int32

	ids, places []int32 // of the chunk at hand
	total       int64   // rows that came
}

func newPaneCombiner[K comparable, V, A any](at *panes, timed bool, f rdd.Fold[V, A], env *Env) *paneCombiner[K, V, A] {
	return &paneCombiner[K, V, A]{
		at: at, timed: timed, fold: f, env: env, keys: rdd.NewGrouper[K](), cells: rdd.NewGrouper[uint64](), number: map[int64]uint32{},
		accs: make([]A, 1), rows: make([]int64, 1),
	}
}

func (c *paneCombiner[K, V, A]) add(rows *rdd.Rows[K, V]) {
	n := rows.Len()
	c.total += int64(n)
	c.ids, c.places = rdd.Sized(c.ids, n), rdd.Sized(c.places, n)
	c.keys.IDs(rows.Keys, c.ids)
	if fresh := c.keys.Len() - len(c.seen); fresh > 0 {
		c.seen, c.place = append(c.seen, make([]uint32, fresh)...), append(c.place, make([]int32, fresh)...)
	}
	if !c.timed || rows.Times == nil {
		pane, _, _ := c.at.pane(c.env.batchTime())
		c.locate(pane, 0, n)
	} else {
		for from := 0; from < n; {
			pane, first, end := c.at.pane(rows.Times[from])
			to := from + 1
			for to < n && rows.Times[to] >= first && rows.Times[to] < end {
				to++
			}
			c.locate(pane, from, to)
			from = to
		}
	}
	c.fold.Add(c.accs, c.places, rows.Vals)
	var none A
	c.accs[0] = none // it may have collected rows
	for _, p := range c.places {
		c.rows[p]++
	}
}

// locate finds the accumulators of neighbouring rows of one pane.
func (c *paneCombiner[K, V, A]) locate(pane int64, from, to int) {
	if c.at.none(pane) {
		clear(c.places[from:to])
		return
	}
	c.enter(pane)
	ids, places, seen, place, run := c.ids[from:to], c.places[from:to], c.seen, c.place, c.run
	for i, id := range ids {
		if seen[id] != run {
			seen[id], place[id] = run, c.cell(id)
		}
		places[i] = place[id]
	}
}

// enter begins a run of rows of a pane, or goes on with the one at hand.
func (c *paneCombiner[K, V, A]) enter(pane int64) {
	if c.run > 0 && c.starts[c.pane] == pane {
		return
	}
	number, ok := c.number[pane]
	if !ok {
		number = uint32(len(c.starts))
		c.number[pane], c.starts = number, append(c.starts, pane)
	}
	c.pane = number
	c.run++
	if c.run == 0 { // after four billion runs
		clear(c.seen)
		c.run = 1
	}
}

// cell returns the place of the accumulator of a key in the pane at hand.
func (c *paneCombiner[K, V, A]) cell(id int32) int32 {
	at := int(c.cells.ID(uint64(c.pane)<<32|uint64(id))) + 1
	if at == len(c.accs) {
		var zero A
		c.accs, c.rows = append(c.accs, zero), append(c.rows, 0)
	}
	return int32(at)
}

// yield gives out the partials pane by pane, their event time the start of the pane. A key's token is computed once.
func (c *paneCombiner[K, V, A]) yield(t *rdd.Task, hash func([]K, []int64), yield func(rdd.Chunk, error) bool) {
	cells, sent := c.cells.Keys(), c.rows[0]
	order := make([]int32, len(cells))
	for i := range order {
		order[i] = int32(i)
		sent += c.rows[i+1]
	}
	t.Counts.Fold("combine", rdd.Folded{Rows: c.total, Accepted: sent})
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(c.starts[cells[a]>>32], c.starts[cells[b]>>32]) })
	keys := c.keys.Keys()
	tokens := make([]int64, len(keys))
	hash(keys, tokens)
	for from := 0; from < len(order); from += t.ChunkRows {
		part := order[from:min(from+t.ChunkRows, len(order))]
		out := &rdd.Rows[K, rdd.Partial[A]]{
			Keys: make([]K, len(part)), Vals: make([]rdd.Partial[A], len(part)), Times: make([]int64, len(part)), Tokens: make([]int64, len(part)),
		}
		for i, at := range part {
			key := uint32(cells[at])
			out.Keys[i], out.Tokens[i], out.Times[i] = keys[key], tokens[key], c.starts[cells[at]>>32]
			out.Vals[i] = rdd.Partial[A]{Acc: c.accs[at+1], Rows: c.rows[at+1]}
		}
		if !yield(out, nil) {
			return
		}
	}
}
