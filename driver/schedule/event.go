package schedule

// Event is something that has happened. Events about a batch, task or grant that is not, or no longer, at that point
// are ignored, so that reports may be late, repeated or out of order. What the driver itself sees (Recovered, WorkerUp,
// WorkerSlots, WorkerDraining, WorkerDown) comes once and in order.
type Event interface{ event() }

type (
	// Recovered brings an open plan of the log: it has neither COMMIT nor ABORT and is redone with exactly its stages
	// and without a second LogPlan. Several are redone in the order given. All come before the first Due.
	Recovered struct {
		Batch  int64
		To     Tick // last tick of the plan
		Stages []Stage
		Bodies bool // it has ForEach bodies
		Last   bool // see Planned
	}

	// Due says that Tick and all ticks before it are due. See Clock.
	Due struct{ Tick Tick }

	// Planned answers Plan.
	Planned struct {
		Batch  int64
		Stages []Stage // main program; kept, so the caller must not change it
		Bodies bool    // it has ForEach bodies: RunBodies follows when the main program has finished
		Last   bool    // all sources have ended: after this batch the job halts clean
	}

	// PlanFailed answers Plan. Nothing was logged, so the job halts without an ABORT.
	PlanFailed struct {
		Batch int64
		Class Class
		Err   error
	}

	// PlanLogged says that LogPlan is done: appended and synced.
	PlanLogged struct{ Batch int64 }

	// Requested is an action inside a ForEach body that asks for its sub-job. Programs count from 1 without gaps, and
	// the next is asked for only after ProgramDone for the one before. Answered by ProgramDone or ProgramFailed, unless
	// Halt comes first.
	Requested struct {
		Batch   int64
		Program int
		Stages  []Stage // kept, so the caller must not change it
	}

	// BodiesDone says that all ForEach bodies of the batch have returned. An Err fails the batch.
	BodiesDone struct {
		Batch int64
		Err   error
	}

	// TaskDone says that an attempt finished and that its output lies sealed at Worker.
	TaskDone struct {
		Task   TaskID
		Worker Worker
	}

	// TaskFailed says that an attempt ended with an error.
	TaskFailed struct {
		Task   TaskID
		Worker Worker
		Class  Class
		Err    error
	}

	// FetchFailed says that an attempt ended because outputs of its parents could not be had. Only Missing is run
	// again. It is not a failure of the task, but a partition may suffer at most Options.StageAttempts − 1 of them.
	FetchFailed struct {
		Task    TaskID
		Worker  Worker
		Missing []Output
		Cut     bool // who holds them could not be reached: the task is tried elsewhere too, if it can be
	}

	// Published says that Worker has published everything that Grant of this round named to it.
	Published struct {
		Batch  int64
		Worker Worker
		Round  int
	}

	// PublishFailed says that Worker could not, and has stopped trying. With Retry the same attempts are granted to it in
	// a new round, up to Options.Retries times; after that, or with another class, the job halts and the plan stays open.
	// If it is set aside, its partitions are run and granted again elsewhere instead.
	PublishFailed struct {
		Batch  int64
		Worker Worker
		Round  int
		Class  Class
		Err    error
	}

	// CommitLogged says that LogCommit is done: the batch has happened.
	CommitLogged struct{ Batch int64 }

	// AbortLogged says that LogAbort is done.
	AbortLogged struct{ Batch int64 }

	// LogFailed says that LogPlan, LogCommit or LogAbort failed. What is in the log is unknown: the job halts at once.
	LogFailed struct {
		Batch int64
		Err   error
	}

	// WorkerUp says that a worker can take Slots tasks at a time (below 1: none).
	WorkerUp struct {
		Worker Worker
		Slots  int
	}

	// WorkerSlots says that the number of tasks that a worker takes at a time has changed (below 1: none). Those that run
	// there go on.
	WorkerSlots struct {
		Worker Worker
		Slots  int
	}

	// WorkerDraining says that a worker is about to leave: it takes no new task, but what it holds can be read, granted
	// and published until its batch is committed. Answered by Drained, unless WorkerDown comes first.
	WorkerDraining struct{ Worker Worker }

	// WorkerDown says that a worker is gone with everything it held. It is final for this incarnation.
	WorkerDown struct{ Worker Worker }

	// Stop asks to finish the batch whose plan is, or is just being, logged, and to halt clean. A batch that is still
	// being planned is dropped.
	Stop struct{}

	// StopNow asks to halt at once. An open plan is redone at the next start.
	StopNow struct{}

	// Wake says that the time asked for by WakeAt has come. An early or needless Wake does no harm.
	Wake struct{}
)

func (Recovered) event()      {}
func (Due) event()            {}
func (Planned) event()        {}
func (PlanFailed) event()     {}
func (PlanLogged) event()     {}
func (Requested) event()      {}
func (BodiesDone) event()     {}
func (TaskDone) event()       {}
func (TaskFailed) event()     {}
func (FetchFailed) event()    {}
func (Published) event()      {}
func (PublishFailed) event()  {}
func (CommitLogged) event()   {}
func (AbortLogged) event()    {}
func (LogFailed) event()      {}
func (WorkerUp) event()       {}
func (WorkerSlots) event()    {}
func (WorkerDraining) event() {}
func (WorkerDown) event()     {}
func (Stop) event()           {}
func (StopNow) event()        {}
func (Wake) event()           {}
