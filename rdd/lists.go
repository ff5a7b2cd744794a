package rdd

// lists are values by key: those of the key with id i are vals[start[i]:start[i+1]], in the order in which they came.
type lists[V any] struct {
	vals  []V
	start []int
}

// of returns the values of a key; the caller may write them. Keys that came after the lists were made have none.
func (l *lists[V]) of(id int) []V {
	if id+1 >= len(l.start) {
		return nil
	}
	from, to := l.start[id], l.start[id+1]
	return l.vals[from:to:to]
}

// collect lists the rows of each key by the id that g gives it: a counting sort, so that many small lists cost no allocation
// each.
func collect[K comparable, V any](g *Grouper[K], in Seq) (lists[V], error) {
	var ids []int32
	var came [][]V
	for c, err := range in {
		if err != nil {
			return lists[V]{}, err
		}
		rows, n := c.(*Rows[K, V]).keep(), len(ids) // blocks are sealed: nothing is copied
		came = append(came, rows.Vals)
		ids = append(ids, make([]int32, len(rows.Vals))...)
		g.IDs(rows.Keys, ids[n:])
	}
	l := lists[V]{make([]V, len(ids)), make([]int, g.Len()+1)}
	for _, id := range ids {
		l.start[id+1]++
	}
	for i := 1; i < len(l.start); i++ {
		l.start[i] += l.start[i-1]
	}
	next := append([]int(nil), l.start...)
	for _, vals := range came {
		for i, id := range ids[:len(vals)] {
			l.vals[next[id]] = vals[i]
			next[id]++
		}
		ids = ids[len(vals):]
	}
	return l, nil
}
