package schedule

import "time"

// dispatch launches what can be launched: lowest program, stage and partition first, then copies of what is slow; one
// Launch a worker.
func (s *Scheduler) dispatch(now time.Time, b *batch) {
	if s.o.SpeculateAll {
		s.copySlow(b)
	}
	kept := b.ready[:0]
	for i, st := range b.ready {
		if s.free == 0 {
			kept = append(kept, b.ready[i:]...)
			break
		}
		if st.blocked == 0 {
			s.place(now, b, st)
		}
		if st.queue.listed = st.blocked == 0 && st.pending > 0; st.queue.listed {
			kept = append(kept, st)
		}
	}
	clear(b.ready[len(kept):])
	b.ready = kept
	s.copySlow(b)
	s.flush(func(w *worker, tasks []TaskID) { s.emit(Launch{w.name, tasks}) })
	s.wakeFor(now, b)
}

func (s *Scheduler) place(now time.Time, b *batch, st *stage) {
	q := &st.queue
	filled := q.filled && (q.spread || now.Before(q.until))
	if !filled {
		s.fill(now, st)
	}
	switch {
	case q.local == nil:
	case filled: // who had no slot when it was filled has none now, but for these
		for _, w := range s.fresh {
			s.placeLocal(b, st, w)
		}
	default:
		for i := 0; i < len(s.workers) && s.free > 0; i++ {
			s.placeLocal(b, st, s.workers[(s.turn+i)%len(s.workers)])
		}
	}
	s.placeAny(b, st)
}

func (s *Scheduler) placeLocal(b *batch, st *stage, w *worker) {
	wait := &st.queue.local[w.index]
	for w.free > 0 && len(*wait) > 0 {
		i := (*wait)[0]
		*wait = (*wait)[1:]
		if st.parts[i].state == pending {
			s.launch(b, st, i, w)
		}
	}
}

// placeAny empties the front of the list of partitions that may go anywhere. Those for which only a worker is free at
// which they just failed are kept, and let others pass.
func (s *Scheduler) placeAny(b *batch, st *stage) {
	q, i, kept := st.queue.any, 0, 0
	for ; i < len(q) && s.free > 0; i++ {
		if st.parts[q[i]].state != pending {
			continue
		}
		if w := s.pick(st, q[i]); w != nil {
			s.launch(b, st, q[i], w)
			continue
		}
		q[kept] = q[i]
		kept++
	}
	copy(q[i-kept:i], q[:kept])
	st.queue.any = q[i-kept:]
}

// pick is a worker with a free slot: a preferred one, or else the next in turn. nil if the only free one is to be
// avoided and another could take the task later.
func (s *Scheduler) pick(st *stage, partition int) *worker {
	avoid := st.parts[partition].avoid
	if s.able == 1 {
		avoid = nil
	}
	for _, name := range st.preferred(partition) {
		if w := s.names[name]; w != nil && w.free > 0 && w != avoid {
			return w
		}
	}
	for range s.workers {
		w := s.workers[s.turn%len(s.workers)]
		if w.free > 0 && w != avoid {
			s.turn = w.index + 1
			return w
		}
		s.turn = w.index + 1
	}
	return nil
}

func (s *Scheduler) launch(b *batch, st *stage, partition int, w *worker) {
	p := &st.parts[partition]
	b.move(st, p, running)
	p.issue()
	p.attempt, p.at = p.issued, w
	s.occupy(w, +1)
	s.gather(w, b.task(st, partition), min(w.free, st.pending))
	s.launched(b, st, partition)
}

// freed gives back a slot. The next task without a preference looks here first, so that a full cluster costs it no search.
func (s *Scheduler) freed(w *worker) {
	s.occupy(w, -1)
	s.turn = w.index
	s.fresh = append(s.fresh, w)
}

// wakeFor asks for a Wake when the first wait for preferred workers ends.
func (s *Scheduler) wakeFor(now time.Time, b *batch) {
	for _, st := range b.ready {
		if q := &st.queue; q.local != nil && !q.spread && now.Before(q.until) {
			s.askFor(q.until)
		}
	}
}

// askFor asks for a Wake at the end of this Step, if no earlier one is asked for.
func (s *Scheduler) askFor(t time.Time) {
	if s.wanted.IsZero() || t.Before(s.wanted) {
		s.wanted = t
	}
}

// askToWake emits WakeAt, unless one is on its way that comes no later: it leads here again.
func (s *Scheduler) askToWake(now time.Time) {
	if s.wanted.IsZero() || now.Before(s.wake) && !s.wanted.Before(s.wake) {
		return
	}
	s.wake = s.wanted
	s.emit(WakeAt{s.wake})
}
