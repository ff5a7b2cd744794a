package rdd

import "fmt"

// Map gives each row to f and keeps what it returns. Event times stay.
func (r RDD[T]) Map[U any](f func(T) U) RDD[U] {
	return RDD[U]{Narrow(r.n, "Map", func(in *Rows[None, T], out *Rows[None, U]) {
		mapVals(in, out, f)
	})}
}

// TryMap is Map with a function that can fail: its first error fails the task, and after four attempts the batch. Rows that
// are merely bad belong into FilterMap or the dead-letter sink.
func (r RDD[T]) TryMap[U any](f func(T) (U, error)) RDD[U] {
	var n *Node
	n = Step(r.n, "TryMap", func(*Task) func(in *Rows[None, T], out *Rows[None, U]) error {
		return func(in *Rows[None, T], out *Rows[None, U]) (err error) {
			out.Vals, out.Times, out.Sealed = Sized(out.Vals, len(in.Vals)), in.Times, in.Sealed&TimeColumn
			vals, made := in.Vals, out.Vals
			for i := range vals {
				if made[i], err = f(vals[i]); err != nil {
					return fmt.Errorf("%s: TryMap: %w", n.At, err)
				}
			}
			return nil
		}
	})
	return RDD[U]{n}
}

// Map gives each key and row to f and keeps what it returns, without the key.
func (k Keyed[K, V]) Map[U any](f func(K, V) U) RDD[U] {
	return RDD[U]{Narrow(k.n, "Map", func(in *Rows[K, V], out *Rows[None, U]) {
		out.Vals, out.Times, out.Sealed = Sized(out.Vals, len(in.Vals)), in.Times, in.Sealed&TimeColumn
		keys, vals, made := in.keyed(), in.Vals, out.Vals
		for i := range vals {
			made[i] = f(keys[i], vals[i])
		}
	})}
}

// MapValues gives each row to f and keeps what it returns under the same key: nothing has to move.
func (k Keyed[K, V]) MapValues[W any](f func(V) W) Keyed[K, W] {
	return Keyed[K, W]{Narrow(k.n, "MapValues", func(in *Rows[K, V], out *Rows[K, W]) {
		mapVals(in, out, f)
	})}
}

// Values drops the keys.
func (k Keyed[K, V]) Values() RDD[V] {
	return RDD[V]{Narrow(k.n, "Values", func(in *Rows[K, V], out *Rows[None, V]) {
		out.Vals, out.Times, out.Sealed = in.Vals, in.Times, in.Sealed&(ValColumn|TimeColumn)
	})}
}

func mapVals[K, V, W any](in *Rows[K, V], out *Rows[K, W], f func(V) W) {
	out.Keys, out.Times, out.Tokens = in.Keys, in.Times, in.Tokens
	out.Sealed = in.Sealed &^ ValColumn
	out.Vals = Sized(out.Vals, len(in.Vals))
	vals, made := in.Vals, out.Vals // in locals: a call may change anything else, and a loop through in is a quarter slower
	for i := range vals {
		made[i] = f(vals[i])
	}
}
