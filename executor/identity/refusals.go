package identity

import (
	"log/slog"
	"sync"
	"time"
)

// refusals keeps strangers from filling the log: one line a second.
type refusals struct {
	mu     sync.Mutex // guards what follows
	count  uint64
	last   time.Time
	silent uint64 // since the last line
}

func (r *refusals) note(log *slog.Logger, now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if since := now.Sub(r.last); 0 <= since && since < time.Second {
		r.silent++
		return
	}
	log.Warn("a peer was refused", "reason", err, "unlogged", r.silent)
	r.last, r.silent = now, 0
}

// Refused is how many connections and calls were refused so far: for a metric.
func (c *Credentials) Refused() uint64 {
	if c == nil {
		return 0
	}
	c.refused.mu.Lock()
	defer c.refused.mu.Unlock()
	return c.refused.count
}
