package rdd

import "fmt"

// Map gives each row to f and keeps what it returns. Event times stay.
func (r RDD[T]) Map[U any](f func(T) U) RDD[U] {
	return RDD[U]{Map(r.n, f)}
}

// Map is RDD.Map of a node.
func Map[T, U any](p *Node, f func(T) U) *Node {
	return Narrow(p, "Map", func(in *Rows[None, T], out *Rows[None, U]) {
		mapVals(in, out, f)
	})
}

// TryMap is Map with a function that can fail: its first error fails the task, and after four attempts the batch. Rows that
// are merely bad belong into FilterMap or the dead-letter sink.
func (r RDD[T]) TryMap[U any](f func(T) (U, error)) RDD[U] {
	return RDD[U]{TryMap(r.n, f)}
}

// TryMap is RDD.TryMap of a node.
func TryMap[T, U any](p *Node, f func(T) (U, error)) *Node {
	var n *Node
	n = Step(p, "TryMap", func(*Task) func(in *Rows[None, T], out *Rows[None, U]) error {
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
	return n
}

// Map gives each key and row to f and keeps what it returns, without the key.
func (k Keyed[K, V]) Map[U any](f func(K, V) U) RDD[U] {
	return RDD[U]{KeyedMap(k.n, f)}
}

// KeyedMap is Keyed.Map of a node.
func KeyedMap[K comparable, V, U any](p *Node, f func(K, V) U) *Node {
	return Narrow(p, "Map", func(in *Rows[K, V], out *Rows[None, U]) {
		out.Vals, out.Times, out.Sealed = Sized(out.Vals, len(in.Vals)), in.Times, in.Sealed&TimeColumn
		keys, vals, made := in.keyed(), in.Vals, out.Vals
		for i := range vals {
			made[i] = f(keys[i], vals[i])
		}
	})
}

// MapValues gives each row to f and keeps what it returns under the same key: nothing has to move.
func (k Keyed[K, V]) MapValues[W any](f func(V) W) Keyed[K, W] {
	return Keyed[K, W]{MapValues[K](k.n, f)}
}

// MapValues is Keyed.MapValues of a node.
func MapValues[K comparable, V, W any](p *Node, f func(V) W) *Node {
	return Narrow(p, "MapValues", func(in *Rows[K, V], out *Rows[K, W]) {
		mapVals(in, out, f)
	})
}

// Values drops the keys.
func (k Keyed[K, V]) Values[_ lazy]() RDD[V] {
	return RDD[V]{Values[K, V](k.n)}
}

// Values is Keyed.Values of a node.
func Values[K comparable, V any](p *Node) *Node {
	return Narrow(p, "Values", func(in *Rows[K, V], out *Rows[None, V]) {
		out.Vals, out.Times, out.Sealed = in.Vals, in.Times, in.Sealed&(ValColumn|TimeColumn)
	})
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
