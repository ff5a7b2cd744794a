package rdd

import "context"

// Runner computes datasets: an action passes through here and nowhere else. Local is one; a batch of a stream is another.
type Runner interface {
	// Collect computes a node and returns its chunks, kept, in the order of partitions.
	Collect(ctx context.Context, n *Node) ([]Chunk, error)
}

type runnerKey struct{}

// WithRunner returns a context whose actions run on r.
func WithRunner(ctx context.Context, r Runner) context.Context {
	return context.WithValue(ctx, runnerKey{}, r)
}

// RunnerOf returns the runner that a context carries, else Local.
func RunnerOf(ctx context.Context) Runner {
	if r, ok := ctx.Value(runnerKey{}).(Runner); ok {
		return r
	}
	return Local()
}
