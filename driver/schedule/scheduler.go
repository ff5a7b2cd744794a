package schedule

import (
	"fmt"
	"time"
)

// Scheduler holds the state of one job. It is used by one goroutine.
type Scheduler struct {
	o        Options
	due      Tick     // newest tick heard of
	covered  Tick     // last tick of the newest plan
	number   int64    // of the newest batch
	open     []*batch // not committed, in order; only the first is planned or run
	stopping bool
	halted   bool

	workers []*worker // those that are up, by name
	names   map[Worker]*worker
	free    int       // slots of all workers
	able    int       // workers that have slots
	turn    int       // where the search for a free slot begins
	wake    time.Time // last WakeAt

	gathered []*worker // those with tasks for the next command
	out      []Command
}

// New starts a scheduler with no worker and nothing to do. The error names the option that is wrong.
func New(o Options) (*Scheduler, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Scheduler{o: o, covered: o.Last, due: o.Last, number: o.Committed, names: map[Worker]*worker{}}, nil
}

// Step takes one event and says what is to be done, in order. now is monotonic from call to call and is used only to
// wait for preferred workers. The slice is valid until the next Step; what its commands point to may be kept.
func (s *Scheduler) Step(now time.Time, e Event) []Command {
	clear(s.out)
	s.out = s.out[:0]
	if s.halted {
		return nil
	}
	s.take(now, e)
	if b := s.working(); b != nil && !s.halted {
		s.advance(b)
		if b.works() {
			s.dispatch(now, b)
		}
	}
	return s.out
}

// Halted says that Halt was given. Every later Step returns nothing.
func (s *Scheduler) Halted() bool { return s.halted }

func (s *Scheduler) take(now time.Time, e Event) {
	switch e := e.(type) {
	case Due:
		s.due = max(s.due, e.Tick)
		s.next(now)
	case WorkerUp:
		s.workerUp(now, e)
	case WorkerDown:
		s.workerDown(now, e.Worker)
	case Recovered:
		s.recovered(now, e)
	case Requested:
		s.requested(now, e)
	case Stop:
		s.stop()
	case StopNow:
		s.stopNow()
	case LogFailed:
		s.halt(FailJob, fmt.Errorf("batch %d: write the batch log: %w; see to the disk and start the job again", e.Batch, e.Err))
	case Wake: // dispatch looks at the time
	default:
		s.takeReport(now, e)
	}
}

// takeReport takes what is said about the first open batch, and nothing about any other.
func (s *Scheduler) takeReport(now time.Time, e Event) {
	switch e := e.(type) {
	case TaskDone, TaskFailed, FetchFailed:
		s.takeTask(now, e)
	case Planned:
		if b := s.in(e.Batch, planning); b != nil {
			s.planned(b, e)
		}
	case PlanFailed:
		if b := s.in(e.Batch, planning); b != nil {
			s.halt(max(e.Class, FailBatch), fmt.Errorf("plan batch %d: %w", e.Batch, e.Err))
		}
	case PlanLogged:
		if b := s.in(e.Batch, logging); b != nil {
			s.begin(now, b, b.stages)
		}
	case BodiesDone:
		if b := s.in(e.Batch, atWork); b != nil {
			s.bodiesDone(b, e)
		}
	case Published:
		if b := s.in(e.Batch, publishing); b != nil {
			b.answered(e.Worker, e.Round)
		}
	case PublishFailed:
		if b := s.in(e.Batch, publishing); b != nil {
			s.publishFailed(b, e)
		}
	case CommitLogged:
		if b := s.in(e.Batch, committing); b != nil {
			s.committed(now, b)
		}
	case AbortLogged:
		if b := s.in(e.Batch, aborting); b != nil {
			s.emit(Aborted{b.n})
			s.halt(b.class, b.err)
		}
	}
}

// takeTask takes the report of an attempt, if it is the one that runs there.
func (s *Scheduler) takeTask(now time.Time, e Event) {
	switch e := e.(type) {
	case TaskDone:
		if b, st, p := s.reported(e.Task, e.Worker); p != nil {
			b.move(st, p, done)
			b.update(now, st)
		}
	case TaskFailed:
		if b, st, p := s.reported(e.Task, e.Worker); p != nil {
			s.tryAgain(b, st, e.Task.Partition, e.Class, e.Err)
			b.enlist(now, st)
			b.settle(now)
		}
	case FetchFailed:
		if b, st, p := s.reported(e.Task, e.Worker); p != nil {
			s.fetchFailed(now, b, st, e.Task.Partition, e.Missing)
		}
	}
}

// reported finds what a report is about, and gives its slot back. p is nil if exactly this attempt does not run there.
func (s *Scheduler) reported(t TaskID, w Worker) (b *batch, st *stage, p *part) {
	b = s.working()
	if b == nil || b.n != t.Batch {
		return nil, nil, nil
	}
	st, p = b.part(t)
	if p == nil || p.state != running || p.attempt != t.Attempt || p.at.name != w {
		return nil, nil, nil
	}
	s.freed(p.at)
	return b, st, p
}

// part is nil for a partition that the batch does not have.
func (b *batch) part(t TaskID) (*stage, *part) {
	if t.Batch != b.n || t.Program < 0 || t.Program >= len(b.programs) {
		return nil, nil
	}
	stages := b.programs[t.Program].stages
	if t.Stage < 0 || t.Stage >= len(stages) {
		return nil, nil
	}
	st := &stages[t.Stage]
	if t.Partition < 0 || t.Partition >= len(st.parts) {
		return nil, nil
	}
	return st, &st.parts[t.Partition]
}

// working is the batch whose tasks run, or nil.
func (s *Scheduler) working() *batch {
	if len(s.open) > 0 && s.open[0].works() {
		return s.open[0]
	}
	return nil
}

func (s *Scheduler) in(n int64, p phase) *batch {
	if b := s.find(n); b != nil && b.phase == p {
		return b
	}
	return nil
}

func (s *Scheduler) find(n int64) *batch {
	for _, b := range s.open {
		if b.n == n {
			return b
		}
	}
	return nil
}

func (s *Scheduler) emit(c Command) { s.out = append(s.out, c) }

func (s *Scheduler) halt(c Class, err error) {
	if !s.halted {
		s.halted = true
		s.emit(Halt{err, c})
	}
}

// Outputs appends to into, in partition order, the attempts of a stage whose reports counted, with the worker that
// holds each. Partitions that are not finished are left out. It is the truth for everything that the driver keeps by
// task: where parents' outputs lie at a Launch, which results an action has at its ProgramDone, and which counts
// belong into the commit at LogCommit. (A partition that was published and then run again for a stage that reads it
// is listed with its last attempt; the one that was published stands in its Grant.) After Committed or Aborted it
// returns nothing.
func (s *Scheduler) Outputs(into []Output, batch int64, program, stage int) []Output {
	b := s.find(batch)
	if b == nil || program < 0 || program >= len(b.programs) {
		return into
	}
	stages := b.programs[program].stages
	if stage < 0 || stage >= len(stages) {
		return into
	}
	st := &stages[stage]
	for i := range st.parts {
		switch p := &st.parts[i]; p.state {
		case done:
			into = append(into, Output{b.task(st, i), p.at.name})
		case gone:
			into = append(into, Output{Task: b.task(st, i)})
		}
	}
	return into
}
