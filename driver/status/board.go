package status

import (
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// Options sets up a [Board]. The zero value is usable.
type Options struct {
	// Keep is how many reports are kept, at least 1. Default 1,000. More cost memory: one is a few kilobytes.
	Keep int
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Keep < 1 {
		o.Keep = 1000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Board holds the last reports of a job and the totals since it started. Any goroutine may call any method.
type Board struct {
	opt Options

	mu      sync.RWMutex // guards all below
	job     Job
	kept    ring
	totals  totals
	meter   meter
	running *report.Batch
	since   time.Time // when running was set
	waits   []*Wait
}

// NewBoard returns an empty board, whose totals start now.
func NewBoard(o Options) *Board {
	o = o.withDefaults()
	return &Board{opt: o, kept: ring{max: o.Keep}, totals: newTotals(), meter: meter{start: o.Now()}}
}

// Put adds the report of a batch that ended, which must not be changed afterwards. Batch numbers never fall from one
// call to the next; a failed batch and its second try may have the same. It costs a few map lookups per source,
// stage, step and sink.
func (b *Board) Put(r *report.Batch) {
	now := b.opt.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.add(r)
	if b.running != nil && b.running.Batch <= r.Batch {
		b.running = nil
	}
	if rows := b.totals.add(r); r.Outcome == report.Committed {
		b.meter.add(now, rows)
	}
}

// Recall adds batches of earlier runs, oldest first, to what is kept but not to the totals. Call it before Put.
func (b *Board) Recall(batches ...*report.Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range batches {
		b.kept.add(r)
	}
}

// SetRunning shows the batch at hand, as far as it is known; nil shows none. The report must not be changed
// afterwards: to show more of it, set a new one. Putting it takes it off again.
func (b *Board) SetRunning(r *report.Batch) {
	now := b.opt.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == nil || r == nil || b.running.Batch != r.Batch {
		b.since = now
	}
	b.running = r
}

// SetJob sets the facts of the job.
func (b *Board) SetJob(j Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.job = j
}

// Job returns the facts of the job.
func (b *Board) Job() Job {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.job
}

// Running returns the batch at hand and for how long it has been; nil means none.
func (b *Board) Running() (*report.Batch, time.Duration) {
	now := b.opt.Now()
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.running == nil {
		return nil, 0
	}
	return b.running, now.Sub(b.since)
}

// Batches returns at most n of the kept reports below batch before, newest first. A before ≤ 0 means the newest.
func (b *Board) Batches(n int, before int64) []*report.Batch {
	b.mu.RLock()
	defer b.mu.RUnlock()
	end := b.kept.len()
	if before > 0 {
		end = b.kept.below(before)
	}
	out := make([]*report.Batch, 0, max(0, min(n, end)))
	for i := end - 1; i >= 0 && len(out) < n; i-- {
		out = append(out, b.kept.at(i))
	}
	return out
}

// Batch returns the last report of batch n, or the batch at hand if it is n; nil if neither is there.
func (b *Board) Batch(n int64) *report.Batch {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.running != nil && b.running.Batch == n {
		return b.running
	}
	if i := b.kept.above(n) - 1; i >= 0 && b.kept.at(i).Batch == n {
		return b.kept.at(i)
	}
	return nil
}

// uptime is how long the board has been there. The start never changes, so it needs no lock.
func (b *Board) uptime() time.Duration { return b.opt.Now().Sub(b.meter.start) }
