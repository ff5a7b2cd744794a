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

// next adds a step that is an operator of datasets.
func next[T, U any](s Stream[T], kind string, f func(rdd.RDD[T]) rdd.RDD[U]) Stream[U] {
	return Stream[U]{checked[none, U](s.n.job.add(kind, []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return f(rdd.As[T](in[0])).Node()
	}))}
}

// toKeyed adds a step from a stream to a keyed one.
func toKeyed[T any, K comparable, V any](s Stream[T], kind string, f func(rdd.RDD[T]) rdd.Keyed[K, V]) Keyed[K, V] {
	return Keyed[K, V]{checked[K, V](s.n.job.add(kind, []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return f(rdd.As[T](in[0])).Node()
	}))}
}

// nextKeyed adds a step from a keyed stream to a keyed one.
func nextKeyed[K comparable, V any, L comparable, W any](k Keyed[K, V], kind string, f func(rdd.Keyed[K, V]) rdd.Keyed[L, W]) Keyed[L, W] {
	return Keyed[L, W]{checked[L, W](k.n.job.add(kind, []*node{k.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return f(rdd.AsKeyed[K, V](in[0])).Node()
	}))}
}

// fromKeyed adds a step from a keyed stream to one without keys.
func fromKeyed[K comparable, V, U any](k Keyed[K, V], kind string, f func(rdd.Keyed[K, V]) rdd.RDD[U]) Stream[U] {
	return Stream[U]{checked[none, U](k.n.job.add(kind, []*node{k.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return f(rdd.AsKeyed[K, V](in[0])).Node()
	}))}
}

// joined adds a step of two keyed streams.
func joined[K comparable, V, W, R any](k Keyed[K, V], o Keyed[K, W], kind string, f func(rdd.Keyed[K, V], rdd.Keyed[K, W]) rdd.Keyed[K, R]) Keyed[K, R] {
	n := k.n.job.add(kind, []*node{k.n, o.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return f(rdd.AsKeyed[K, V](in[0]), rdd.AsKeyed[K, W](in[1])).Node()
	})
	n.timed = false
	return Keyed[K, R]{checked[K, R](n)}
}

// untimed marks a step whose rows have lost their event time.
func untimed(n *node) { n.timed = false }

type none = rdd.None
