package rdd

import "iter"

// MapPartitions gives f the rows of a whole partition, one by one, and keeps what it yields. Event times are dropped: which of
// f's rows came from which is not known.
func (r RDD[T]) MapPartitions[U any](f func(iter.Seq[T]) iter.Seq[U]) RDD[U] {
	return RDD[U]{MapPartitions(r.n, f)}
}

// MapPartitions is RDD.MapPartitions of a node.
func MapPartitions[T, U any](p *Node, f func(iter.Seq[T]) iter.Seq[U]) *Node {
	n := newNode[None, U]("MapPartitions", p)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			e, failed := &emitter[None, U]{rows: t.ChunkRows, yield: yield}, error(nil)
			for u := range f(rowsIn[T](in[0], &failed)) {
				if failed != nil {
					break
				}
				if e.out.Vals = append(e.out.Vals, u); !e.grown() {
					return
				}
			}
			if failed != nil {
				yield(nil, failed)
				return
			}
			e.flush()
		}
	}
	return n
}

// rowsIn yields the rows of chunks; it stops at an error and leaves it in failed.
func rowsIn[T any](in Seq, failed *error) iter.Seq[T] {
	return func(yield func(T) bool) {
		for c, err := range in {
			if err != nil {
				*failed = err
				return
			}
			for _, v := range c.(*Rows[None, T]).Vals {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// Glom makes one row of all rows of a partition. A function, since a method of RDD[T] cannot return RDD[[]T].
func Glom[T any](r RDD[T]) RDD[[]T] { return RDD[[]T]{GlomNode[T](r.n)} }

// GlomNode is Glom of a node.
func GlomNode[T any](p *Node) *Node {
	return MapPartitions(p, func(rows iter.Seq[T]) iter.Seq[[]T] {
		return func(yield func([]T) bool) {
			all := []T{}
			for v := range rows {
				all = append(all, v)
			}
			yield(all)
		}
	})
}
