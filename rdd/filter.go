package rdd

// Filter keeps the rows for which keep is true.
func (r RDD[T]) Filter(keep func(T) bool) RDD[T] {
	return RDD[T]{Narrow(r.n, "Filter", func(in, out *Rows[None, T]) {
		out.Vals, out.Times = Sized(out.Vals, len(in.Vals))[:0], timesLike(in.Times, out.Times)
		for i := range in.Vals {
			if keep(in.Vals[i]) {
				out.Vals = append(out.Vals, in.Vals[i])
				if in.Times != nil {
					out.Times = append(out.Times, in.Times[i])
				}
			}
		}
	})}
}

// Filter keeps the rows for which keep is true.
func (k Keyed[K, V]) Filter(keep func(K, V) bool) Keyed[K, V] {
	return Keyed[K, V]{Narrow(k.n, "Filter", func(in, out *Rows[K, V]) {
		out.Reset(in.Times != nil)
		for i := range in.Vals {
			if keep(in.Keys[i], in.Vals[i]) {
				out.take(in, i)
			}
		}
	})}
}

// FilterMap gives each row to f and keeps what it returns with true: Filter and Map in one, without allocation.
func (r RDD[T]) FilterMap[U any](f func(T) (U, bool)) RDD[U] {
	return RDD[U]{Narrow(r.n, "FilterMap", func(in *Rows[None, T], out *Rows[None, U]) {
		out.Vals, out.Times = Sized(out.Vals, len(in.Vals))[:0], timesLike(in.Times, out.Times)
		for i := range in.Vals {
			if u, ok := f(in.Vals[i]); ok {
				out.Vals = append(out.Vals, u)
				if in.Times != nil {
					out.Times = append(out.Times, in.Times[i])
				}
			}
		}
	})}
}

// timesLike returns own, emptied, if there are event times, else nil.
func timesLike(times, own []int64) []int64 {
	if times == nil {
		return nil
	}
	return Sized(own, len(times))[:0]
}

// Reset empties the columns, which r owns; event times are there only if times is true.
func (r *Rows[K, V]) Reset(times bool) {
	r.Keys, r.Vals, r.Tokens, r.Sealed = r.Keys[:0], r.Vals[:0], nil, 0
	if r.Times = r.Times[:0]; !times {
		r.Times = nil
	} else if r.Times == nil {
		r.Times = []int64{}
	}
}

// take appends row i of in.
func (r *Rows[K, V]) take(in *Rows[K, V], i int) {
	r.Vals = append(r.Vals, in.Vals[i])
	if in.Keys != nil {
		r.Keys = append(r.Keys, in.Keys[i])
	}
	if in.Times != nil {
		r.Times = append(r.Times, in.Times[i])
	}
}

// Select copies the rows of in for which keep is true into out, whose columns it owns.
func Select[K, V any](in, out *Rows[K, V], keep func(i int) bool) {
	out.Reset(in.Times != nil)
	for i := range in.Vals {
		if keep(i) {
			out.take(in, i)
		}
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
