package rdd

import "fmt"

// RDD is a dataset of rows of type T. A small value: a pointer to its node.
type RDD[T any] struct{ n *Node }

// Keyed is a dataset of rows of type V, each with a key of type K.
type Keyed[K comparable, V any] struct{ n *Node }

// Node is the untyped dataset.
func (r RDD[T]) Node() *Node { return r.n }

// Node is the untyped dataset.
func (k Keyed[K, V]) Node() *Node { return k.n }

// As gives a node of Rows[None, T] its type back. It panics if the node's rows are of another type: a bug of the caller.
func As[T any](n *Node) RDD[T] {
	check[None, T](n)
	return RDD[T]{n}
}

// AsKeyed gives a node of Rows[K, V] its types back.
func AsKeyed[K comparable, V any](n *Node) Keyed[K, V] {
	check[K, V](n)
	return Keyed[K, V]{n}
}

func check[K, V any](n *Node) {
	want, _ := ShapeOf[K, V]()
	if n.Shape.keyOf != want.keyOf || n.Shape.valOf != want.valOf {
		panic(fmt.Sprintf("rdd: node %s holds %s, not %s", n.Kind, n.Shape, want))
	}
}

// Itself is the identity, for KeyBy.
func Itself[T any](v T) T { return v }

// Of makes a dataset of rows, cut into parts partitions of nearly equal size. For tests, small tables and examples.
func Of[T any](parts int, rows ...T) RDD[T] {
	parts = max(parts, 1)
	n := newNode[None, T]("Of")
	n.Parts = parts
	n.Facts = append(n.Facts, fmt.Sprintf("%d rows", len(rows)))
	n.compute = func(t *Task, p int, _ []Seq) Seq {
		sealed := ValColumn
		if p := placesOf[T](); len(p.times)+len(p.slices) > 0 {
			sealed = 0 // Keep has to level them
		}
		from, to := len(rows)*p/parts, len(rows)*(p+1)/parts
		return func(yield func(Chunk, error) bool) {
			for from < to {
				end := min(from+t.ChunkRows, to)
				t.Counts.In += int64(end - from)
				if !yield(&Rows[None, T]{Vals: rows[from:end:end], Sealed: sealed}, nil) {
					return
				}
				from = end
			}
		}
	}
	return RDD[T]{n}
}
