package dstream

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// node is one stream of a job's graph: what Stream, Keyed, Windowed and Panes point to. As a DStream makes an RDD for each
// batch, a node makes an rdd.Node for each cut of a batch into partitions.
type node struct {
	id      int
	job     *Job
	kind    string // the operator, as users know it
	at      string // the user's file and line
	name    string // of Named; of sources, the name they are configured under
	parents []*node
	timed   bool       // its rows carry event time
	moment  *eventTime // set on EventTime steps
	state   *stateful  // set on steps with keyed state
	dynamic bool       // Transform: made anew each batch
	once    *panes     // its rows are results of these windows, and each window's come out together and once; else nil
	wrong   string     // what is wrong with its types, reported where they first appear

	// build makes the dataset of a batch from those of the parents.
	build func(b *cut, in []*rdd.Node) *rdd.Node
}

// cut is a batch being turned into datasets: the facts that decide its shape, and what was made so far.
type cut struct {
	plan *Plan
	by   *rdd.Partitioner
	made map[*node]*rdd.Node
	errs []error // of Transforms
}

// of returns the dataset of n, made on first use, so that a stream which is used twice is one dataset.
func (c *cut) of(n *node) *rdd.Node {
	if r, ok := c.made[n]; ok {
		return r
	}
	in := make([]*rdd.Node, len(n.parents))
	for i, p := range n.parents {
		in[i] = c.of(p)
	}
	r := n.build(c, in)
	if !n.dynamic { // what the user's function made has lines of its own
		label(r, n, in)
	}
	c.made[n] = r
	return r
}

// label puts the user's file and line on the datasets that a step is made of.
func label(r *rdd.Node, n *node, stop []*rdd.Node) {
	for _, s := range stop {
		if r == s {
			return
		}
	}
	r.At = n.at
	if n.name != "" && r.Name == "" {
		r.Name = n.name
	}
	for _, p := range r.Parents() {
		if p.At != n.at {
			label(p, n, stop)
		}
	}
}

// add makes a node of a job.
func (j *Job) add(kind string, parents []*node, build func(*cut, []*rdd.Node) *rdd.Node) *node {
	n := &node{id: len(j.nodes), job: j, kind: kind, at: rdd.CallSite(), parents: parents, build: build}
	if !j.open(n.at, kind) {
		return n
	}
	j.nodes = append(j.nodes, n)
	for i, p := range parents {
		if p.job != j {
			j.fail(n.at, kind, errOtherJob)
		}
		n.timed = p.timed && (i == 0 || n.timed)
	}
	return n
}

var errOtherJob = errors.New("its streams belong to different jobs: build each job of the streams and tables of its own Job only")

// checked reports what is wrong with the types of a step's rows, once: not again for each step below it.
func checked[K comparable, V any](n *node) *node {
	err := shapeError[K, V]()
	if err == nil {
		return n
	}
	known := n.wrong
	n.wrong = err.Error()
	for _, p := range n.parents {
		if p.wrong == n.wrong {
			return n
		}
	}
	if known != n.wrong {
		n.job.fail(n.at, n.kind, err)
	}
	return n
}

// shapeError says why rows V with keys K cannot travel; nil if they can.
func shapeError[K comparable, V any]() error {
	if _, err := rdd.ShapeOf[K, V](); err != nil {
		return err
	}
	if _, err := codec.KeyToken[K](); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return nil
}

// operator turns the datasets of a step's parents into its own.
type operator = func(in *rdd.Node) *rdd.Node

// next adds a step with one parent. Steps are built of functions over untyped nodes, not of rdd's typed handles: a handle's methods
// are compiled for each type that it is used with, whether a job calls them or not.
func (n *node) next(kind string, f operator) *node {
	return n.job.add(kind, []*node{n}, func(_ *cut, in []*rdd.Node) *rdd.Node { return f(in[0]) })
}

// both adds a step of two streams whose rows lose their event time.
func both(a, b *node, kind string, f func(a, b *rdd.Node) *rdd.Node) *node {
	n := a.job.add(kind, []*node{a, b}, func(_ *cut, in []*rdd.Node) *rdd.Node { return f(in[0], in[1]) })
	n.timed = false
	return n
}

// streamOf is the stream of a step with rows T.
func streamOf[T any](n *node) Stream[T] { return Stream[T]{checked[none, T](n)} }

// keyedOf is the keyed stream of a step.
func keyedOf[K comparable, V any](n *node) Keyed[K, V] { return Keyed[K, V]{checked[K, V](n)} }

// untimed marks a step whose rows have lost their event time.
func untimed(n *node) *node {
	n.timed = false
	return n
}

type none = rdd.None
