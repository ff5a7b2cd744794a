package rdd

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Node is one dataset of a graph: the untyped thing that RDD and Keyed point to. Immutable once it is built.
type Node struct {
	Kind  string       // the operator, as users know it: "Map"
	At    string       // where the user wrote it: "job.go:12"
	Name  string       // set by Named; empty otherwise
	Shape *Shape       // its Go types
	Deps  []Dep        // parents
	Parts int          // number of partitions
	Keep  bool         // Cache was asked for: its partitions are kept as blocks and computed once
	Facts []string     // what explain prints beside it, e.g. "64 rows"
	By    *Partitioner // of the exchanges below it; inherited from the first parent that has one; nil = as many parts as here

	// Prefer names the places where partition p is cheapest to compute, best first. Nil means anywhere.
	Prefer func(p int) []string
	// State is set for operators with keyed state; what it is belongs to the layer above (dstream).
	State any

	compute  func(t *Task, p int, in []Seq) Seq
	exchange *Exchange // its rows come out of the exchange's blocks and compute is nil
	errs     []error   // what was wrong with it when it was built
}

// Dep is a dependency on a parent. It is narrow: partition p reads partition p-From of the parent, if there is one. (Wide
// dependencies are nodes of their own: those with an Exchange.)
type Dep struct {
	Node *Node
	From int
}

// partition returns the parent's partition that partition p reads.
func (d Dep) partition(p int) (int, bool) {
	p -= d.From
	return p, p >= 0 && p < d.Node.Parts
}

// Shape is what the untyped layers know of a node's Go types.
type Shape struct {
	Key, Val *codec.Codec
	// Decode makes a chunk of a record that a chunk of this shape returned from Record.
	Decode func(arrow.Record) (Chunk, error)

	keyOf, valOf reflect.Type
}

// String is the types as users write them: "Keyed[string, int64]".
func (s *Shape) String() string {
	if s.keyOf == reflect.TypeFor[None]() {
		return typeName(s.valOf)
	}
	return typeName(s.keyOf) + " → " + typeName(s.valOf)
}

func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "main.", "") }

// ShapeOf derives the shape of Rows[K, V]. The error says which field of which type has no codec.
func ShapeOf[K, V any]() (*Shape, error) {
	s := &Shape{keyOf: reflect.TypeFor[K](), valOf: reflect.TypeFor[V]()}
	var err error
	if s.Key, err = codec.Of[K](); err != nil {
		return s, fmt.Errorf("key: %w", err)
	}
	if s.Val, err = codec.Of[V](); err != nil {
		return s, err
	}
	s.Decode = Decode[K, V]
	return s, nil
}

// newNode makes a node of Rows[K, V] with one-to-one dependencies on parents.
func newNode[K, V any](kind string, parents ...*Node) *Node {
	n := &Node{Kind: kind, At: CallSite()}
	var err error
	if n.Shape, err = ShapeOf[K, V](); err != nil && !reported(err, parents) {
		n.errs = append(n.errs, err)
	}
	for _, p := range parents {
		n.Deps = append(n.Deps, Dep{Node: p})
		n.Parts = max(n.Parts, p.Parts)
		if n.By == nil {
			n.By = p.By
		}
	}
	return n
}

// reported tells whether a node above has the same mistake: a type without a codec is reported where it comes up first.
func reported(err error, parents []*Node) bool {
	for _, p := range parents {
		same := func(known error) bool { return known.Error() == err.Error() }
		if slices.ContainsFunc(p.errs, same) || p.Shape.Val == nil && reported(err, p.Parents()) {
			return true
		}
	}
	return false
}

// partitioner is the one for exchanges below n.
func (n *Node) partitioner() *Partitioner {
	if n.By != nil {
		return n.By
	}
	return NewPartitioner(0, max(n.Parts, 1))
}

// Custom makes a node of Rows[K, V] whose chunks compute yields; in holds the chunks of partition p of each parent, nil for
// a parent that has no such partition. It is what the layer above builds sources and stateful steps of.
func Custom[K, V any](kind string, parts int, parents []*Node, compute func(t *Task, p int, in []Seq) Seq) *Node {
	n := newNode[K, V](kind, parents...)
	n.Parts, n.compute = parts, compute
	return n
}

// Failed adds a mistake that was found while the graph was built; Compile reports it with the user's file and line.
func (n *Node) Failed(err error) *Node {
	n.errs = append(n.errs, err)
	return n
}

// Compute yields the chunks of partition p, given its parents' chunks.
func (n *Node) Compute(t *Task, p int, in []Seq) Seq { return n.compute(t, p, in) }

// BuildError is a mistake in a graph, at the user's file and line.
type BuildError struct {
	At, Kind string
	Err      error
}

// Error begins with the user's file and line.
func (e *BuildError) Error() string { return fmt.Sprintf("%s: %s: %v", e.At, e.Kind, e.Err) }

// Unwrap returns the mistake itself.
func (e *BuildError) Unwrap() error { return e.Err }

// Parents are the datasets that n is computed from, through narrow dependencies and its exchange.
func (n *Node) Parents() []*Node {
	var out []*Node
	for _, d := range n.Deps {
		out = append(out, d.Node)
	}
	if n.exchange != nil {
		out = append(out, n.exchange.Parent)
	}
	return out
}
