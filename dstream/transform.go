package dstream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/tidemill/tidemill/rdd"
)

// Transform gives f the dataset of each batch and goes on with the one that it returns. f runs on driver and workers, and only
// extends the lineage: an action inside it is an error. Event times are lost.
func (s Stream[T]) Transform[U any](f func(Context, rdd.RDD[T]) rdd.RDD[U]) Stream[U] {
	n := dynamic[U]("Transform", s.n.job, []*node{s.n}, func(c Context, in []*rdd.Node) *rdd.Node {
		return f(c, rdd.As[T](in[0])).Node()
	})
	return Stream[U]{n}
}

// TransformWith is Transform with the dataset of another stream beside.
func (s Stream[T]) TransformWith[U, R any](o Stream[U], f func(Context, rdd.RDD[T], rdd.RDD[U]) rdd.RDD[R]) Stream[R] {
	n := dynamic[R]("TransformWith", s.n.job, []*node{s.n, o.n}, func(c Context, in []*rdd.Node) *rdd.Node {
		return f(c, rdd.As[T](in[0]), rdd.As[U](in[1])).Node()
	})
	return Stream[R]{n}
}

// dynamic adds a step whose dataset a user's function makes anew in each batch.
func dynamic[U any](kind string, j *Job, parents []*node, f func(Context, []*rdd.Node) *rdd.Node) *node {
	var n *node
	n = j.add(kind, parents, func(c *cut, in []*rdd.Node) *rdd.Node {
		made, err := n.transform(c.plan, in, f)
		if err != nil {
			c.errs = append(c.errs, &rdd.BuildError{At: n.at, Kind: kind, Err: err})
			return rdd.Custom[none, U](kind, 1, nil, nil) // for the steps below: nothing runs
		}
		return made
	})
	n.timed, n.dynamic = false, true
	return checked[none, U](n)
}

// transform runs a user's function, whose panic and whose actions are errors.
func (n *node) transform(p *Plan, in []*rdd.Node, f func(Context, []*rdd.Node) *rdd.Node) (out *rdd.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &rdd.PanicError{Value: r, Stack: string(debug.Stack())}
		}
	}()
	var actions noActions
	out = f(newContext(rdd.WithRunner(context.Background(), &actions), p, uint64(n.id)<<32), in)
	switch {
	case actions.at != "": // whatever f made of the error that it got
		return nil, fmt.Errorf("%s: %w", actions.at, errAction)
	case out == nil:
		return nil, errors.New("it returned no dataset: return the one it was given, or one made of it")
	}
	return out, nil
}

// noActions is the runner inside Transform: it refuses, and remembers where it was asked.
type noActions struct{ at string }

var errAction = errors.New("an action inside Transform: it may only extend the lineage; use ForEach for actions")

// Collect refuses.
func (a *noActions) Collect(context.Context, *rdd.Node) ([]rdd.Chunk, error) {
	a.at = rdd.CallSite()
	return nil, errAction
}
