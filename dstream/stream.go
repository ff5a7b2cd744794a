package dstream

import (
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/rdd"
)

// Stream is a stream of rows of type T. A small value: a pointer into its job's graph. A stream that is used twice is computed
// once a batch.
type Stream[T any] struct{ n *node }

// Map gives each row to f and keeps what it returns. Event times stay.
func (s Stream[T]) Map[U any](f func(T) U) Stream[U] {
	return next(s, "Map", func(r rdd.RDD[T]) rdd.RDD[U] { return r.Map(f) })
}

// TryMap is Map with a function that can fail. Its error fails the task and, after four retries, the batch, which stops the job
// there: it never loses the row.
func (s Stream[T]) TryMap[U any](f func(T) (U, error)) Stream[U] {
	return next(s, "TryMap", func(r rdd.RDD[T]) rdd.RDD[U] { return r.TryMap(f) })
}

// FilterMap gives each row to f and keeps what it returns with true.
func (s Stream[T]) FilterMap[U any](f func(T) (U, bool)) Stream[U] {
	return next(s, "FilterMap", func(r rdd.RDD[T]) rdd.RDD[U] { return r.FilterMap(f) })
}

// FlatMap gives each row to f and keeps everything that it yields, each with the row's event time. It allocates three times a
// row; where a row gives none or one, FilterMap allocates nothing.
func (s Stream[T]) FlatMap[U any](f func(T) iter.Seq[U]) Stream[U] {
	return next(s, "FlatMap", func(r rdd.RDD[T]) rdd.RDD[U] { return r.FlatMap(f) })
}

// Filter keeps the rows for which keep is true.
func (s Stream[T]) Filter(keep func(T) bool) Stream[T] {
	return next(s, "Filter", func(r rdd.RDD[T]) rdd.RDD[T] { return r.Filter(keep) })
}

// MapPartitions gives f the rows of a whole partition of a batch, one by one, and keeps what it yields. Event times are lost.
func (s Stream[T]) MapPartitions[U any](f func(iter.Seq[T]) iter.Seq[U]) Stream[U] {
	out := next(s, "MapPartitions", func(r rdd.RDD[T]) rdd.RDD[U] { return r.MapPartitions(f) })
	untimed(out.n)
	return out
}

// Union is all rows of s and of the others. Event times stay if all have them.
func (s Stream[T]) Union(others ...Stream[T]) Stream[T] {
	parents := []*node{s.n}
	for _, o := range others {
		parents = append(parents, o.n)
	}
	return Stream[T]{s.n.job.add("Union", parents, func(_ *cut, in []*rdd.Node) *rdd.Node {
		rest := make([]rdd.RDD[T], len(in)-1)
		for i, r := range in[1:] {
			rest[i] = rdd.As[T](r)
		}
		return rdd.As[T](in[0]).Union(rest...).Node()
	})}
}

// Repartition spreads the rows of a batch evenly over n partitions.
func (s Stream[T]) Repartition(n int) Stream[T] {
	if n < 1 {
		s.n.job.fail(rdd.CallSite(), "Repartition", fmt.Errorf("%d partitions: it takes at least one", n))
	}
	return next(s, "Repartition", func(r rdd.RDD[T]) rdd.RDD[T] { return r.Repartition(n) })
}

// Cache keeps the rows of a batch while it runs: in memory, and on disk beyond the limit. A stream that is used twice is kept in
// any case.
func (s Stream[T]) Cache() Stream[T] {
	return next(s, "Cache", func(r rdd.RDD[T]) rdd.RDD[T] { return r.Cache() })
}

// Named gives the step before it a name, in everything that is shown. Of an EventTime it is also the name in the checkpoint.
func (s Stream[T]) Named(name string) Stream[T] {
	s.n.job.rename(s.n, name)
	return s
}

// Reduce combines all rows of a batch into one with f, which must be associative. A batch without rows gives none.
func (s Stream[T]) Reduce(f func(T, T) T) Stream[T] {
	out := next(s, "Reduce", func(r rdd.RDD[T]) rdd.RDD[T] {
		one := r.KeyBy(func(T) none { return none{} })
		return one.Reduce(f).Values()
	})
	untimed(out.n)
	return out
}

// Count is the number of rows of each batch, 0 for one without rows.
func (s Stream[T]) Count() Stream[int64] {
	out := Stream[int64]{s.n.job.add("Count", []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return countAll(rdd.As[T](in[0])).Node()
	})}
	untimed(out.n)
	return out
}

// countAll counts per partition, then adds up in one.
func countAll[T any](r rdd.RDD[T]) rdd.RDD[int64] {
	each := r.MapPartitions(func(rows iter.Seq[T]) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			n := int64(0)
			for range rows {
				n++
			}
			yield(n)
		}
	})
	return rdd.As[int64](each.Node()).Repartition(1).MapPartitions(func(counts iter.Seq[int64]) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			total := int64(0)
			for n := range counts {
				total += n
			}
			yield(total)
		}
	})
}

// KeyBy gives each row the key that f finds in it.
func (s Stream[T]) KeyBy[K comparable](f func(T) K) Keyed[K, T] {
	return toKeyed(s, "KeyBy", func(r rdd.RDD[T]) rdd.Keyed[K, T] { return r.KeyBy(f) })
}

// KeyValue makes a key and a value of each row: Spark's mapToPair.
func (s Stream[T]) KeyValue[K comparable, V any](f func(T) (K, V)) Keyed[K, V] {
	return toKeyed(s, "KeyValue", func(r rdd.RDD[T]) rdd.Keyed[K, V] { return r.KeyValue(f) })
}

// Distinct keeps one of the equal rows of a batch.
func Distinct[T comparable](s Stream[T]) Stream[T] {
	return s.KeyBy(Itself).Distinct().Values()
}

// CountByValue counts the equal rows of a batch.
func CountByValue[T comparable](s Stream[T]) Keyed[T, int64] { return s.KeyBy(Itself).Count() }

// Glom makes one row of all rows of a partition of a batch.
func Glom[T any](s Stream[T]) Stream[[]T] {
	out := next(s, "Glom", rdd.Glom[T])
	untimed(out.n)
	return out
}
