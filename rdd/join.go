package rdd

// Join gives f every pair of rows of k and o with the same key. Duplicates multiply. Event times are dropped, as by all joins.
func (k Keyed[K, V]) Join[W, R any](o Keyed[K, W], f func(K, V, W) R) Keyed[K, R] {
	return Keyed[K, R]{Join(k.n, o.n, f)}
}

// Join is Keyed.Join of a node.
func Join[K comparable, V, W, R any](p *Node, o *Node, f func(K, V, W) R) *Node {
	return joined(p, o, "Join", outer{}, func(key K, v *V, w *W) R { return f(key, *v, *w) })
}

// LeftJoin is Join that also gives f the rows of k without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) LeftJoin[W, R any](o Keyed[K, W], f func(K, V, *W) R) Keyed[K, R] {
	return Keyed[K, R]{LeftJoin(k.n, o.n, f)}
}

// LeftJoin is Keyed.LeftJoin of a node.
func LeftJoin[K comparable, V, W, R any](p *Node, o *Node, f func(K, V, *W) R) *Node {
	return joined(p, o, "LeftJoin", outer{left: true}, func(key K, v *V, w *W) R { return f(key, *v, w) })
}

// RightJoin is Join that also gives f the rows of o without a partner, with nil. The pointer is valid during the call only.
func (k Keyed[K, V]) RightJoin[W, R any](o Keyed[K, W], f func(K, *V, W) R) Keyed[K, R] {
	return Keyed[K, R]{RightJoin(k.n, o.n, f)}
}

// RightJoin is Keyed.RightJoin of a node.
func RightJoin[K comparable, V, W, R any](p *Node, o *Node, f func(K, *V, W) R) *Node {
	return joined(p, o, "RightJoin", outer{right: true}, func(key K, v *V, w *W) R { return f(key, v, *w) })
}

// FullJoin gives f every pair and every row without a partner, with nil for it. The pointers are valid during the call only.
func (k Keyed[K, V]) FullJoin[W, R any](o Keyed[K, W], f func(K, *V, *W) R) Keyed[K, R] {
	return Keyed[K, R]{FullJoin(k.n, o.n, f)}
}

// FullJoin is Keyed.FullJoin of a node.
func FullJoin[K comparable, V, W, R any](p *Node, o *Node, f func(K, *V, *W) R) *Node {
	return joined(p, o, "FullJoin", outer{left: true, right: true}, f)
}

// CoGroup gives f all rows of k and of o with the same key.
func (k Keyed[K, V]) CoGroup[W, R any](o Keyed[K, W], f func(K, []V, []W) R) Keyed[K, R] {
	return Keyed[K, R]{CoGroup(k.n, o.n, f)}
}

// CoGroup is Keyed.CoGroup of a node.
func CoGroup[K comparable, V, W, R any](p *Node, o *Node, f func(K, []V, []W) R) *Node {
	return cogroup(p, o, "CoGroup", func(key K, vs []V, ws []W, emit func(R) bool) { emit(f(key, vs, ws)) })
}

// outer says which side's rows come out without a partner.
type outer struct{ left, right bool }

func joined[K comparable, V, W, R any](a, b *Node, kind string, o outer, f func(K, *V, *W) R) *Node {
	return cogroup(a, b, kind, func(key K, vs []V, ws []W, emit func(R) bool) {
		for i := range vs {
			for j := range ws {
				if !emit(f(key, &vs[i], &ws[j])) {
					return
				}
			}
			if o.left && len(ws) == 0 && !emit(f(key, &vs[i], nil)) {
				return
			}
		}
		for j := 0; o.right && len(vs) == 0 && j < len(ws); j++ {
			if !emit(f(key, nil, &ws[j])) {
				return
			}
		}
	})
}

// cogroup brings the rows of a and b with the same key together. Keys come out in the order of their first row, those of a
// first. f returns early once emit returns false.
func cogroup[K comparable, V, W, R any](a, b *Node, kind string, f func(key K, vs []V, ws []W, emit func(R) bool)) *Node {
	by := a.partitioner()
	if a.By == nil && (b.By != nil || b.Parts > a.Parts) {
		by = b.partitioner()
	}
	left := ExchangeByKey[K, V](a, kind, by, nil)
	right := ExchangeByKey[K, W](b, kind, by, nil)
	n := newNode[K, R](kind, left, right)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			g := NewGrouper[K]()
			vs, err := collect[K, V](g, in[0])
			if err != nil {
				yield(nil, err)
				return
			}
			ws, err := collect[K, W](g, in[1])
			if err != nil {
				yield(nil, err)
				return
			}
			e := &emitter[K, R]{rows: t.ChunkRows, yield: yield}
			var key K
			emit := func(r R) bool {
				e.out.Keys, e.out.Vals = append(e.out.Keys, key), append(e.out.Vals, r)
				return e.grown()
			}
			for i, k := range g.Keys() {
				key = k
				if f(key, vs.of(i), ws.of(i), emit); e.done {
					return
				}
			}
			e.flush()
		}
	}
	return n
}
