package status

import (
	"cmp"
	"slices"
	"time"
)

// Wait is something outside that the job waits for.
type Wait struct {
	What  string    `json:"what"` // "cassandra 10.0.0.7:9042: connection refused"
	Since time.Time `json:"since"`
}

// Wait shows that something is waited for until done is called, which returns how long that was. Several may wait for the same.
func (b *Board) Wait(what string) (done func() time.Duration) {
	w := &Wait{what, b.opt.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits = append(b.waits, w)
	return func() time.Duration {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waits = slices.DeleteFunc(b.waits, func(o *Wait) bool { return o == w })
		return b.opt.Now().Sub(w.Since)
	}
}

// Waits lists what is waited for, the longest wait first, each once.
func (b *Board) Waits() []Wait {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := []Wait{}
	for _, w := range b.waits {
		if !slices.ContainsFunc(out, func(o Wait) bool { return o.What == w.What }) {
			out = append(out, *w)
		}
	}
	slices.SortStableFunc(out, func(a, b Wait) int { return cmp.Compare(a.Since.UnixNano(), b.Since.UnixNano()) })
	return out
}
