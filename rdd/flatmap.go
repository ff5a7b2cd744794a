package rdd

import "iter"

// FlatMap gives each row to f and keeps everything that it yields, each with the row's event time. f is called as an iterator,
// which allocates three times a row; where one row gives none or one, FilterMap allocates nothing.
func (r RDD[T]) FlatMap[U any](f func(T) iter.Seq[U]) RDD[U] {
	return RDD[U]{FlatMap(r.n, f)}
}

// FlatMap is RDD.FlatMap of a node.
func FlatMap[T, U any](p *Node, f func(T) iter.Seq[U]) *Node {
	return flatten[None, T, None, U](p, "FlatMap", func(in *Rows[None, T], i int, e *emitter[None, U]) {
		for u := range f(in.Vals[i]) {
			Append(in, i, &e.out, u)
			if !e.grown() {
				return
			}
		}
	})
}

// FlatMapValues gives each row to f and keeps everything that it yields under the row's key.
func (k Keyed[K, V]) FlatMapValues[W any](f func(V) iter.Seq[W]) Keyed[K, W] {
	return Keyed[K, W]{FlatMapValues[K](k.n, f)}
}

// FlatMapValues is Keyed.FlatMapValues of a node.
func FlatMapValues[K comparable, V, W any](p *Node, f func(V) iter.Seq[W]) *Node {
	return flatten[K, V, K, W](p, "FlatMapValues", func(in *Rows[K, V], i int, e *emitter[K, W]) {
		for w := range f(in.Vals[i]) {
			Append(in, i, &e.out, w)
			if !e.grown() {
				return
			}
		}
	})
}

// KeyedFlatMap gives each key and row of a node of Rows[K, V] to f and keeps everything that it yields, without the key.
func KeyedFlatMap[K comparable, V, U any](n *Node, f func(K, V) iter.Seq[U]) *Node {
	return flatten[K, V, None, U](n, "FlatMap", func(in *Rows[K, V], i int, e *emitter[None, U]) {
		for u := range f(in.keyed()[i], in.Vals[i]) {
			e.out.Vals = append(e.out.Vals, u)
			if in.Times != nil {
				e.out.Times = append(e.out.Times, in.Times[i])
			}
			if !e.grown() {
				return
			}
		}
	})
}

// flatten makes an operator of a function that emits any number of rows for row i and returns early once grown says so.
func flatten[K, V, L, W any](p *Node, kind string, emit func(in *Rows[K, V], i int, e *emitter[L, W])) *Node {
	n := newNode[L, W](kind, p)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			e, split := &emitter[L, W]{rows: t.ChunkRows, yield: yield}, t.Split
			for c, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				if split != t.Split { // rows of the split before must not be noted under the name of this one
					now := t.Split
					t.Split = split
					if !e.flush() {
						return
					}
					split, t.Split = now, now
				}
				rows := c.(*Rows[K, V])
				if !e.next(rows.Times != nil) {
					return
				}
				for i := range rows.Vals {
					if emit(rows, i, e); e.done {
						return
					}
				}
			}
			e.flush()
		}
	}
	return n
}
