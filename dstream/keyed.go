package dstream

import (
	"iter"

	"github.com/tidemill/tidemill/rdd"
)

// Keyed is a stream of rows of type V, each with a key of type K.
type Keyed[K comparable, V any] struct{ n *node }

// Count counts the rows of each key in each batch.
func (k Keyed[K, V]) Count[_ lazy]() Keyed[K, int64] {
	return keyedOf[K, int64](untimed(k.n.next("Count", rdd.Count[K, V])))
}

// Reduce combines the rows of each key in each batch with f, which must be associative.
func (k Keyed[K, V]) Reduce[_ lazy](f func(V, V) V) Keyed[K, V] {
	return keyedOf[K, V](untimed(k.n.next("Reduce", func(in *rdd.Node) *rdd.Node { return rdd.Reduce[K](in, f) })))
}

// Aggregate folds the rows of each key in each batch: add folds a row, merge another accumulator, which it must neither keep nor
// change. The zero value of A is the empty accumulator.
func (k Keyed[K, V]) Aggregate[A any](add func(*A, V), merge func(*A, A)) Keyed[K, A] {
	return keyedOf[K, A](untimed(k.n.next("Aggregate", func(in *rdd.Node) *rdd.Node { return rdd.Aggregate[K](in, add, merge) })))
}

// GroupMap gives f all rows of a key in a batch, in map order.
func (k Keyed[K, V]) GroupMap[R any](f func(K, []V) R) Keyed[K, R] {
	return keyedOf[K, R](untimed(k.n.next("GroupMap", func(in *rdd.Node) *rdd.Node { return rdd.GroupMap(in, f) })))
}

// Distinct keeps one row a key in each batch: the first in map order.
func (k Keyed[K, V]) Distinct[_ lazy]() Keyed[K, V] {
	return keyedOf[K, V](untimed(k.n.next("Distinct", rdd.KeyedDistinct[K, V])))
}

// Filter keeps the rows for which keep is true.
func (k Keyed[K, V]) Filter[_ lazy](keep func(K, V) bool) Keyed[K, V] {
	return keyedOf[K, V](k.n.next("Filter", func(in *rdd.Node) *rdd.Node { return rdd.KeyedFilter(in, keep) }))
}

// MapValues gives each row to f and keeps what it returns under the same key.
func (k Keyed[K, V]) MapValues[W any](f func(V) W) Keyed[K, W] {
	return keyedOf[K, W](k.n.next("MapValues", func(in *rdd.Node) *rdd.Node { return rdd.MapValues[K](in, f) }))
}

// FlatMapValues gives each row to f and keeps everything that it yields under the row's key.
func (k Keyed[K, V]) FlatMapValues[W any](f func(V) iter.Seq[W]) Keyed[K, W] {
	return keyedOf[K, W](k.n.next("FlatMapValues", func(in *rdd.Node) *rdd.Node { return rdd.FlatMapValues[K](in, f) }))
}

// Rekey gives each row another key and value.
func (k Keyed[K, V]) Rekey[L comparable, W any](f func(K, V) (L, W)) Keyed[L, W] {
	return keyedOf[L, W](k.n.next("Rekey", func(in *rdd.Node) *rdd.Node { return rdd.Rekey(in, f) }))
}

// Map gives each key and row to f and keeps what it returns.
func (k Keyed[K, V]) Map[U any](f func(K, V) U) Stream[U] {
	return streamOf[U](k.n.next("Map", func(in *rdd.Node) *rdd.Node { return rdd.KeyedMap(in, f) }))
}

// Values drops the keys.
func (k Keyed[K, V]) Values[_ lazy]() Stream[V] {
	return streamOf[V](k.n.next("Values", rdd.Values[K, V]))
}

// Union is all rows of k and of the others.
func (k Keyed[K, V]) Union[_ lazy](others ...Keyed[K, V]) Keyed[K, V] {
	parents := []*node{k.n}
	for _, o := range others {
		parents = append(parents, o.n)
	}
	return Keyed[K, V]{k.n.job.add("Union", parents, func(_ *cut, in []*rdd.Node) *rdd.Node { return rdd.Union[K, V](in...) })}
}

// Cache keeps the rows of a batch while it runs.
func (k Keyed[K, V]) Cache[_ lazy]() Keyed[K, V] {
	return keyedOf[K, V](k.n.next("Cache", rdd.Cache[K, V]))
}

// Named gives the step before it a name, in everything that is shown.
func (k Keyed[K, V]) Named(name string) Keyed[K, V] {
	k.n.job.rename(k.n, name)
	return k
}

// Join gives f every pair of rows of a batch with the same key.
func (k Keyed[K, V]) Join[W, R any](o Keyed[K, W], f func(K, V, W) R) Keyed[K, R] {
	return keyedOf[K, R](both(k.n, o.n, "Join", func(a, b *rdd.Node) *rdd.Node { return rdd.Join(a, b, f) }))
}

// LeftJoin is Join that also gives f the rows of k without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) LeftJoin[W, R any](o Keyed[K, W], f func(K, V, *W) R) Keyed[K, R] {
	return keyedOf[K, R](both(k.n, o.n, "LeftJoin", func(a, b *rdd.Node) *rdd.Node { return rdd.LeftJoin(a, b, f) }))
}

// RightJoin is Join that also gives f the rows of o without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) RightJoin[W, R any](o Keyed[K, W], f func(K, *V, W) R) Keyed[K, R] {
	return keyedOf[K, R](both(k.n, o.n, "RightJoin", func(a, b *rdd.Node) *rdd.Node { return rdd.RightJoin(a, b, f) }))
}

// FullJoin gives f every pair and every row without a partner, with nil for it. The pointers are valid during the call only.
func (k Keyed[K, V]) FullJoin[W, R any](o Keyed[K, W], f func(K, *V, *W) R) Keyed[K, R] {
	return keyedOf[K, R](both(k.n, o.n, "FullJoin", func(a, b *rdd.Node) *rdd.Node { return rdd.FullJoin(a, b, f) }))
}

// CoGroup gives f all rows of a batch with the same key.
func (k Keyed[K, V]) CoGroup[W, R any](o Keyed[K, W], f func(K, []V, []W) R) Keyed[K, R] {
	return keyedOf[K, R](both(k.n, o.n, "CoGroup", func(a, b *rdd.Node) *rdd.Node { return rdd.CoGroup(a, b, f) }))
}
