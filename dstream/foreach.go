package dstream

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

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
// of those before it. So f must be deterministic, it calls its actions itself (not on goroutines that it starts), and side effects
// belong into Context.Driver: they happen at least once, before the batch is committed. Deferred functions run wherever f runs.
func (s Stream[T]) ForEach[_ lazy](name string, f func(Context, rdd.RDD[T]) error) {
	b := &body{name: name, at: rdd.CallSite(), n: s.n}
	b.run = func(c Context, stage, parts int) error {
		rows := rdd.FromBlocks[none, T]("ForEach", stage, parts)
		rows.At = b.at // driver and worker come here from different places
		return f(c, rdd.As[T](rows))
	}
	if !s.n.job.open(b.at, "ForEach") {
		return
	}
	if name == "" {
		s.n.job.fail(b.at, "ForEach", errNoName)
	}
	for _, other := range s.n.job.bodies {
		if other.name == name {
			s.n.job.fail(b.at, "ForEach", fmt.Errorf("the name %q is taken by the one at %s", name, other.at))
		}
	}
	s.n.job.bodies = append(s.n.job.bodies, b)
}

// RunBody runs the i-th ForEach body of a batch on the driver. Its actions go to r, and what it hands to Context.Driver is done.
func (b *Batch) RunBody(ctx context.Context, i int, r rdd.Runner) error {
	of := b.g.job.bodies[i]
	c := b.bodyContext(rdd.WithRunner(ctx, ownActions{r}), i)
	c.driver = func(f func() error) error { return f() }
	if err := of.call(b, i, c); err != nil {
		return fmt.Errorf("%s: ForEach %q: %w", of.at, of.name, err)
	}
	return b.g.job.Err() // it grew while it ran
}

func (b *Batch) bodyContext(ctx context.Context, i int) Context {
	return newContext(ctx, b.plan, 1<<63|uint64(i))
}

// call runs the user's function. Its panic is an error. The name of this method is how ownActions knows the body's goroutine.
func (of *body) call(b *Batch, i int, c Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &rdd.PanicError{Value: p, Stack: string(debug.Stack())}
		}
	}()
	out := b.Program.Outputs[b.bodyAt(i)]
	return of.run(c, out, b.Program.Stages[out].Parts)
}

// Action returns the program of the k-th action of the i-th body, as a worker finds it: it runs the body up to that action with the
// recorded results of those before it, on a goroutine that the action leaves for good. (A panic to get out could be recovered by
// the body, which would then go on with results that do not exist.)
func (b *Batch) Action(ctx context.Context, i, k int, recorded [][]rdd.Chunk) (*rdd.Program, error) {
	r := &replay{recorded: recorded}
	of := b.g.job.bodies[i]
	done := make(chan error, 1)
	go func() {
		var failed error
		defer func() { done <- failed }() // also when the action has left
		c := b.bodyContext(rdd.WithRunner(ctx, ownActions{r}), i)
		c.driver = func(func() error) error { return nil }
		failed = of.call(b, i, c)
	}()
	err := <-done
	if r.node != nil {
		return rdd.Compile(r.node)
	}
	if err == nil {
		err = errors.New("it returned")
	}
	return nil, fmt.Errorf("%s: ForEach %q ended before its action %d on the worker: it must do the same on driver and workers: %w", of.at, of.name, k+1, err)
}

// replay is the runner of a body on a worker.
type replay struct {
	recorded [][]rdd.Chunk
	next     int
	node     *rdd.Node
}

// Collect returns what was recorded, or leaves with the action that was asked for.
func (r *replay) Collect(_ context.Context, n *rdd.Node) ([]rdd.Chunk, error) {
	at := r.next
	r.next++
	if at < len(r.recorded) {
		return decoded(r.recorded[at], n.Shape)
	}
	if r.node == nil { // else this is an action in a deferred function of the body, on the way out
		r.node = n
	}
	runtime.Goexit()
	return nil, errors.New("bug: Goexit returned")
}

// decoded makes rows of chunks that came from another process, and of which only who knows their types can make any.
func decoded(chunks []rdd.Chunk, shape *rdd.Shape) ([]rdd.Chunk, error) {
	out := slices.Clone(chunks)
	for i, c := range chunks {
		raw, ok := c.(interface {
			Open(*rdd.Shape) (rdd.Chunk, error)
		})
		if !ok {
			continue
		}
		var err error
		if out[i], err = raw.Open(shape); err != nil {
			return nil, fmt.Errorf("result of an earlier action: %w", err)
		}
	}
	return out, nil
}

// ownActions lets through the actions that a body calls itself. Those on other goroutines could overlap, and a worker that replays the
// body could not leave it from there.
type ownActions struct{ r rdd.Runner }

// Collect passes an action on.
func (a ownActions) Collect(ctx context.Context, n *rdd.Node) ([]rdd.Chunk, error) {
	if !within(bodyCall) {
		return nil, fmt.Errorf("%s: an action on a goroutine of its own: the actions of a ForEach body must not overlap, so the body calls each itself", rdd.CallSite())
	}
	return a.r.Collect(ctx, n)
}

const bodyCall = "dstream.(*body).call"

// within tells whether a function, by the end of its name, is on the stack of this goroutine.
func within(function string) bool {
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		frames := runtime.CallersFrames(pcs[:n])
		for {
			f, more := frames.Next()
			if strings.HasSuffix(f.Function, function) {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// Bodies is the number of ForEach bodies of the job.
func (b *Batch) Bodies() int { return len(b.g.job.bodies) }

func (b *Batch) bodyAt(i int) int { return len(b.g.job.outputs) + i }
