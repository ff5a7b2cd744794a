package rdd

import (
	"context"
	"iter"
)

// Collect returns all rows, in the order of partitions. The context's runner computes them.
func (r RDD[T]) Collect(ctx context.Context) ([]T, error) {
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
func (r RDD[T]) Take(ctx context.Context, n int) ([]T, error) {
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
func (r RDD[T]) Count(ctx context.Context) (int64, error) {
	counts := Step(r.n, "Count", func(*Task) func(in *Rows[None, T], out *Rows[None, int64]) error {
		return func(in *Rows[None, T], out *Rows[None, int64]) error {
			out.Vals = append(out.Vals[:0], int64(len(in.Vals)))
			return nil
		}
	})
	chunks, err := RDD[int64]{counts}.Collect(ctx)
	total := int64(0)
	for _, n := range chunks {
		total += n
	}
	return total, err
}

// Reduce combines all rows with f, which must be associative; ok is false if there are none.
func (r RDD[T]) Reduce(ctx context.Context, f func(T, T) T) (v T, ok bool, err error) {
	parts, err := reducePartitions(r, f).Collect(ctx)
	if err != nil {
		return v, false, err
	}
	for i, p := range parts {
		if i == 0 {
			v = p
			continue
		}
		v = f(v, p)
	}
	return v, len(parts) > 0, nil
}

func reducePartitions[T any](r RDD[T], f func(T, T) T) RDD[T] {
	return r.MapPartitions(func(rows iter.Seq[T]) iter.Seq[T] {
		return func(yield func(T) bool) {
			var sum T
			any := false
			for v := range rows {
				if any {
					v = f(sum, v)
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
func (r RDD[T]) ForEach(ctx context.Context, f func(T) error) error {
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
