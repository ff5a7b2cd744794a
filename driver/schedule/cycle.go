package schedule

import (
	"errors"
	"fmt"
	"time"
)

// next starts what comes after the batch before: a recovered plan, the end, or a plan for all ticks that are due.
func (s *Scheduler) next(now time.Time) {
	switch {
	case len(s.open) > 0 && s.open[0].phase != queued:
	case s.stopping:
		s.halt(Retry, nil)
	case len(s.open) > 0:
		s.begin(now, s.open[0], s.open[0].stages)
	case s.due > s.covered:
		s.plan()
	}
}

// plan merges every tick since the last plan into one batch: a late engine does more at a time, and never queues.
func (s *Scheduler) plan() {
	from := s.covered
	if from == 0 {
		from = s.due - 1 // a new job begins now, not in 1970
	}
	s.number++
	s.covered = s.due
	s.open = append(s.open, &batch{n: s.number, phase: planning, wait: s.o.LocalityWait, hold: s.o.StateWait})
	s.emit(Plan{s.number, from, s.due})
}

func (s *Scheduler) planned(b *batch, e Planned) {
	if err := checkStages(e.Stages, 0); err != nil {
		s.halt(FailJob, fmt.Errorf("plan batch %d: %w", b.n, err))
		return
	}
	b.stages, b.bodies, b.last = e.Stages, e.Bodies, e.Last
	b.phase = logging
	s.emit(LogPlan{b.n})
}

func (s *Scheduler) recovered(now time.Time, e Recovered) {
	err := checkStages(e.Stages, 0)
	if err == nil && e.Batch != s.number+1 {
		err = fmt.Errorf("it follows batch %d in the log", s.number)
	}
	if err != nil {
		s.halt(FailJob, fmt.Errorf("redo batch %d: %w", e.Batch, err))
		return
	}
	s.number, s.covered, s.due = e.Batch, max(s.covered, e.To), max(s.due, e.To)
	s.open = append(s.open, &batch{n: e.Batch, stages: e.Stages, bodies: e.Bodies, last: e.Last, redone: true, wait: s.o.LocalityWait, hold: s.o.StateWait})
	s.next(now)
}

func (s *Scheduler) committed(now time.Time, b *batch) {
	s.open = s.open[1:]
	s.emit(Committed{b.n})
	s.stopping = s.stopping || b.last
	s.next(now)
}

// stop lets a batch whose plan is in the log, or on its way there, finish; anything else is dropped.
func (s *Scheduler) stop() {
	s.stopping = true
	if len(s.open) == 0 || s.open[0].phase == planning {
		s.halt(Retry, nil)
	}
}

func (s *Scheduler) stopNow() {
	switch {
	case len(s.open) == 0 || s.open[0].phase == planning:
		s.halt(Retry, nil)
	case s.open[0].phase == aborting: // whether ABORT is in the log is unknown
		s.halt(s.open[0].class, errors.Join(s.open[0].err, ErrStopNow))
	default:
		s.halt(Retry, ErrStopNow)
	}
}
