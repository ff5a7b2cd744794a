package schedule

import "time"

// phase is where a batch stands; doc.go has the picture.
type phase uint8

const (
	queued     phase = iota // recovered, waits for the one before
	planning                // Plan given
	logging                 // LogPlan given
	atWork                  // tasks and bodies run
	publishing              // first grant given
	committing              // LogCommit given
	aborting                // LogAbort given
)

// batch is one batch from its plan to its commit.
type batch struct {
	n      int64
	phase  phase
	last   bool          // the job ends after it
	redone bool          // its plan was found in the log
	wait   time.Duration // Options.LocalityWait
	hold   time.Duration // Options.StateWait
	stages []Stage       // of the main program, until it starts

	bodies   bool // ForEach bodies are still to be waited for
	bodiesAt bool // RunBodies given

	programs  []*program
	undone    int      // partitions pending or running, of all programs
	pending   int      // partitions pending
	gone      int      // partitions whose output is lost and not needed
	ready     []*stage // stages that may have something to launch, in order
	watched   []*stage // stages that run and whose slow tasks are to be copied
	ungranted int      // partitions of granted stages whose attempt is not granted
	round     int      // of the last grants
	waiting   int      // grants that are not answered

	err   error // why it is aborted
	class Class
}

// works says that its tasks may run.
func (b *batch) works() bool { return b.phase == atWork || b.phase == publishing }

func (b *batch) task(st *stage, partition int) TaskID {
	return TaskID{b.n, st.program, st.index, partition, st.parts[partition].attempt}
}

// begin starts a batch whose plan is in the log.
func (s *Scheduler) begin(now time.Time, b *batch, stages []Stage) {
	b.phase = atWork
	b.addProgram(now, stages)
}

// advance takes a batch on when nothing of it runs any more.
func (s *Scheduler) advance(b *batch) {
	k := len(b.programs) - 1
	if pr := b.programs[k]; k > 0 && pr.undone == 0 && !pr.reported {
		pr.reported = true
		s.emit(ProgramDone{b.n, k})
	}
	if !finished(b) {
		return
	}
	switch {
	case b.bodies && !b.bodiesAt:
		b.bodiesAt = true
		s.emit(RunBodies{b.n})
	case b.bodies: // they run
	case b.ungranted > 0:
		s.grant(b)
	case b.waiting == 0:
		b.phase = committing
		s.emit(LogCommit{b.n})
	}
}

// requested starts sub-job k, or says why it will not be.
func (s *Scheduler) requested(now time.Time, e Requested) {
	b := s.find(e.Batch)
	if b == nil || b.phase != atWork || !b.bodiesAt || !b.bodies {
		s.emit(ProgramFailed{e.Batch, e.Program, notRunning(e.Batch, b)})
		return
	}
	k := len(b.programs)
	if e.Program > 0 && e.Program < k {
		return // said twice
	}
	err := checkStages(e.Stages, len(b.programs[0].stages))
	switch {
	case e.Program != k:
		err = errOutOfOrder(e.Program, k)
	case k > 1 && !b.programs[k-1].reported:
		err = errOverlap(e.Program)
	}
	if err != nil {
		failed := failure(b, err)
		s.emit(ProgramFailed{b.n, e.Program, failed})
		s.fail(b, FailBatch, failed)
		return
	}
	b.addProgram(now, e.Stages)
}

func (s *Scheduler) bodiesDone(b *batch, e BodiesDone) {
	if b.phase != atWork || !b.bodies || !b.bodiesAt {
		return
	}
	k := len(b.programs) - 1
	switch {
	case e.Err != nil:
		s.fail(b, FailBatch, failure(b, e.Err))
	case k > 0 && !b.programs[k].reported:
		s.fail(b, FailBatch, failure(b, errLeft(k)))
	default:
		b.bodies = false
	}
}
