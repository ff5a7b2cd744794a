package fleet

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	// steady is how long a worker must have been up for its loss to count as the first one.
	steady = 10 * time.Second
)

// backoff is how long to wait before the next attempt: twice as long as before the last one, and up to a fifth more or less, so that the
// executors of a rack that comes back are not asked all at once.
type backoff time.Duration

// wait returns early when ctx ends or something comes from kick.
func (b *backoff) wait(ctx context.Context, kick <-chan struct{}) {
	*b = min(max(2**b, backoff(firstRetry)), backoff(lastRetry))
	t := time.NewTimer(time.Duration(float64(*b) * (0.8 + 0.4*rand.Float64())))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-kick:
	case <-t.C:
	}
}
