package rdd

// Filter keeps the rows for which keep is true.
func (r RDD[T]) Filter[_ lazy](keep func(T) bool) RDD[T] {
	return RDD[T]{Filter(r.n, keep)}
}

// Filter is RDD.Filter of a node.
func Filter[T any](p *Node, keep func(T) bool) *Node {
	return Narrow(p, "Filter", func(in, out *Rows[None, T]) {
		vals, picked, n := in.Vals, out.pick(len(in.Vals)), 0
		for i := range vals {
			if keep(vals[i]) {
				picked[n] = int32(i)
				n++
			}
		}
		out.gather(in, picked[:n])
	})
}

// Filter keeps the rows for which keep is true.
func (k Keyed[K, V]) Filter[_ lazy](keep func(K, V) bool) Keyed[K, V] {
	return Keyed[K, V]{KeyedFilter(k.n, keep)}
}

// KeyedFilter is Keyed.Filter of a node.
func KeyedFilter[K comparable, V any](p *Node, keep func(K, V) bool) *Node {
	return Narrow(p, "Filter", func(in, out *Rows[K, V]) {
		keys, vals, picked, n := in.keyed(), in.Vals, out.pick(len(in.Vals)), 0
		for i := range vals {
			if keep(keys[i], vals[i]) {
				picked[n] = int32(i)
				n++
			}
		}
		out.gather(in, picked[:n])
	})
}

// FilterMap gives each row to f and keeps what it returns with true: Filter and Map in one, without allocation.
func (r RDD[T]) FilterMap[U any](f func(T) (U, bool)) RDD[U] {
	return RDD[U]{FilterMap(r.n, f)}
}

// FilterMap is RDD.FilterMap of a node.
func FilterMap[T, U any](p *Node, f func(T) (U, bool)) *Node {
	return Narrow(p, "FilterMap", func(in *Rows[None, T], out *Rows[None, U]) {
		out.Vals = Sized(out.Vals, len(in.Vals))
		vals, made, picked, n := in.Vals, out.Vals, out.pick(len(in.Vals)), 0
		for i := range vals {
			if u, ok := f(vals[i]); ok {
				made[n], picked[n] = u, int32(i)
				n++
			}
		}
		out.Vals, out.Times = out.Vals[:n], gathered(out.Times, in.Times, picked[:n])
	})
}

// Select copies the rows of in for which keep is true into out, whose columns it owns.
func Select[K, V any](in, out *Rows[K, V], keep func(i int) bool) {
	picked, n := out.pick(len(in.Vals)), 0
	for i := range in.Vals {
		if keep(i) {
			picked[n] = int32(i)
			n++
		}
	}
	out.gather(in, picked[:n])
}

// pick returns room for the numbers of n rows.
func (r *Rows[K, V]) pick(n int) []int32 {
	r.picked = Sized(r.picked, n)
	return r.picked
}

// gather copies the picked rows of in into r, whose columns it owns, a column at a time.
func (r *Rows[K, V]) gather(in *Rows[K, V], picked []int32) {
	r.Keys, r.Vals = gathered(r.Keys, in.Keys, picked), gathered(r.Vals, in.Vals, picked)
	r.Times, r.Tokens = gathered(r.Times, in.Times, picked), gathered(r.Tokens, in.Tokens, picked)
	r.Sealed = 0
}

// gathered returns the picked elements of from, in own's memory if it is large enough; nil if there is no such column.
func gathered[E any](own, from []E, picked []int32) []E {
	if from == nil {
		return nil
	}
	own = Sized(own, len(picked))
	for i, at := range picked {
		own[i] = from[at]
	}
	return own
}

// Reset empties the columns, which r owns, for Append; event times are there only if times is true.
func (r *Rows[K, V]) Reset(times bool) {
	r.Keys, r.Vals, r.Tokens, r.Sealed = r.Keys[:0], r.Vals[:0], nil, 0
	if r.Times = r.Times[:0]; !times {
		r.Times = nil
	} else if r.Times == nil {
		r.Times = []int64{}
	}
}

// Append adds the row v to out, with the key and event time of row i of in.
func Append[K, V, W any](in *Rows[K, V], i int, out *Rows[K, W], v W) {
	out.Vals = append(out.Vals, v)
	if in.Keys != nil {
		out.Keys = append(out.Keys, in.Keys[i])
	}
	if in.Times != nil {
		out.Times = append(out.Times, in.Times[i])
	}
}

// Gather copies the picked rows of in, but for their values, into out, whose columns it owns.
func Gather[K, V, W any](in *Rows[K, V], picked []int32, out *Rows[K, W]) {
	out.Keys, out.Times = gathered(out.Keys, in.Keys, picked), gathered(out.Times, in.Times, picked)
	out.Tokens, out.Sealed = gathered(out.Tokens, in.Tokens, picked), 0
}
