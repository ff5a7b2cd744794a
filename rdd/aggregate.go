package rdd

// Aggregate folds the rows of each key into an accumulator: add folds a row, merge another accumulator, which it must neither
// keep nor change. The zero value of A is the empty accumulator. Rows are combined before they are sent.
func (k Keyed[K, V]) Aggregate[A any](add func(*A, V), merge func(*A, A)) Keyed[K, A] {
	return Keyed[K, A]{Aggregate[K](k.n, add, merge)}
}

// Aggregate is Keyed.Aggregate of a node.
func Aggregate[K comparable, V, A any](p *Node, add func(*A, V), merge func(*A, A)) *Node {
	return aggregate(p, "Aggregate", FoldOf(add, merge), func(_ K, a A) A { return a })
}

// Reduce combines the rows of each key with f, which must be associative: it is applied to rows and to results of itself.
func (k Keyed[K, V]) Reduce[_ lazy](f func(V, V) V) Keyed[K, V] {
	return Keyed[K, V]{Reduce[K](k.n, f)}
}

// Reduce is Keyed.Reduce of a node.
func Reduce[K comparable, V any](p *Node, f func(V, V) V) *Node {
	return aggregate(p, "Reduce", Reducing(f), func(_ K, a Reduced[V]) V { return a.Val })
}

// Count counts the rows of each key.
func (k Keyed[K, V]) Count[_ lazy]() Keyed[K, int64] {
	return Keyed[K, int64]{Count[K, V](k.n)}
}

// Count is Keyed.Count of a node.
func Count[K comparable, V any](p *Node) *Node {
	return aggregate(p, "Count", Counting[V](), func(_ K, n int64) int64 { return n })
}

// GroupMap gives f all rows of a key at once, in map order. All of them are in memory at the same time: prefer Aggregate.
func (k Keyed[K, V]) GroupMap[R any](f func(K, []V) R) Keyed[K, R] {
	return Keyed[K, R]{GroupMap(k.n, f)}
}

// GroupMap is Keyed.GroupMap of a node. It moves the rows as they are: to combine them first would save nothing but copies of keys, and make single rows of any
// size.
func GroupMap[K comparable, V, R any](p *Node, f func(K, []V) R) *Node {
	n := newNode[K, R]("GroupMap", ExchangeByKey[K, V](p, "GroupMap", p.partitioner(), nil))
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			g := NewGrouper[K]()
			vs, err := collect[K, V](g, in[0])
			if err != nil {
				yield(nil, err)
				return
			}
			e, accepted := &emitter[K, R]{rows: t.ChunkRows, yield: yield}, 0
			for i, key := range g.Keys() {
				of := vs.of(i)
				accepted += len(of)
				e.out.Keys, e.out.Vals = append(e.out.Keys, key), append(e.out.Vals, f(key, of))
				if !e.grown() {
					return
				}
			}
			t.Counts.Fold("GroupMap", Folded{Rows: int64(len(vs.vals)), Accepted: int64(accepted)})
			e.flush()
		}
	}
	return n
}

// Distinct keeps one row a key: the first in map order.
func (k Keyed[K, V]) Distinct[_ lazy]() Keyed[K, V] {
	return Keyed[K, V]{KeyedDistinct[K, V](k.n)}
}

// KeyedDistinct is Keyed.Distinct of a node.
func KeyedDistinct[K comparable, V any](p *Node) *Node {
	first := Reducing(func(a, _ V) V { return a })
	return aggregate(p, "Distinct", first, func(_ K, a Reduced[V]) V { return a.Val })
}

// Distinct keeps one of equal rows.
func Distinct[T comparable](r RDD[T]) RDD[T] { return r.KeyBy(Itself).Distinct().Values() }

// CountByValue counts equal rows.
func CountByValue[T comparable](r RDD[T]) Keyed[T, int64] { return r.KeyBy(Itself).Count() }
