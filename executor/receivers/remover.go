package receivers

import (
	"context"
	"slices"
	"sync"
)

// maxRemovals bounds those that wait for executors that do not answer. What is dropped is found by the next driver.
const maxRemovals = 4096

// remover removes segments in a goroutine of its own, since a commit does not wait for that.
type remover struct {
	client *client
	of     request
	cancel context.CancelFunc
	done   chan struct{}
	more   chan struct{} // holds a token if something was added

	mu   sync.Mutex // guards the rest
	jobs map[Holder][]Segment
	n    int
}

func (r *remover) start(c *client, of request) {
	r.client, r.of, r.jobs = c, of, map[Holder][]Segment{}
	r.more, r.done = make(chan struct{}, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.more:
				r.run(ctx)
			}
		}
	}()
}

func (r *remover) stop() {
	r.cancel()
	<-r.done
}

// add has a segment removed by its holders.
func (r *remover) add(f file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range f.holders {
		if r.n < maxRemovals {
			r.jobs[h] = append(r.jobs[h], f.Segment)
			r.n++
		}
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// run calls the holders. Those that do not answer are called again with the next removal.
func (r *remover) run(ctx context.Context) {
	r.mu.Lock()
	jobs := r.jobs
	r.jobs, r.n = map[Holder][]Segment{}, 0
	r.mu.Unlock()
	var all sync.WaitGroup
	for h, segments := range jobs {
		all.Go(func() {
			q := r.of
			q.Segments = segments
			if r.client.call(ctx, h, "Remove", q, nil, nil) == nil {
				return
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if room := maxRemovals - r.n; len(segments) > room {
				segments = segments[:max(0, room)]
			}
			r.jobs[h] = slices.Concat(r.jobs[h], segments)
			r.n += len(segments)
		})
	}
	all.Wait()
}
