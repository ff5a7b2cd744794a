package schedule

import (
	"errors"
	"fmt"
	"time"
)

// BatchError is why a batch could not be committed.
type BatchError struct {
	Batch int64
	Open  bool // it was or may have been granted, so its plan stays open; else it is aborted and planned anew
	Err   error
}

// Error has the cause last, since that may bring a stack of many lines.
func (e *BatchError) Error() string {
	when, next := "before anything was published", "planned anew"
	if e.Open {
		when, next = "after some of it may have been published", "redone from the same plan"
	}
	return fmt.Sprintf("batch %d failed %s, and is %s when the job is started again: %v", e.Batch, when, next, e.Err)
}

// Unwrap is the cause.
func (e *BatchError) Unwrap() error { return e.Err }

// TaskError is why a partition was given up.
type TaskError struct {
	Task   TaskID // the last attempt
	Worker Worker // where it ran
	Tries  int    // attempts that failed (or, with FetchFailed, that found outputs of parents missing)
	Err    error  // of the last attempt
}

// Error names the task, where it ran, the number of attempts and the last cause.
func (e *TaskError) Error() string {
	return fmt.Sprintf("task %v on %s: %s: %v", e.Task, e.Worker, tried(e.Tries), e.Err)
}

// Unwrap is the last cause.
func (e *TaskError) Unwrap() error { return e.Err }

// PublishError is why a worker's granted results could not be published.
type PublishError struct {
	Worker Worker
	Tries  int
	Err    error
}

// Error names the worker, the number of attempts and the last cause.
func (e *PublishError) Error() string {
	return fmt.Sprintf("publish on %s: %s: %v", e.Worker, tried(e.Tries), e.Err)
}

// Unwrap is the last cause.
func (e *PublishError) Unwrap() error { return e.Err }

func tried(n int) string {
	if n == 1 {
		return "the attempt failed"
	}
	return fmt.Sprintf("%d attempts failed, the last with", n)
}

func failure(b *batch, err error) *BatchError {
	return &BatchError{Batch: b.n, Open: b.shown(), Err: err}
}

func notRunning(n int64, b *batch) error {
	if b != nil && b.err != nil {
		return b.err
	}
	return fmt.Errorf("batch %d does not run its ForEach bodies", n)
}

func errOutOfOrder(k, want int) error {
	return fmt.Errorf("sub-job %d was asked for where %d is next", k, want)
}

func errOverlap(k int) error {
	return fmt.Errorf("sub-job %d was asked for while %d runs: call one action of a ForEach body after the other", k, k-1)
}

func errLeft(k int) error {
	return fmt.Errorf("the ForEach bodies returned while sub-job %d runs: wait in the body for every action", k)
}

// tryAgain makes a running partition pending after a failure, or fails the batch. If a copy of it runs, that goes on
// alone, also when the tries are used up. The caller settles or enlists.
func (s *Scheduler) tryAgain(b *batch, st *stage, partition int, c Class, err error) {
	p := &st.parts[partition]
	p.failures++
	p.avoid = p.at
	if p.copyAt != nil && c == Retry {
		s.promote(b, st, partition)
		return
	}
	s.endCopy(b, st, partition)
	b.move(st, p, pending)
	if c != Retry || p.failures > s.o.Retries {
		s.fail(b, c, failure(b, &TaskError{b.task(st, partition), p.at.name, p.failures, err}))
		return
	}
	st.again(partition)
}

// fetchFailed makes the fetching partition wait and marks as lost what it could not have, if that is still what counts.
// If a copy of it runs, that may have read it before: it says so itself.
func (s *Scheduler) fetchFailed(now time.Time, b *batch, st *stage, partition int, e FetchFailed) {
	p := &st.parts[partition]
	alone := p.copyAt == nil
	if e.Cut {
		p.avoid = s.names[e.Worker] // nobody knows which end it was
	}
	if alone {
		p.fetches++
		b.move(st, p, pending)
	} else {
		s.promote(b, st, partition)
	}
	if p.fetches >= s.o.StageAttempts {
		s.fail(b, FailBatch, failure(b, &TaskError{b.task(st, partition), p.at.name, p.fetches, errMissing(e.Missing)}))
		return
	}
	for _, m := range e.Missing {
		if from, q := b.part(m.Task); q != nil && q.state == done && q.attempt == m.Task.Attempt {
			q.avoid = q.at
			b.move(from, q, gone)
		}
	}
	if alone {
		st.again(partition)
		b.enlist(now, st)
	}
	b.settle(now)
}

func errMissing(missing []Output) error {
	if len(missing) == 0 {
		return errors.New("fetch failed")
	}
	return fmt.Errorf("output of %v on %s is missing, and %d more", missing[0].Task, missing[0].Worker, len(missing)-1)
}

// shown says that sinks may show rows of the batch: something was granted, or may have been before the plan was found in
// the log, since the log does not say.
func (b *batch) shown() bool { return b.phase == publishing || b.redone }

// fail ends a batch. What sinks may show cannot be aborted: its plan stays open.
func (s *Scheduler) fail(b *batch, c Class, err *BatchError) {
	if !b.works() || s.halted {
		return // it failed a moment ago, in this Step
	}
	c = max(c, FailBatch)
	s.cancel(b)
	if b.shown() {
		s.halt(c, err)
		return
	}
	if k := len(b.programs) - 1; k > 0 && !b.programs[k].reported {
		s.emit(ProgramFailed{b.n, k, err})
	}
	b.phase, b.class, b.err = aborting, c, err
	s.emit(LogAbort{b.n, err.Err.Error()})
}

func (s *Scheduler) cancel(b *batch) {
	for _, pr := range b.programs {
		for i := range pr.stages {
			st := &pr.stages[i]
			for j := range st.parts {
				if p := &st.parts[j]; p.state == running {
					s.gather(p.at, b.task(st, j), p.at.slots)
					s.endCopy(b, st, j)
				}
			}
		}
	}
	s.flush(func(w *worker, tasks []TaskID) { s.emit(Cancel{w.name, tasks}) })
}

// endCopy has the copy of a partition cancelled with all others, if there is one.
func (s *Scheduler) endCopy(b *batch, st *stage, partition int) {
	if p := &st.parts[partition]; p.copyAt != nil {
		s.gather(p.copyAt, b.copyTask(st, partition), p.copyAt.slots)
		s.dropCopy(p)
	}
}
