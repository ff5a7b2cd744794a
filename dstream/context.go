package dstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Context is what a step may know of the batch it is part of. Nothing else may decide what a step returns: time.Now and the global
// random source give other results when a batch is run again.
type Context struct {
	context.Context
	Batch time.Time // of the batch

	seed   uint64
	stream uint64
	driver func(func() error) error
}

// Rand is a source of random numbers that gives the same ones when the batch is run again.
func (c Context) Rand() *rand.Rand { return rand.New(rand.NewPCG(c.seed, c.stream)) }

// Driver runs f where side effects belong: on the driver and nowhere else. In a ForEach body everything else may run more than
// once, also on workers. Inside any other function it is an error.
func (c Context) Driver(f func() error) error {
	if c.driver == nil {
		return errors.New("Context.Driver: only ForEach bodies have a driver to run on")
	}
	return c.driver(f)
}

// taskContext is the context of a step inside a task.
func taskContext(t *rdd.Task) Context {
	env := envOf(t)
	return Context{Context: t.Context, Batch: env.Plan.Time, seed: env.Plan.Seed, stream: uint64(t.ID.Stage)<<32 | uint64(t.ID.Partition)}
}

// MapContext is Map with the batch's context.
func (s Stream[T]) MapContext[U any](f func(Context, T) U) Stream[U] {
	return Stream[U]{checked[none, U](s.n.job.add("MapContext", []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.Step(in[0], "MapContext", func(t *rdd.Task) func(in *rdd.Rows[none, T], out *rdd.Rows[none, U]) error {
			c := taskContext(t)
			return func(in *rdd.Rows[none, T], out *rdd.Rows[none, U]) error {
				out.Vals, out.Times, out.Sealed = rdd.Sized(out.Vals, len(in.Vals)), in.Times, in.Sealed&rdd.TimeColumn
				for i := range in.Vals {
					out.Vals[i] = f(c, in.Vals[i])
				}
				return nil
			}
		})
	}))}
}

// Transform gives f the dataset of each batch and goes on with the one that it returns. f runs on driver and workers, and only
// extends the lineage: an action inside it is an error. Event times are lost.
func (s Stream[T]) Transform[U any](f func(Context, rdd.RDD[T]) rdd.RDD[U]) Stream[U] {
	n := checked[none, U](s.n.job.add("Transform", []*node{s.n}, func(c *cut, in []*rdd.Node) *rdd.Node {
		return f(c.ctx, rdd.As[T](in[0])).Node()
	}))
	n.timed, n.dynamic = false, true
	return Stream[U]{n}
}

// TransformWith is Transform with the dataset of another stream beside.
func (s Stream[T]) TransformWith[U, R any](o Stream[U], f func(Context, rdd.RDD[T], rdd.RDD[U]) rdd.RDD[R]) Stream[R] {
	n := checked[none, R](s.n.job.add("TransformWith", []*node{s.n, o.n}, func(c *cut, in []*rdd.Node) *rdd.Node {
		return f(c.ctx, rdd.As[T](in[0]), rdd.As[U](in[1])).Node()
	}))
	n.timed, n.dynamic = false, true
	return Stream[R]{n}
}

// noActions is the runner inside Transform.
type noActions struct{}

// Collect refuses.
func (noActions) Collect(context.Context, *rdd.Node) ([]rdd.Chunk, error) {
	return nil, errors.New("an action inside Transform: it may only extend the lineage; use ForEach for actions")
}

// Itself is the identity, for KeyBy.
func Itself[T any](v T) T { return v }

// Sum adds, for Reduce.
func Sum[N int | int64 | float64](a, b N) N { return a + b }
