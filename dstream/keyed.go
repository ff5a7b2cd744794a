package dstream

import (
	"iter"

	"github.com/tidemill/tidemill/rdd"
)

// Keyed is a stream of rows of type V, each with a key of type K.
type Keyed[K comparable, V any] struct{ n *node }

// Count counts the rows of each key in each batch.
func (k Keyed[K, V]) Count() Keyed[K, int64] {
	return perBatch(nextKeyed(k, "Count", func(r rdd.Keyed[K, V]) rdd.Keyed[K, int64] { return r.Count() }))
}

// Reduce combines the rows of each key in each batch with f, which must be associative.
func (k Keyed[K, V]) Reduce(f func(V, V) V) Keyed[K, V] {
	return perBatch(nextKeyed(k, "Reduce", func(r rdd.Keyed[K, V]) rdd.Keyed[K, V] { return r.Reduce(f) }))
}

// Aggregate folds the rows of each key in each batch: add folds a row, merge another accumulator, which it must neither keep nor
// change. The zero value of A is the empty accumulator.
func (k Keyed[K, V]) Aggregate[A any](add func(*A, V), merge func(*A, A)) Keyed[K, A] {
	return perBatch(nextKeyed(k, "Aggregate", func(r rdd.Keyed[K, V]) rdd.Keyed[K, A] { return r.Aggregate(add, merge) }))
}

// GroupMap gives f all rows of a key in a batch, in map order.
func (k Keyed[K, V]) GroupMap[R any](f func(K, []V) R) Keyed[K, R] {
	return perBatch(nextKeyed(k, "GroupMap", func(r rdd.Keyed[K, V]) rdd.Keyed[K, R] { return r.GroupMap(f) }))
}

// Distinct keeps one row a key in each batch: the first in map order.
func (k Keyed[K, V]) Distinct() Keyed[K, V] {
	return perBatch(nextKeyed(k, "Distinct", func(r rdd.Keyed[K, V]) rdd.Keyed[K, V] { return r.Distinct() }))
}

// perBatch marks a step that folds rows of different event times into one.
func perBatch[K comparable, V any](k Keyed[K, V]) Keyed[K, V] {
	untimed(k.n)
	return k
}

// Filter keeps the rows for which keep is true.
func (k Keyed[K, V]) Filter(keep func(K, V) bool) Keyed[K, V] {
	return nextKeyed(k, "Filter", func(r rdd.Keyed[K, V]) rdd.Keyed[K, V] { return r.Filter(keep) })
}

// MapValues gives each row to f and keeps what it returns under the same key.
func (k Keyed[K, V]) MapValues[W any](f func(V) W) Keyed[K, W] {
	return nextKeyed(k, "MapValues", func(r rdd.Keyed[K, V]) rdd.Keyed[K, W] { return r.MapValues(f) })
}

// FlatMapValues gives each row to f and keeps everything that it yields under the row's key.
func (k Keyed[K, V]) FlatMapValues[W any](f func(V) iter.Seq[W]) Keyed[K, W] {
	return nextKeyed(k, "FlatMapValues", func(r rdd.Keyed[K, V]) rdd.Keyed[K, W] { return r.FlatMapValues(f) })
}

// Rekey gives each row another key and value.
func (k Keyed[K, V]) Rekey[L comparable, W any](f func(K, V) (L, W)) Keyed[L, W] {
	return nextKeyed(k, "Rekey", func(r rdd.Keyed[K, V]) rdd.Keyed[L, W] { return r.Rekey(f) })
}

// Map gives each key and row to f and keeps what it returns.
func (k Keyed[K, V]) Map[U any](f func(K, V) U) Stream[U] {
	return fromKeyed(k, "Map", func(r rdd.Keyed[K, V]) rdd.RDD[U] { return r.Map(f) })
}

// Values drops the keys.
func (k Keyed[K, V]) Values() Stream[V] {
	return fromKeyed(k, "Values", func(r rdd.Keyed[K, V]) rdd.RDD[V] { return r.Values() })
}

// Union is all rows of k and of the others.
func (k Keyed[K, V]) Union(others ...Keyed[K, V]) Keyed[K, V] {
	parents := []*node{k.n}
	for _, o := range others {
		parents = append(parents, o.n)
	}
	return Keyed[K, V]{k.n.job.add("Union", parents, func(_ *cut, in []*rdd.Node) *rdd.Node {
		rest := make([]rdd.Keyed[K, V], len(in)-1)
		for i, r := range in[1:] {
			rest[i] = rdd.AsKeyed[K, V](r)
		}
		return rdd.AsKeyed[K, V](in[0]).Union(rest...).Node()
	})}
}

// Cache keeps the rows of a batch while it runs.
func (k Keyed[K, V]) Cache() Keyed[K, V] {
	return nextKeyed(k, "Cache", func(r rdd.Keyed[K, V]) rdd.Keyed[K, V] { return r.Cache() })
}

// Named gives the step before it a name, in everything that is shown.
func (k Keyed[K, V]) Named(name string) Keyed[K, V] {
	k.n.job.rename(k.n, name)
	return k
}

// Join gives f every pair of rows of a batch with the same key.
func (k Keyed[K, V]) Join[W, R any](o Keyed[K, W], f func(K, V, W) R) Keyed[K, R] {
	return joined(k, o, "Join", func(a rdd.Keyed[K, V], b rdd.Keyed[K, W]) rdd.Keyed[K, R] { return a.Join(b, f) })
}

// LeftJoin is Join that also gives f the rows of k without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) LeftJoin[W, R any](o Keyed[K, W], f func(K, V, *W) R) Keyed[K, R] {
	return joined(k, o, "LeftJoin", func(a rdd.Keyed[K, V], b rdd.Keyed[K, W]) rdd.Keyed[K, R] { return a.LeftJoin(b, f) })
}

// RightJoin is Join that also gives f the rows of o without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) RightJoin[W, R any](o Keyed[K, W], f func(K, *V, W) R) Keyed[K, R] {
	return joined(k, o, "RightJoin", func(a rdd.Keyed[K, V], b rdd.Keyed[K, W]) rdd.Keyed[K, R] { return a.RightJoin(b, f) })
}

// FullJoin gives f every pair and every row without a partner, with nil for it. The pointers are valid during the call only.
func (k Keyed[K, V]) FullJoin[W, R any](o Keyed[K, W], f func(K, *V, *W) R) Keyed[K, R] {
	return joined(k, o, "FullJoin", func(a rdd.Keyed[K, V], b rdd.Keyed[K, W]) rdd.Keyed[K, R] { return a.FullJoin(b, f) })
}

// CoGroup gives f all rows of a batch with the same key.
func (k Keyed[K, V]) CoGroup[W, R any](o Keyed[K, W], f func(K, []V, []W) R) Keyed[K, R] {
	return joined(k, o, "CoGroup", func(a rdd.Keyed[K, V], b rdd.Keyed[K, W]) rdd.Keyed[K, R] { return a.CoGroup(b, f) })
}
