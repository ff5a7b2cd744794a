package dstream

import "github.com/tidemill/tidemill/rdd"

// Lookup gives f each row with its key's row of the table. Rows without a match are dropped.
func (s Stream[T]) Lookup[K comparable, W, R any](t Table[K, W], key func(T) K, f func(T, W) R) Stream[R] {
	return Stream[R]{checked[none, R](looksUp(s.n, "Lookup", t.t, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return lookup(in[0], t.t, keysBy[none](key), func(in *rdd.Rows[none, T], found []int32, held *frozen[K, W], out []R, picked []int32) (n int) {
			for i, id := range found {
				if id >= 0 {
					out[n], picked[n] = f(in.Vals[i], held.rows[held.row[id]]), int32(i)
					n++
				}
			}
			return n
		})
	}))}
}

// LeftLookup gives f each row with its key's row of the table, nil if there is none. The pointer is valid during the call only.
func (s Stream[T]) LeftLookup[K comparable, W, R any](t Table[K, W], key func(T) K, f func(T, *W) R) Stream[R] {
	return Stream[R]{checked[none, R](looksUp(s.n, "LeftLookup", t.t, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return lookup(in[0], t.t, keysBy[none](key), func(in *rdd.Rows[none, T], found []int32, held *frozen[K, W], out []R, picked []int32) int {
			for i, id := range found {
				out[i], picked[i] = f(in.Vals[i], held.at(id)), int32(i)
			}
			return len(found)
		})
	}))}
}

// Lookup gives f each key and row with the key's row of the table. Rows without a match are dropped.
func (k Keyed[K, V]) Lookup[W, R any](t Table[K, W], f func(K, V, W) R) Keyed[K, R] {
	return Keyed[K, R]{checked[K, R](looksUp(k.n, "Lookup", t.t, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return lookup(in[0], t.t, ownKeys, func(in *rdd.Rows[K, V], found []int32, held *frozen[K, W], out []R, picked []int32) (n int) {
			for i, id := range found {
				if id >= 0 {
					out[n], picked[n] = f(in.Keys[i], in.Vals[i], held.rows[held.row[id]]), int32(i)
					n++
				}
			}
			return n
		})
	}))}
}

// LeftLookup gives f each key and row with the key's row of the table, nil if there is none. The pointer is valid during the call
// only.
func (k Keyed[K, V]) LeftLookup[W, R any](t Table[K, W], f func(K, V, *W) R) Keyed[K, R] {
	return Keyed[K, R]{checked[K, R](looksUp(k.n, "LeftLookup", t.t, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return lookup(in[0], t.t, ownKeys, func(in *rdd.Rows[K, V], found []int32, held *frozen[K, W], out []R, picked []int32) int {
			for i, id := range found {
				out[i], picked[i] = f(in.Keys[i], in.Vals[i], held.at(id)), int32(i)
			}
			return len(found)
		})
	}))}
}

// at returns the row of an id, nil for -1. It points into the frozen slice: a pointer to a loop's variable would allocate once a row.
func (f *frozen[K, W]) at(id int32) *W {
	if id < 0 {
		return nil
	}
	return &f.rows[f.row[id]]
}

// keysBy makes the key column of rows that have none of the table's.
func keysBy[L, V any, K comparable](key func(V) K) func(*rdd.Rows[L, V], []K) []K {
	return func(in *rdd.Rows[L, V], own []K) []K {
		vals, own := in.Vals, rdd.Sized(own, len(in.Vals))
		for i := range vals {
			own[i] = key(vals[i])
		}
		return own
	}
}

// ownKeys are the keys of rows that have the table's. Of rows without text, None, there may be no column.
func ownKeys[K comparable, V any](in *rdd.Rows[K, V], own []K) []K {
	if in.Keys == nil {
		return rdd.Sized(own, len(in.Vals))
	}
	return in.Keys
}

// lookup is a narrow step, a column at a time: keys, then ids in the table, which is on every worker, then rows. give writes the rows
// that come out and which rows of in they come from, and returns how many.
func lookup[L, V any, K comparable, W, R any](p *rdd.Node, tab *table, keysOf func(*rdd.Rows[L, V], []K) []K,
	give func(in *rdd.Rows[L, V], found []int32, held *frozen[K, W], out []R, picked []int32) int) *rdd.Node {
	return rdd.Step(p, "Lookup", func(t *rdd.Task) func(in *rdd.Rows[L, V], out *rdd.Rows[L, R]) error {
		var held *frozen[K, W]
		var own []K
		var hashes []uint64
		var found, picked []int32
		return func(in *rdd.Rows[L, V], out *rdd.Rows[L, R]) (err error) {
			if held == nil {
				if held, err = tableOf[K, W](t, tab); err != nil {
					return err
				}
			}
			n := len(in.Vals)
			keys := keysOf(in, own)
			if in.Keys == nil {
				own = keys
			}
			hashes, found, picked = rdd.Sized(hashes, n), rdd.Sized(found, n), rdd.Sized(picked, n)
			held.ids.FindAll(keys, hashes, found)
			out.Vals = rdd.Sized(out.Vals, n)
			n = give(in, found, held, out.Vals, picked)
			out.Vals = out.Vals[:n]
			rdd.Gather(in, picked[:n], out)
			return nil
		}
	})
}
