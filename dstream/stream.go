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
	return streamOf[U](s.n.next("Map", func(in *rdd.Node) *rdd.Node { return rdd.Map(in, f) }))
}

// TryMap is Map with a function that can fail. Its error fails the task and, after four retries, the batch, which stops the job
// there: it never loses the row.
func (s Stream[T]) TryMap[U any](f func(T) (U, error)) Stream[U] {
	return streamOf[U](s.n.next("TryMap", func(in *rdd.Node) *rdd.Node { return rdd.TryMap(in, f) }))
}

// FilterMap gives each row to f and keeps what it returns with true.
func (s Stream[T]) FilterMap[U any](f func(T) (U, bool)) Stream[U] {
	return streamOf[U](s.n.next("FilterMap", func(in *rdd.Node) *rdd.Node { return rdd.FilterMap(in, f) }))
}

// FlatMap gives each row to f and keeps everything that it yields, each with the row's event time. It allocates three times a
// row; where a row gives none or one, FilterMap allocates nothing.
func (s Stream[T]) FlatMap[U any](f func(T) iter.Seq[U]) Stream[U] {
	return streamOf[U](s.n.next("FlatMap", func(in *rdd.Node) *rdd.Node { return rdd.FlatMap(in, f) }))
}

// Filter keeps the rows for which keep is true.
func (s Stream[T]) Filter[_ lazy](keep func(T) bool) Stream[T] {
	return streamOf[T](s.n.next("Filter", func(in *rdd.Node) *rdd.Node { return rdd.Filter(in, keep) }))
}

// MapPartitions gives f the rows of a whole partition of a batch, one by one, and keeps what it yields. Event times are lost.
func (s Stream[T]) MapPartitions[U any](f func(iter.Seq[T]) iter.Seq[U]) Stream[U] {
	return streamOf[U](untimed(s.n.next("MapPartitions", func(in *rdd.Node) *rdd.Node { return rdd.MapPartitions(in, f) })))
}

// Union is all rows of s and of the others. Event times stay if all have them.
func (s Stream[T]) Union[_ lazy](others ...Stream[T]) Stream[T] {
	parents := []*node{s.n}
	for _, o := range others {
		parents = append(parents, o.n)
	}
	return Stream[T]{s.n.job.add("Union", parents, func(_ *cut, in []*rdd.Node) *rdd.Node { return rdd.Union[none, T](in...) })}
}

// Repartition spreads the rows of a batch evenly over n partitions.
func (s Stream[T]) Repartition[_ lazy](n int) Stream[T] {
	if n < 1 {
		s.n.job.fail(rdd.CallSite(), "Repartition", fmt.Errorf("%d partitions: it takes at least one", n))
	}
	return streamOf[T](s.n.next("Repartition", func(in *rdd.Node) *rdd.Node { return rdd.Repartition[T](in, n) }))
}

// Cache keeps the rows of a batch while it runs: in memory, and on disk beyond the limit. A stream that is used twice is kept in
// any case.
func (s Stream[T]) Cache[_ lazy]() Stream[T] {
	return streamOf[T](s.n.next("Cache", rdd.Cache[none, T]))
}

// Named gives the step before it a name, in everything that is shown. Of an EventTime it is also the name in the checkpoint.
func (s Stream[T]) Named(name string) Stream[T] {
	s.n.job.rename(s.n, name)
	return s
}

// Reduce combines all rows of a batch into one with f, which must be associative. A batch without rows gives none.
func (s Stream[T]) Reduce[_ lazy](f func(T, T) T) Stream[T] {
	return streamOf[T](untimed(s.n.next("Reduce", func(in *rdd.Node) *rdd.Node { return rdd.ReduceRows(in, f) })))
}

// Count is the number of rows of each batch, 0 for one without rows.
func (s Stream[T]) Count[_ lazy]() Stream[int64] {
	return Stream[int64]{untimed(s.n.next("Count", rdd.CountRows))}
}

// KeyBy gives each row the key that f finds in it.
func (s Stream[T]) KeyBy[K comparable](f func(T) K) Keyed[K, T] {
	return keyedOf[K, T](s.n.next("KeyBy", func(in *rdd.Node) *rdd.Node { return rdd.KeyBy(in, f) }))
}

// KeyValue makes a key and a value of each row: Spark's mapToPair.
func (s Stream[T]) KeyValue[K comparable, V any](f func(T) (K, V)) Keyed[K, V] {
	return keyedOf[K, V](s.n.next("KeyValue", func(in *rdd.Node) *rdd.Node { return rdd.KeyValue(in, f) }))
}

// Distinct keeps one of the equal rows of a batch.
func Distinct[T comparable](s Stream[T]) Stream[T] {
	return s.KeyBy(Itself).Distinct().Values()
}

// CountByValue counts the equal rows of a batch.
func CountByValue[T comparable](s Stream[T]) Keyed[T, int64] { return s.KeyBy(Itself).Count() }

// Glom makes one row of all rows of a partition of a batch.
func Glom[T any](s Stream[T]) Stream[[]T] {
	return streamOf[[]T](untimed(s.n.next("Glom", rdd.GlomNode[T])))
}
