package schedule

import "time"

// Command is something to be done. The commands of one Step are done in their order; a command that takes long (Plan,
// Log…, RunBodies) is only started in that order, and is answered by the event that its comment names.
type Command interface{ command() }

type (
	// Plan asks the sources what there is for the ticks (From, To]. The batch's time is To. Answer: Planned or PlanFailed.
	Plan struct {
		Batch    int64
		From, To Tick
	}

	// LogPlan appends PLAN and syncs. Answer: PlanLogged or LogFailed.
	LogPlan struct{ Batch int64 }

	// Launch starts tasks on a worker; at most one Launch per worker in a Step, in the order of TaskID. Where the
	// outputs of the parents lie is told by Scheduler.Outputs. A task may be the copy of one that runs on another worker.
	// Answer, for each task: TaskDone, TaskFailed or FetchFailed.
	Launch struct {
		Worker Worker
		Tasks  []TaskID
	}

	// Cancel ends running tasks whose reports are no longer of interest: those of a batch that failed, and the copy that
	// came second. No answer; the slots count as free at once.
	Cancel struct {
		Worker Worker
		Tasks  []TaskID
	}

	// RunBodies starts the batch's ForEach bodies. Answer: BodiesDone, with any number of Requested before.
	RunBodies struct{ Batch int64 }

	// ProgramDone tells the action that waits for sub-job Program that all its tasks have finished. The results are
	// those of the attempts that Scheduler.Outputs names.
	ProgramDone struct {
		Batch   int64
		Program int
	}

	// ProgramFailed tells the action that waits for sub-job Program that the batch has failed; its body must end.
	ProgramFailed struct {
		Batch   int64
		Program int
		Err     error
	}

	// Grant lets a worker publish these attempts: one per partition, in the order of TaskID. Grants of one Step are
	// one round, and a partition stands in a later round only if it was not published in the one before.
	// Answer: Published or PublishFailed with the same Round.
	Grant struct {
		Batch  int64
		Worker Worker
		Round  int // from 1
		Tasks  []TaskID
	}

	// LogCommit runs the sinks' Finish, appends COMMIT and syncs. Answer: CommitLogged or LogFailed.
	LogCommit struct{ Batch int64 }

	// Committed tells everyone. Blocks of the batch may be dropped, now and not earlier.
	Committed struct{ Batch int64 }

	// LogAbort appends ABORT and syncs. Answer: AbortLogged or LogFailed.
	LogAbort struct {
		Batch  int64
		Reason string // may have many lines
	}

	// Aborted tells the workers to drop everything of the batch.
	Aborted struct{ Batch int64 }

	// Halt ends the job; it is the last command ever given, and what still runs or waits gets no other. Err is nil for
	// a clean end, ErrStopNow after StopNow, or the reason: a *BatchError, or what failed to be planned or logged.
	// With a reason Class is FailBatch or FailJob, else Retry: starting again is all that is needed.
	Halt struct {
		Err   error
		Class Class
	}

	// SetAside says that a worker gets no new tasks until then, since too many failed there; Why names the last cause.
	// What it holds stays readable, and what it holds for a grant is granted.
	SetAside struct {
		Worker Worker
		Until  time.Time
		Why    string // may have many lines
	}

	// TakenBack ends SetAside: the time is over, or no other worker is left.
	TakenBack struct{ Worker Worker }

	// Starved says that tasks of the batch have waited for Options.NoWorkerWait and no worker can take any. It is told
	// once; the batch waits on, without end, and the next Launch says that it is over.
	Starved struct{ Batch int64 }

	// Drained says that a worker that was draining runs nothing and holds nothing of an open batch: it may leave.
	Drained struct{ Worker Worker }

	// WakeAt asks for a Wake at Time. A later WakeAt replaces an earlier one.
	WakeAt struct{ Time time.Time }
)

func (Plan) command()          {}
func (LogPlan) command()       {}
func (Launch) command()        {}
func (Cancel) command()        {}
func (RunBodies) command()     {}
func (ProgramDone) command()   {}
func (ProgramFailed) command() {}
func (Grant) command()         {}
func (LogCommit) command()     {}
func (Committed) command()     {}
func (LogAbort) command()      {}
func (Aborted) command()       {}
func (Halt) command()          {}
func (SetAside) command()      {}
func (TakenBack) command()     {}
func (Starved) command()       {}
func (Drained) command()       {}
func (WakeAt) command()        {}
