package rdd

// Cache keeps the partitions once they are computed: in memory, and on disk beyond the block store's limit. Of no use for a
// dataset that is used once; one that is used twice in the same program is computed once in any case.
func (r RDD[T]) Cache[_ lazy]() RDD[T] { return RDD[T]{Cache[None, T](r.n)} }

// Cache keeps the partitions once they are computed: in memory, and on disk beyond the block store's limit.
func (k Keyed[K, V]) Cache[_ lazy]() Keyed[K, V] { return Keyed[K, V]{Cache[K, V](k.n)} }

// Cache keeps the rows of a node.
func Cache[K, V any](p *Node) *Node {
	n := Narrow(p, "Cache", func(in, out *Rows[K, V]) {
		out.Keys, out.Vals, out.Times, out.Tokens, out.Sealed = in.Keys, in.Vals, in.Times, in.Tokens, in.Sealed
	})
	n.Keep = true
	return n
}
