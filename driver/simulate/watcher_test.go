package simulate

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// cell is a place in a sink: the sinks keep a row for each batch and partition.
type cell struct {
	sink      int // the stage that writes it
	batch     int64
	partition int
}

// watcher sees everything and knows the truth. Only the first broken promise is kept.
type watcher struct {
	w         *world
	bad       string
	plans     map[int64]plan  // newest that a driver was told is durable, or that a successor found
	done      map[int64]plan  // committed
	aborting  uint64          // id of the plan whose ABORT may or may not be durable
	committed int64           // last batch that a driver was told, or that a successor found
	pending   *result         // whose COMMIT may or may not be durable
	rows      map[cell]uint64 // what a reader of the sinks sees
	truths    []uint64        // states after the last committed batch
}

func (c *watcher) badf(format string, args ...any) {
	if c.bad == "" {
		c.bad = fmt.Sprintf(format, args...)
	}
}

// truth computes row by row what a batch makes of the states before it.
func (c *watcher) truth(p plan) []uint64 {
	sums := make([]uint64, c.w.parts)
	for x := p.from; x < p.to; x++ {
		sums[bucket(x, c.w.parts)] += value(x)
	}
	for i := range sums {
		before := uint64(0)
		if c.truths != nil {
			before = c.truths[i]
		}
		sums[i] = folded(before, sums[i])
	}
	return sums
}

// wrote sees a write to a sink.
func (c *watcher) wrote(at cell, p plan, row uint64) {
	if old, ok := c.rows[at]; ok && at.batch <= c.committed {
		if old != row {
			c.badf("batch %d is committed, and its row %d of sink %d changes", at.batch, at.partition, at.sink)
		}
		return
	}
	if known, ok := c.plans[at.batch]; !ok || known != p {
		c.badf("sink %d gets rows of a plan of batch %d that is not the log's", at.sink, at.batch)
		return
	}
	if at.batch != c.committed+1 {
		c.badf("sink %d gets rows of batch %d after batch %d", at.sink, at.batch, c.committed)
		return
	}
	want := c.truth(p)[at.partition]
	if at.sink == 2 {
		want = forwarded(want)
	}
	if row != want {
		c.badf("sink %d, batch %d, partition %d: wrong row", at.sink, at.batch, at.partition)
	}
	c.rows[at] = row
}

// planLogged is told when a driver is told.
func (c *watcher) planLogged(p plan) {
	if p.batch != c.committed+1 {
		c.badf("PLAN(%d) after COMMIT(%d)", p.batch, c.committed)
	}
	if last, ok := c.done[p.batch-1]; ok && last.to != p.from {
		c.badf("PLAN(%d) starts at row %d, the batch before ended at %d", p.batch, p.from, last.to)
	}
	c.plans[p.batch] = p
}

// commits sees COMMIT on its way to the log.
func (c *watcher) commits(r result) {
	for i := range c.w.parts {
		for _, sink := range []int{1, 2} {
			if _, ok := c.rows[cell{sink, r.batch, i}]; !ok && (sink == 1 || c.w.second) {
				c.badf("COMMIT(%d) before sink %d has partition %d", r.batch, sink, i)
			}
		}
		if r.batch == c.committed+1 && c.w.states[r.states[i]] != c.truth(r.plan)[i] {
			c.badf("COMMIT(%d) names a wrong version of state %d", r.batch, i)
		}
	}
	if r.batch == c.committed+1 { // else it is a zombie's
		c.pending = &r
	}
}

func (c *watcher) commitLogged(r result) {
	if old, ok := c.done[r.batch]; ok {
		c.badf("COMMIT(%d) twice, of plans %d and %d", r.batch, old.id, r.id)
	}
	if c.plans[r.batch] != r.plan {
		c.badf("COMMIT(%d) of another plan than the log's", r.batch)
	}
	c.truths = c.truth(r.plan)
	c.done[r.batch], c.committed, c.pending = r.plan, r.batch, nil
}

