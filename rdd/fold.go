package rdd

import (
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// Fold is an aggregation of values V into accumulators A, a chunk at a time. The zero value of A is the empty accumulator.
type Fold[V, A any] struct {
	// Add folds vals[i] into accs[ids[i]]. It keeps nothing of vals but what it copies.
	Add func(accs []A, ids []int32, vals []V)
	// Merge folds from into the accumulator. It neither keeps nor changes what from refers to: a pane is merged into several
	// windows.
	Merge func(into *A, from A)
}

// FoldOf makes a Fold of a user's add and merge.
func FoldOf[V, A any](add func(*A, V), merge func(*A, A)) Fold[V, A] {
	if invariants {
		merge = spoiling(merge)
	}
	return Fold[V, A]{
		Add: func(accs []A, ids []int32, vals []V) {
			for i, id := range ids {
				add(&accs[id], vals[i])
			}
		},
		Merge: merge,
	}
}

// Counting counts rows.
func Counting[V any]() Fold[V, int64] {
	return Fold[V, int64]{
		Add: func(accs []int64, ids []int32, _ []V) {
			for _, id := range ids {
				accs[id]++
			}
		},
		Merge: func(into *int64, from int64) { *into += from },
	}
}

// Reduced is the accumulator of Reduce: a value, once there was one.
type Reduced[V any] struct {
	Val V
	Set bool
}

// Reducing combines values with f, in the order of their arrival. The first is copied deeply: f may well write into its first
// argument (append does), and the row that it came from is not its own.
func Reducing[V any](f func(V, V) V) Fold[V, Reduced[V]] {
	add := func(into *Reduced[V], v V) {
		if into.Set {
			into.Val = f(into.Val, v)
			return
		}
		into.Val, into.Set = v, true
		own(&into.Val)
	}
	return FoldOf(add, func(into *Reduced[V], from Reduced[V]) {
		if from.Set {
			add(into, from.Val)
		}
	})
}

// own makes v independent of the value that it was copied from.
func own[V any](v *V) {
	if c, err := codec.Of[V](); err == nil && !c.Flat {
		c.Clone(unsafe.Pointer(v), 1)
	}
}

// Grouping collects all values.
func Grouping[V any]() Fold[V, []V] {
	return FoldOf(func(into *[]V, v V) { *into = append(*into, v) }, func(into *[]V, from []V) { *into = append(*into, from...) })
}

// Partial is an accumulator on its way: what a map-side combine sends, with the number of rows behind it for the ledger.
type Partial[A any] struct {
	Acc  A
	Rows int64
}

// weight is the number of a user's rows behind a partial.
func weight[A any](p Partial[A]) int64 { return p.Rows }

// Weight is the number of a user's rows behind a partial, for ExchangeByKey.
func Weight[A any]() func(Partial[A]) int64 { return weight[A] }

// groups are the accumulators of the keys seen so far.
type groups[K comparable, A any] struct {
	keys *Grouper[K]
	accs []A
	rows []int64
	ids  []int32
}

func newGroups[K comparable, A any]() *groups[K, A] { return &groups[K, A]{keys: NewGrouper[K]()} }

// of returns the ids of keys (nil = n times None) and makes room for their accumulators.
func (g *groups[K, A]) of(keys []K, n int) []int32 {
	g.ids = Sized(g.ids, n)
	g.keys.IDs(keys, g.ids)
	if fresh := g.keys.Len() - len(g.accs); fresh > 0 {
		g.accs, g.rows = append(g.accs, make([]A, fresh)...), append(g.rows, make([]int64, fresh)...)
	}
	return g.ids
}

// combine folds the rows of a partition key by key before they are sent anywhere.
func combine[K comparable, V, A any](p *Node, f Fold[V, A]) *Node {
	n := newNode[K, Partial[A]]("Combine", p)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			g, total := newGroups[K, A](), int64(0)
			for c, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				rows := c.(*Rows[K, V])
				ids := g.of(rows.Keys, len(rows.Vals))
				f.Add(g.accs, ids, rows.Vals)
				for _, id := range ids {
					g.rows[id]++
				}
				total += int64(len(rows.Vals))
			}
			partials := make([]Partial[A], g.keys.Len())
			sum := int64(0)
			for i := range partials {
				partials[i] = Partial[A]{g.accs[i], g.rows[i]}
				sum += g.rows[i]
			}
			t.Counts.Fold("combine", Folded{Rows: total, Accepted: sum})
			inChunks(t, &Rows[K, Partial[A]]{Keys: g.keys.Keys(), Vals: partials, Sealed: KeyColumn}, yield)
		}
	}
	return n
}

