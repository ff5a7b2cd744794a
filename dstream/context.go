package dstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Context is what a step may know of the batch it is part of. Nothing else may decide what a step returns: time.Now and the global
// random source give other results when a batch is run again.
type Context struct {
	context.Context
	Batch time.Time // of the batch

	rand   func() *rand.Rand
	driver func(func() error) error
}

// Rand is a source of random numbers that gives the same ones when the batch is run again. Each call goes on with the same source.
func (c Context) Rand() *rand.Rand { return c.rand() }

// newContext is the context of one user of random numbers in a batch; stream tells them apart.
func newContext(ctx context.Context, p *Plan, stream uint64) Context {
	return Context{Context: ctx, Batch: p.Time, rand: sync.OnceValue(func() *rand.Rand { return rand.New(rand.NewPCG(p.Seed, stream)) })}
}

// Driver runs f where side effects belong: on the driver and nowhere else. In a ForEach body everything else may run more than
// once, also on workers. Inside any other function it is an error.
func (c Context) Driver(f func() error) error {
	if c.driver == nil {
		return errors.New("Context.Driver: only ForEach bodies have a driver to run on")
	}
	return c.driver(f)
}

// taskContext is the context of a step inside a task.
func (n *node) taskContext(t *rdd.Task) Context {
	return newContext(t.Context, envOf(t).Plan, uint64(n.id)<<32|uint64(t.ID.Partition))
}

// MapContext is Map with the batch's context.
func (s Stream[T]) MapContext[U any](f func(Context, T) U) Stream[U] {
	var n *node
	n = checked[none, U](s.n.job.add("MapContext", []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.Step(in[0], "MapContext", func(t *rdd.Task) func(in *rdd.Rows[none, T], out *rdd.Rows[none, U]) error {
			c := n.taskContext(t)
			return func(in *rdd.Rows[none, T], out *rdd.Rows[none, U]) error {
				out.Vals, out.Times, out.Sealed = rdd.Sized(out.Vals, len(in.Vals)), in.Times, in.Sealed&rdd.TimeColumn
				for i := range in.Vals {
					out.Vals[i] = f(c, in.Vals[i])
				}
				return nil
			}
		})
	}))
	return Stream[U]{n}
}

// Itself is the identity, for KeyBy.
func Itself[T any](v T) T { return v }

// Sum adds, for Reduce.
func Sum[N int | int64 | float64](a, b N) N { return a + b }
