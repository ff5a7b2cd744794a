package rdd

// Union puts the partitions of others behind those of r. Duplicates stay. Event times stay if all have them.
func (r RDD[T]) Union[_ lazy](others ...RDD[T]) RDD[T] {
	nodes := []*Node{r.n}
	for _, o := range others {
		nodes = append(nodes, o.n)
	}
	return RDD[T]{Union[None, T](nodes...)}
}

// Union puts the partitions of others behind those of k. Duplicates stay.
func (k Keyed[K, V]) Union[_ lazy](others ...Keyed[K, V]) Keyed[K, V] {
	nodes := []*Node{k.n}
	for _, o := range others {
		nodes = append(nodes, o.n)
	}
	return Keyed[K, V]{Union[K, V](nodes...)}
}

// Union puts the partitions of parents of one type one behind the other.
func Union[K, V any](parents ...*Node) *Node {
	n := newNode[K, V]("Union", parents...)
	n.Parts = 0
	for i := range n.Deps {
		n.Deps[i].From = n.Parts
		n.Parts += n.Deps[i].Node.Parts
	}
	n.compute = func(_ *Task, _ int, in []Seq) Seq {
		for _, s := range in {
			if s != nil {
				return s
			}
		}
		return func(func(Chunk, error) bool) {}
	}
	return n
}
