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

// Take returns the first n rows in the order of partitions, or all if there are fewer.
func (r RDD[T]) Take(ctx context.Context, n int) ([]T, error) {
	first := r.MapPartitions(func(rows iter.Seq[T]) iter.Seq[T] {
		return func(yield func(T) bool) {
			left := n
			for v := range rows {
				if left--; left < 0 || !yield(v) {
					return
				}
			}
		}
	})
	out, err := first.Collect(ctx)
	return out[:min(max(n, 0), len(out))], err
}

// Count returns the number of rows.
func (r RDD[T]) Count(ctx context.Context) (int64, error) {
	counts := r.MapPartitions(func(rows iter.Seq[T]) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			n := int64(0)
			for range rows {
				n++
			}
			yield(n)
		}
	})
	parts, err := As[int64](counts.n).Collect(ctx)
	total := int64(0)
	for _, n := range parts {
		total += n
	}
	return total, err
}

// Reduce combines all rows with f, which must be associative; ok is false if there are none.
func (r RDD[T]) Reduce(ctx context.Context, f func(T, T) T) (v T, ok bool, err error) {
	parts, err := reducePartitions(r, f).Collect(ctx)
	for i, p := range parts {
		if i == 0 {
			v = p
			continue
		}
		v = f(v, p)
	}
	return v, len(parts) > 0, err
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
