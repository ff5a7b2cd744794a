package rdd

import (
	"context"
	"iter"
)

// Collect returns all rows, in the order of partitions. The context's runner computes them.
func (r RDD[T]) Collect[_ lazy](ctx context.Context) ([]T, error) {
	chunks, err := RunnerOf(ctx).Collect(ctx, r.n)
	if err != nil {
		return nil, err
	}
	out := []T{}
	for _, c := range chunks {
		out = append(out, c.(*Rows[None, T]).Vals...)
	}
	return out, nil
}

// Take returns the first n rows in the order of partitions, or all if there are fewer. No partition computes more than the
// chunks that hold its first n.
func (r RDD[T]) Take[_ lazy](ctx context.Context, n int) ([]T, error) {
	first := r.MapPartitions(func(rows iter.Seq[T]) iter.Seq[T] {
		return func(yield func(T) bool) {
			if n <= 0 {
				return
			}
			left := n
			for v := range rows {
				if left--; !yield(v) || left == 0 { // not one row later: it would compute a whole chunk
					return
				}
			}
		}
	})
	out, err := first.Collect(ctx)
	if err != nil {
		return nil, err
	}
	return out[:min(max(n, 0), len(out))], nil
}

// Count returns the number of rows.
func (r RDD[T]) Count[_ lazy](ctx context.Context) (int64, error) {
	chunks, err := RunnerOf(ctx).Collect(ctx, countPartitions(r.n))
	total := int64(0)
	for _, c := range chunks {
		for _, n := range c.(*Rows[None, int64]).Vals {
			total += n
		}
	}
	return total, err
}

// countPartitions counts the rows of each partition, of any type.
func countPartitions(p *Node) *Node {
	return eachPartition(p, "Count", func(in Seq) (n int64, err error) {
		for c, err := range in {
			if err != nil {
				return 0, err
			}
			n += int64(c.Len())
		}
		return n, nil
	})
}

// CountRows is a node of one row: the number of rows of p, of any type.
func CountRows(p *Node) *Node {
	return eachPartition(Repartition[int64](countPartitions(p), 1), "Count", func(in Seq) (total int64, err error) {
		for c, err := range in {
			if err != nil {
				return 0, err
			}
			for _, n := range c.(*Rows[None, int64]).Vals {
				total += n
			}
		}
		return total, nil
	})
}

func eachPartition(p *Node, kind string, f func(Seq) (int64, error)) *Node {
	n := newNode[None, int64](kind, p)
	n.compute = func(_ *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			v, err := f(in[0])
			if err != nil {
				yield(nil, err)
				return
			}
			yield(&Rows[None, int64]{Vals: []int64{v}}, nil)
		}
	}
	return n
}

// Reduce combines all rows with f, which must be associative; ok is false if there are none.
func (r RDD[T]) Reduce[_ lazy](ctx context.Context, f func(T, T) T) (v T, ok bool, err error) {
	one, err := RDD[T]{ReduceRows(r.n, f)}.Collect(ctx)
	if err != nil || len(one) == 0 {
		return v, false, err
	}
	return one[0], true, nil
}

// ReduceRows is a node of one row, or none: all rows of p combined with f, which must be associative.
func ReduceRows[T any](p *Node, f func(T, T) T) *Node {
	return reducePartitions(Repartition[T](reducePartitions(p, f), 1), f)
}

func reducePartitions[T any](p *Node, f func(T, T) T) *Node {
	return MapPartitions(p, func(rows iter.Seq[T]) iter.Seq[T] {
		return func(yield func(T) bool) {
			var sum T
			any := false
			for v := range rows {
				if any {
					v = f(sum, v)
				} else {
					own(&v) // f may append to its first argument
				}
				sum, any = v, true
			}
			if any {
				yield(sum)
			}
		}
	})
}

// ForEach gives f the rows of each partition, in the caller's process.
func (r RDD[T]) ForEach[_ lazy](ctx context.Context, f func(T) error) error {
	rows, err := r.Collect(ctx)
	if err != nil {
		return err
	}
	for _, v := range rows {
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}
