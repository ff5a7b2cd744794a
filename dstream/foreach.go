package dstream

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/tidemill/tidemill/rdd"
)

// body is a ForEach of a job: the user's function over each batch's dataset.
type body struct {
	name, at string
	n        *node
	// run calls the function with the dataset that the stage keeps.
	run func(c Context, stage, parts int) error
}

// ForEach gives f the dataset of each batch, to run actions on: Collect, Take, Count, Reduce. Each action is a small job of its own.
//
// f runs on the driver; a worker that is given a part of its k-th action runs it too, up to that action, with the recorded results
// of those before it. So f must be deterministic, its actions must not overlap, and side effects belong into Context.Driver: they
// happen at least once, before the batch is committed.
func (s Stream[T]) ForEach(name string, f func(Context, rdd.RDD[T]) error) {
	b := &body{name: name, at: rdd.CallSite(), n: s.n}
	b.run = func(c Context, stage, parts int) error {
		return f(c, rdd.As[T](rdd.FromBlocks[none, T]("ForEach", stage, parts)))
	}
	for _, other := range s.n.job.bodies {
		if other.name == name {
			s.n.job.fail(b.at, "ForEach", fmt.Errorf("the name %q is taken by the one at %s", name, other.at))
		}
	}
	s.n.job.bodies = append(s.n.job.bodies, b)
}

// errReplayed ends a worker's replay of a body. It never reaches a user.
var errReplayed = errors.New("replayed")

// RunBody runs the i-th ForEach body of a batch on the driver. Its actions go to r, and what it hands to Context.Driver is done.
func (b *Batch) RunBody(ctx context.Context, i int, r rdd.Runner) (err error) {
	of := b.g.job.bodies[i]
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: ForEach %q: %w", of.at, of.name, &rdd.PanicError{Value: p, Stack: string(debug.Stack())})
		}
	}()
	c := b.context(rdd.WithRunner(ctx, r))
	c.driver = func(f func() error) error { return f() }
	if err := of.run(c, b.Program.Outputs[b.bodyAt(i)], b.Program.Stages[b.Program.Outputs[b.bodyAt(i)]].Parts); err != nil {
		return fmt.Errorf("%s: ForEach %q: %w", of.at, of.name, err)
	}
	return nil
}

// Action returns the program of the k-th action of the i-th body, as a worker finds it: it runs the body up to that action with the
// recorded results of those before it, on a goroutine that the action leaves for good. (A panic to get out could be recovered by
// the body, which would then go on with results that do not exist.)
func (b *Batch) Action(ctx context.Context, i, k int, recorded [][]rdd.Chunk) (*rdd.Program, error) {
	r := &replay{recorded: recorded, k: k}
	of := b.g.job.bodies[i]
	done := make(chan error, 1)
	go func() {
		failed := errReplayed
		defer func() {
			if p := recover(); p != nil {
				failed = &rdd.PanicError{Value: p, Stack: string(debug.Stack())}
			}
			done <- failed
		}()
		c := b.context(rdd.WithRunner(ctx, r))
		c.driver = func(func() error) error { return nil }
		out := b.Program.Outputs[b.bodyAt(i)]
		err := of.run(c, out, b.Program.Stages[out].Parts)
		failed = fmt.Errorf("%s: ForEach %q ended before its action %d on the worker (%v): it must do the same on driver and workers", of.at, of.name, k, err)
	}()
	if err := <-done; r.node == nil {
		return nil, err
	}
	return rdd.Compile(r.node)
}

// replay is the runner of a body on a worker.
type replay struct {
	recorded [][]rdd.Chunk
	next, k  int
	node     *rdd.Node
}

// Collect returns what was recorded, or leaves with the action that was asked for.
func (r *replay) Collect(_ context.Context, n *rdd.Node) ([]rdd.Chunk, error) {
	at := r.next
	r.next++
	if at < len(r.recorded) {
		return r.recorded[at], nil
	}
	r.node = n
	runtime.Goexit()
	return nil, errReplayed
}

// Bodies is the number of ForEach bodies of the job.
func (b *Batch) Bodies() int { return len(b.g.job.bodies) }

func (b *Batch) bodyAt(i int) int { return len(b.g.job.outputs) + i }