// inChunks yields rows, which nobody writes again, in chunks that are not too large to be kept.
func inChunks[K, V any](t *Task, rows *Rows[K, V], yield func(Chunk, error) bool) {
	for from := 0; from < rows.Len(); from += t.ChunkRows {
		if !yield(rows.Slice(from, min(from+t.ChunkRows, rows.Len())), nil) {
			return
		}
	}
}

// aggregate is combine → exchange → merge, then finish for each key.
func aggregate[K comparable, V, A, R any](p *Node, kind string, f Fold[V, A], finish func(K, A) R) *Node {
	sent := ExchangeByKey[K, Partial[A]](combine[K, V, A](p, f), kind, p.partitioner(), weight[A])
	return merge(sent, kind, f, finish)
}

// merge folds partials key by key and gives finish what became of each.
func merge[K comparable, V, A, R any](sent *Node, kind string, f Fold[V, A], finish func(K, A) R) *Node {
	n := newNode[K, R](kind, sent)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			g, total := newGroups[K, A](), int64(0)
			for c, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				rows := c.(*Rows[K, Partial[A]])
				for i, id := range g.of(rows.Keys, len(rows.Vals)) {
					f.Merge(&g.accs[id], rows.Vals[i].Acc)
					g.rows[id] += rows.Vals[i].Rows
					total += rows.Vals[i].Rows
				}
			}
			out, accepted := make([]R, g.keys.Len()), int64(0)
			for i, key := range g.keys.Keys() {
				out[i] = finish(key, g.accs[i])
				accepted += g.rows[i]
			}
			t.Counts.Fold(kind, Folded{Rows: total, Accepted: accepted})
			inChunks(t, &Rows[K, R]{Keys: g.keys.Keys(), Vals: out, Sealed: KeyColumn}, yield)
		}
	}
	return n
}

// Groups are accumulators by key: what one run of a fold has seen. Keys keep the order of their first sight.
type Groups[K comparable, A any] struct{ g *groups[K, A] }

// NewGroups returns none yet.
func NewGroups[K comparable, A any]() Groups[K, A] { return Groups[K, A]{newGroups[K, A]()} }

// IDs returns the ids of keys (nil = n times None), making an empty accumulator for each new one. The slice is valid until the
// next call.
func (g Groups[K, A]) IDs(keys []K, n int) []int32 { return g.g.of(keys, n) }

// Find returns the id of a key that was seen.
func (g Groups[K, A]) Find(key K) (int32, bool) { return g.g.keys.Find(key) }

// Len is the number of keys.
func (g Groups[K, A]) Len() int { return g.g.keys.Len() }

// Keys are the keys by id. Read only.
func (g Groups[K, A]) Keys() []K { return g.g.keys.Keys() }

// Key returns the key of an id.
func (g Groups[K, A]) Key(id int) K { return g.g.keys.keys[id] }

// Accs are the accumulators by id, and Rows the number of rows behind each.
func (g Groups[K, A]) Accs() []A { return g.g.accs }

// Rows is the number of rows behind each accumulator.
func (g Groups[K, A]) Rows() []int64 { return g.g.rows }

func (g Groups[K, A]) count(ids []int32) {
	for _, id := range ids {
		g.g.rows[id]++
	}
}

// AddRows folds rows [from, to) of a chunk with f.
func AddRows[K comparable, V, A any](g Groups[K, A], f Fold[V, A], in *Rows[K, V], from, to int) {
	ids := g.IDs(part(in.Keys, from, to), to-from)
	f.Add(g.g.accs, ids, in.Vals[from:to])
	g.count(ids)
}