// aborts sees ABORT on its way to the log.
func (c *watcher) aborts(p plan) {
	if c.plans[p.batch] == p {
		c.aborting = p.id
	}
}

func (c *watcher) abortLogged(p plan) {
	for at := range c.rows {
		if at.batch == p.batch {
			c.badf("ABORT(%d), and a sink shows rows of it", p.batch)
		}
	}
	delete(c.plans, p.batch)
	c.aborting = 0
}

// recovered compares what a successor finds with what its predecessors were told.
func (c *watcher) recovered(rec batchlog.Recovery) {
	if rec.Commit != nil {
		if r := decodeResult(rec.Commit.Payload, c.w.parts); r.batch > c.committed {
			if c.pending == nil || c.pending.id != r.id {
				c.badf("the log has COMMIT(%d), which nobody wrote", r.batch)
				return
			}
			c.commitLogged(r)
			c.w.meet("commit found")
		} else if r.batch < c.committed || r.plan != c.done[r.batch] {
			c.badf("COMMIT(%d) was told durable, and the log ends with COMMIT(%d)", c.committed, r.batch)
		}
	} else if c.committed > 0 {
		c.badf("COMMIT(%d) was told durable, and the log has none", c.committed)
	}
	known, planned := c.plans[c.committed+1]
	switch {
	case len(rec.Open) > 1:
		c.badf("%d plans are open", len(rec.Open))
	case len(rec.Open) == 1:
		p := decodePlan(rec.Open[0].Payload)
		if planned && known != p {
			c.badf("PLAN(%d) was told durable, and the log has another one", known.batch)
		}
		c.planLogged(p)
		c.w.meet("redo")
	case planned && known.id != c.aborting:
		c.badf("PLAN(%d) was told durable, and the log does not have it", known.batch)
	case planned:
		c.abortLogged(known)
	}
}

// final reads the log as it is, and as a power cut leaves it.
func (c *watcher) final() {
	for _, disk := range []*crashfs.FS{c.w.disk, c.w.disk.PowerCut(c.w.seed, float64(c.w.seed%3)/3)} {
		st, err := store.OpenDir("/ck", store.DirOptions{FS: disk, ReadOnly: true})
		if err != nil {
			c.badf("open at the end: %v", err)
			return
		}
		seen := map[int64]bool{}
		for r, err := range batchlog.History(st) {
			if err != nil {
				c.badf("history: %v", err)
				return
			}
			n := int64(r.Batch)
			if r.Type != batchlog.Commit {
				continue
			}
			if p := decodePlan(r.Payload); seen[n] || p != c.done[n] && n <= c.committed {
				c.badf("the log's COMMIT(%d) is doubled or of another plan", n)
			}
			seen[n] = true
		}
		if !seen[c.committed] {
			c.badf("COMMIT(%d) was told durable, and is gone", c.committed)
		}
	}
}

// halted judges why a driver ended.
func (c *watcher) halted(d *driver, err error) {
	switch {
	case err == nil, errors.Is(err, errHopeless), errors.Is(err, store.ErrFenced), errors.Is(err, crashfs.ErrCrashed):
	default:
		c.badf("driver %d halts: %v", d.id, err)
	}
}

// launched sees every launch before it is sent.
func (c *watcher) launched(d *driver, t schedule.TaskID) {
	if d.launched[t] {
		c.badf("%v is launched twice in epoch %d", t, d.epoch())
	}
	d.launched[t] = true
}

// granted sees every grant before it is sent. A partition may be granted again only if it was not published.
func (c *watcher) granted(d *driver, round int, t schedule.TaskID) {
	if len(d.finished) < c.w.maps+c.w.parts*(len(d.at.stages)-1) {
		c.badf("%v is granted before all tasks have finished", t)
	}
	p := place{t.Stage, t.Partition}
	if d.published[p] {
		c.badf("%v is granted, and the partition is published", t)
	}
	if g, ok := d.grants[p]; ok && g.round == round && g.attempt != t.Attempt {
		c.badf("two attempts of %v are granted in round %d", t, round)
	}
	d.grants[p] = granting{round, t.Attempt}
}
