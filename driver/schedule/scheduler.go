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

	workers  []*worker // those that are up, by name
	names    map[Worker]*worker
	free     int       // slots of all workers that may be given tasks
	able     int       // workers that have slots, are not set aside and do not drain
	draining int       // workers for which Drained is to be told
	asides   []*worker // those that are set aside
	turn     int       // where the search for a free slot begins

	origin  time.Time     // now of the first Step
	at      time.Duration // now of this Step, since origin
	wake    time.Time     // last WakeAt
	wanted  time.Time     // the next one
	hungry  time.Time     // since when no worker could take what waits
	starved bool          // Starved told

	fresh    []*worker // those that got a slot back in this Step
	gathered []*worker // those with tasks for the next command
	took     []time.Duration
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
// wait: for preferred workers, for slow tasks, for the end of SetAside, for any worker at all. The slice is valid until the next Step; what its commands point to may be kept.
func (s *Scheduler) Step(now time.Time, e Event) []Command {
	clear(s.out)
	s.out = s.out[:0]
	if s.halted {
		return nil
	}
	if s.origin.IsZero() {
		s.origin = now
	}
	s.at, s.wanted, s.fresh = now.Sub(s.origin), time.Time{}, s.fresh[:0]
	s.take(now, e)
	if s.halted {
		return s.out
	}
	s.takeBack(now)
	b := s.working()
	if b != nil {
		s.advance(b)
		if b.works() {
			s.dispatch(now, b)
		}
	}
	s.tellStarved(now, b)
	s.tellDrained()
	s.askToWake(now)
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
	case WorkerSlots:
		s.workerSlots(e)
	case WorkerDraining:
		s.workerDraining(e.Worker)
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
			s.answered(b, e.Worker, e.Round)
		}
	case PublishFailed:
		if b := s.in(e.Batch, publishing); b != nil {
			s.publishFailed(now, b, e)
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
			s.first(b, st, e.Task.Partition)
			b.move(st, p, done)
			s.timed(b, st, p)
			b.update(now, st)
		}
	case TaskFailed:
		if b, st, p := s.reported(e.Task, e.Worker); p != nil {
			if e.Class == Retry {
				s.strike(now, p.at, p, e.Err)
			}
			s.tryAgain(b, st, e.Task.Partition, e.Class, e.Err)
			b.enlist(now, st)
			b.settle(now)
		}
	case FetchFailed:
		if b, st, p := s.reported(e.Task, e.Worker); p != nil {
			s.fetchFailed(now, b, st, e.Task.Partition, e)
		}
	}
}

// reported finds what a report is about, makes it the attempt if it was the copy, and gives its slot back. p is nil if
// exactly this attempt does not run there.
func (s *Scheduler) reported(t TaskID, w Worker) (b *batch, st *stage, p *part) {
	b = s.working()
	if b == nil {
		return nil, nil, nil
	}
	st, p = b.part(t)
	switch {
	case p.runs(t, w):
	case p.copies(t, w):
		p.swap()
	default:
		return nil, nil, nil
	}
	s.freed(p.at)
	return b, st, p
}

func (p *part) runs(t TaskID, w Worker) bool {
	return p != nil && p.state == running && (p.attempt == t.Attempt || planted == reportBug) && p.at.name == w
}

func (p *part) copies(t TaskID, w Worker) bool {
	return p != nil && p.state == running && p.copyAt != nil && p.copy == t.Attempt && p.copyAt.name == w
}

// Runs says that this attempt runs at this worker as far as the scheduler knows, so that a report of it would count. Of
// two copies both do until one has finished. It is for what the driver keeps by task, before it passes the report on.
func (s *Scheduler) Runs(t TaskID, w Worker) bool {
	b := s.working()
	if b == nil {
		return false
	}
	_, p := b.part(t)
	return p.runs(t, w) || p.copies(t, w)
}

// Awaits says that the worker's answer to the grant of this round would count.
func (s *Scheduler) Awaits(batch int64, w Worker, round int) bool {
	return s.in(batch, publishing) != nil && s.names[w].granted(round) >= 0
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
