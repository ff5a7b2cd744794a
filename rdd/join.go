package rdd

// Join gives f every pair of rows of k and o with the same key. Duplicates multiply.
func (k Keyed[K, V]) Join[W, R any](o Keyed[K, W], f func(K, V, W) R) Keyed[K, R] {
	return Keyed[K, R]{cogroup(k.n, o.n, "Join", func(key K, vs []V, ws []W, emit func(R)) {
		for i := range vs {
			for j := range ws {
				emit(f(key, vs[i], ws[j]))
			}
		}
	})}
}

// LeftJoin is Join that also gives f the rows of k without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) LeftJoin[W, R any](o Keyed[K, W], f func(K, V, *W) R) Keyed[K, R] {
	return Keyed[K, R]{cogroup(k.n, o.n, "LeftJoin", func(key K, vs []V, ws []W, emit func(R)) {
		for i := range vs {
			for j := range ws {
				emit(f(key, vs[i], &ws[j]))
			}
			if len(ws) == 0 {
				emit(f(key, vs[i], nil))
			}
		}
	})}
}

// RightJoin is Join that also gives f the rows of o without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) RightJoin[W, R any](o Keyed[K, W], f func(K, *V, W) R) Keyed[K, R] {
	return Keyed[K, R]{cogroup(k.n, o.n, "RightJoin", func(key K, vs []V, ws []W, emit func(R)) {
		for j := range ws {
			for i := range vs {
				emit(f(key, &vs[i], ws[j]))
			}
			if len(vs) == 0 {
				emit(f(key, nil, ws[j]))
			}
		}
	})}
}

// FullJoin gives f every pair and every row without a partner, with nil for it. The pointers are valid during the call only.
func (k Keyed[K, V]) FullJoin[W, R any](o Keyed[K, W], f func(K, *V, *W) R) Keyed[K, R] {
	return Keyed[K, R]{cogroup(k.n, o.n, "FullJoin", func(key K, vs []V, ws []W, emit func(R)) {
		for i := range vs {
			for j := range ws {
				emit(f(key, &vs[i], &ws[j]))
			}
			if len(ws) == 0 {
				emit(f(key, &vs[i], nil))
			}
		}
		for j := 0; j < len(ws) && len(vs) == 0; j++ {
			emit(f(key, nil, &ws[j]))
		}
	})}
}

// CoGroup gives f all rows of k and of o with the same key.
func (k Keyed[K, V]) CoGroup[W, R any](o Keyed[K, W], f func(K, []V, []W) R) Keyed[K, R] {
	return Keyed[K, R]{cogroup(k.n, o.n, "CoGroup", func(key K, vs []V, ws []W, emit func(R)) { emit(f(key, vs, ws)) })}
}

// cogroup brings the rows of a and b with the same key together. Keys come out in the order of their first row, those of a
// first.
func cogroup[K comparable, V, W, R any](a, b *Node, kind string, f func(K, []V, []W, func(R))) *Node {
	by := a.partitioner()
	if a.By == nil && b.Parts > a.Parts {
		by = b.partitioner()
	}
	left := ExchangeByKey[K, V](a, kind, by, nil)
	right := ExchangeByKey[K, W](b, kind, by, nil)
	n := newNode[K, R](kind, left, right)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			g := NewGrouper[K]()
			vs, err := gather[K, V](g, in[0])
			if err != nil {
				yield(nil, err)
				return
			}
			ws, err := gather[K, W](g, in[1])
			if err != nil {
				yield(nil, err)
				return
			}
			e := &emitter[K, R]{rows: t.ChunkRows, yield: yield}
			for i, key := range g.Keys() {
				f(key, at(vs, i), at(ws, i), func(r R) { e.out.Keys, e.out.Vals = append(e.out.Keys, key), append(e.out.Vals, r) })
				if e.full() && !e.flush() {
					return
				}
			}
			e.flush()
		}
	}
	return n
}

// gather lists the rows of each key by the key's id.
func gather[K comparable, V any](g *Grouper[K], in Seq) ([][]V, error) {
	var lists [][]V
	var ids []int32
	for c, err := range in {
		if err != nil {
			return nil, err
		}
		rows := c.(*Rows[K, V]).keep()
		ids = Sized(ids, len(rows.Vals))
		g.IDs(rows.Keys, ids)
		for len(lists) < g.Len() {
			lists = append(lists, nil)
		}
		for i, id := range ids {
			lists[id] = append(lists[id], rows.Vals[i])
		}
	}
	return lists, nil
}

func at[V any](lists [][]V, i int) []V {
	if i < len(lists) {
		return lists[i]
	}
	return nil
}
