package rdd

// KeyBy gives each row the key that f finds in it. Only keys are written; rows and event times are shared.
func (r RDD[T]) KeyBy[K comparable](f func(T) K) Keyed[K, T] {
	return Keyed[K, T]{KeyBy(r.n, f)}
}

// KeyBy is RDD.KeyBy of a node.
func KeyBy[T any, K comparable](p *Node, f func(T) K) *Node {
	return Narrow(p, "KeyBy", func(in *Rows[None, T], out *Rows[K, T]) {
		out.Vals, out.Times, out.Sealed = in.Vals, in.Times, in.Sealed&(ValColumn|TimeColumn)
		out.Keys = Sized(out.Keys, len(in.Vals))
		vals, keys := in.Vals, out.Keys
		for i := range vals {
			keys[i] = f(vals[i])
		}
	})
}

// KeyValue makes a key and a value of each row: Spark's mapToPair.
func (r RDD[T]) KeyValue[K comparable, V any](f func(T) (K, V)) Keyed[K, V] {
	return Keyed[K, V]{KeyValue(r.n, f)}
}

// KeyValue is RDD.KeyValue of a node.
func KeyValue[T any, K comparable, V any](p *Node, f func(T) (K, V)) *Node {
	return Narrow(p, "KeyValue", func(in *Rows[None, T], out *Rows[K, V]) {
		out.Times, out.Sealed = in.Times, in.Sealed&TimeColumn
		out.Keys, out.Vals = Sized(out.Keys, len(in.Vals)), Sized(out.Vals, len(in.Vals))
		rows, keys, vals := in.Vals, out.Keys, out.Vals
		for i := range rows {
			keys[i], vals[i] = f(rows[i])
		}
	})
}

// Rekey gives each row another key and value.
func (k Keyed[K, V]) Rekey[L comparable, W any](f func(K, V) (L, W)) Keyed[L, W] {
	return Keyed[L, W]{Rekey(k.n, f)}
}

// Rekey is Keyed.Rekey of a node.
func Rekey[K comparable, V any, L comparable, W any](p *Node, f func(K, V) (L, W)) *Node {
	return Narrow(p, "Rekey", func(in *Rows[K, V], out *Rows[L, W]) {
		out.Times, out.Sealed = in.Times, in.Sealed&TimeColumn
		out.Keys, out.Vals = Sized(out.Keys, len(in.Vals)), Sized(out.Vals, len(in.Vals))
		were, rows, keys, vals := in.keyed(), in.Vals, out.Keys, out.Vals
		for i := range rows {
			keys[i], vals[i] = f(were[i], rows[i])
		}
	})
}
