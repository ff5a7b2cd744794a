package schedule

import (
	"slices"
	"time"
)

// pace is what is known of how long a stage's tasks take, and which of them are slow. Each task passes through the lists
// once, so that copying costs O(1) an event however many tasks run.
type pace struct {
	known    bool
	limit    time.Duration // a task that runs longer gets a copy, once known
	finished int           // until it is known
	watched  bool          // stands in batch.watched
	starts   []started     // tasks that may become slow, oldest first
	slow     []started     // those that have, and wait for a slot elsewhere
}

// started is an attempt that was launched. If it does not run any more, or has a copy, the entry is stale and passed over.
type started struct{ partition, attempt int }

func (st *stage) stale(e started) bool {
	p := &st.parts[e.partition]
	return p.state != running || p.attempt != e.attempt || p.copyAt != nil
}

// leastPace is the shortest limit; see Options.SpeculateAfter.
const leastPace = 10 * time.Millisecond

// copyTries bounds how many slow tasks of a stage a Step tries to place.
const copyTries = 4

func (s *Scheduler) speculates() bool { return s.o.Speculate > 0 || s.o.SpeculateAll }

// launched notes a task that may become slow. Nothing is copied after the first grant: the batch is then being
// completed, by attempts that may be those of lost workers, and must not spread further.
func (s *Scheduler) launched(b *batch, st *stage, partition int) {
	p := &st.parts[partition]
	p.start = s.at
	if !s.speculates() || b.phase != atWork {
		return
	}
	if s.o.SpeculateAll {
		st.pace.known = true
		if s.tryCopy(b, st, partition) {
			return
		}
	}
	if st.pace.starts == nil {
		st.pace.starts = make([]started, 0, len(st.parts))
	}
	st.pace.starts = append(st.pace.starts, started{partition, p.attempt})
	if st.pace.known {
		b.watch(st)
	}
}

func (b *batch) watch(st *stage) {
	if !st.pace.watched {
		st.pace.watched = true
		b.watched = append(b.watched, st)
	}
}

// timed notes how long a task took, and at the quantile what is slow from then on.
func (s *Scheduler) timed(b *batch, st *stage, p *part) {
	p.took = s.at - p.start
	if st.pace.known || s.o.Speculate < 0 || b.phase != atWork {
		return
	}
	st.pace.finished++
	if st.pace.finished < max(int(s.o.SpeculateQuantile*float64(len(st.parts))), 1) || st.undone == 0 {
		return
	}
	took := s.took[:0]
	for i := range st.parts {
		if st.parts[i].state == done {
			took = append(took, st.parts[i].took)
		}
	}
	s.took = took
	slices.Sort(took)
	least := max(time.Duration(s.o.SpeculateAfter*float64(s.o.Interval)), leastPace)
	st.pace.known = true
	st.pace.limit = max(time.Duration(s.o.Speculate*float64(took[len(took)/2])), least)
	b.watch(st)
}

// copySlow starts copies of slow tasks where there is room. It comes after the launches: what has not run at all is more
// urgent than what runs slowly.
func (s *Scheduler) copySlow(b *batch) {
	if b.phase != atWork {
		return
	}
	b.watched = slices.DeleteFunc(b.watched, func(st *stage) bool {
		s.copyOf(b, st)
		st.pace.watched = st.undone > st.pending
		return !st.pace.watched
	})
}

func (s *Scheduler) copyOf(b *batch, st *stage) {
	if s.free == 0 || len(s.workers) < 2 || st.blocked > 0 {
		return // the next event that frees a slot, or makes the parents whole, comes by here
	}
	c := &st.pace
	for len(c.starts) > 0 {
		e := c.starts[0]
		if !st.stale(e) {
			if due := st.parts[e.partition].start + c.limit; due > s.at {
				s.askFor(s.origin.Add(due))
				break
			}
			c.slow = append(c.slow, e)
		}
		c.starts = c.starts[1:]
	}
	for range min(len(c.slow), copyTries) {
		if s.free == 0 {
			return
		}
		e := c.slow[0]
		c.slow = c.slow[1:]
		if !st.stale(e) && st.parts[e.partition].failures <= s.o.Retries && !s.tryCopy(b, st, e.partition) {
			c.slow = append(c.slow, e)
		}
	}
}

// tryCopy launches a copy of a running task on another worker, if there is one for it.
func (s *Scheduler) tryCopy(b *batch, st *stage, partition int) bool {
	p := &st.parts[partition]
	w := s.pickCopy(st, partition)
	if w == nil {
		return false
	}
	p.issue()
	p.copy, p.copyAt = p.issued, w
	s.occupy(w, +1)
	s.gather(w, b.copyTask(st, partition), w.free)
	return true
}

func (s *Scheduler) pickCopy(st *stage, partition int) *worker {
	p := &st.parts[partition]
	fits := func(w *worker) bool { return w != nil && w.free > 0 && w != p.at && w != p.avoid }
	if st.Holders != nil {
		if partition >= len(st.Holders) {
			return nil
		}
		for _, name := range st.Holders[partition] {
			if w := s.names[name]; fits(w) {
				return w
			}
		}
		return nil
	}
	for i := range s.workers {
		if w := s.workers[(s.turn+i)%len(s.workers)]; fits(w) {
			s.turn = w.index + 1
			return w
		}
	}
	return nil
}

func (b *batch) copyTask(st *stage, partition int) TaskID {
	t := b.task(st, partition)
	t.Attempt = st.parts[partition].copy
	return t
}

// swap makes the copy the attempt and the attempt the copy.
func (p *part) swap() {
	p.attempt, p.copy = p.copy, p.attempt
	p.at, p.copyAt = p.copyAt, p.at
}

// promote lets the copy stand alone after the attempt has ended without a result. It is slow already, so it may be
// copied again.
func (s *Scheduler) promote(b *batch, st *stage, partition int) {
	p := &st.parts[partition]
	p.swap()
	p.copy, p.copyAt = 0, nil
	if b.phase == atWork {
		st.pace.slow = append(st.pace.slow, started{partition, p.attempt})
		b.watch(st)
	}
}

// dropCopy gives the slot of a copy back, whose report is of no interest any more. The caller cancels it.
func (s *Scheduler) dropCopy(p *part) {
	s.freed(p.copyAt)
	p.copy, p.copyAt = 0, nil
}

// first ends the other copy of a task that has just finished.
func (s *Scheduler) first(b *batch, st *stage, partition int) {
	p := &st.parts[partition]
	if p.copyAt == nil || planted == copyBug {
		return
	}
	s.emit(Cancel{p.copyAt.name, []TaskID{b.copyTask(st, partition)}})
	s.dropCopy(p)
}
