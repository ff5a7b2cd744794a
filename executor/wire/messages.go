package wire

import (
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Message goes from the driver to a worker. Those of an older epoch, or for a batch that is not open, are refused or ignored.
type Message interface{ message() }

// Report goes from a worker to the driver.
type Report interface{ report() }

// Begin opens a batch: from here on its tasks may be launched. The worker builds the batch's program from the plan and refuses if
// its digest is not the plan's.
type Begin struct {
	Epoch int64
	Plan  *dstream.Plan
	Marks map[string]int64 // watermarks of the steps in this batch
	Prev  map[string]int64 // and in the one before
}

// Action opens a sub-job of the batch: the k-th action of a ForEach body.
type Action struct {
	Epoch    int64
	Batch    int64
	Program  int           // from 1, over all bodies
	Body     int           // of the job
	Index    int           // of the action in the body, from 0
	Recorded [][]rdd.Chunk // results of the actions before it
	Digest   string        // of the sub-job's stages
}

// Launch starts tasks. What they need to know comes with it, unless the worker was told before: where the outputs of their parents lie,
// and which versions of state they start from, if the worker may hold others.
type Launch struct {
	Epoch   int64
	Tasks   []rdd.TaskID
	Outputs []*Outputs // replaces what the worker knows of these stages
	States  []StateRef // versions after the last COMMIT, of the partitions of Tasks whose state lies elsewhere
}

// Peers tells a worker who the others are. It comes before the first Launch that counts on it.
type Peers struct {
	Epoch int64
	From  int    // number of the first of them; those before are known
	Peers []Peer // numbered on; a number is never given twice under one epoch
}

// Peer is one incarnation of a worker, as other workers reach it.
type Peer struct {
	Worker      string // the name of its executor
	Incarnation uint64 // of its attachment to the driver: what an earlier one held is gone
	Address     string // host:port of its blocks
}

// Outputs says where the sealed outputs of a stage of the batch at hand lie.
type Outputs struct {
	Program, Stage int
	At             []OutputAt // by partition

	encoded atomic.Pointer[[]byte] // once sent, for all who get it: it must not change any more
}

// OutputAt is the attempt that counts of one partition of a stage, and who holds it.
type OutputAt struct {
	Peer    int32 // its number, see Peers; -1: nobody holds it now
	Attempt int32
	Empty   bool // it has no rows at all: there is nothing to fetch
}

// Restore asks a worker to have these versions of state ready: it may be given their partitions soon. A Restored comes for each.
type Restore struct {
	Epoch  int64
	States []StateRef
}

// Release tells a worker to forget the state of partitions that now live elsewhere.
type Release struct {
	Epoch  int64
	States []StateRef // Step and Partition count
}

// Cancel ends tasks whose result is no longer of interest.
type Cancel struct {
	Epoch int64
	Tasks []rdd.TaskID
}

// Grant lets the worker publish what these attempts made: rows to sinks, state to segments.
type Grant struct {
	Epoch int64
	Batch int64
	Round int
	Tasks []rdd.TaskID
}

// Commit says that the batch has happened: overlays become state, blocks go.
type Commit struct {
	Epoch int64
	Batch int64
}

// Abort says that the batch never happened.
type Abort struct {
	Epoch int64
	Batch int64
}

// Fetch asks for the blocks of partitions of a stage of a finished sub-job, for the action that waits for them.
type Fetch struct {
	Epoch      int64
	Batch      int64
	Program    int
	Stage      int
	Partitions []int // those that this worker holds
}

func (Begin) message()   {}
func (Action) message()  {}
func (Launch) message()  {}
func (Cancel) message()  {}
func (Grant) message()   {}
func (Commit) message()  {}
func (Abort) message()   {}
func (Fetch) message()   {}
func (Peers) message()   {}
func (Restore) message() {}
func (Release) message() {}

// TaskDone says that an attempt has finished and its output lies sealed.
type TaskDone struct {
	Task    rdd.TaskID
	Counts  rdd.Counts
	Notes   map[string]map[string]int64   // event times seen: step → split → greatest
	Splits  map[string]dstream.SplitCount // by source
	Steps   map[string]StepSize           // by stateful step
	Spilled int64                         // bytes of output that went to disk
	Busy    time.Duration
}

// StepSize is the state of a partition of a step after the batch, and how much of it the batch touched.
type StepSize struct {
	Touched, Keys int
	Bytes         int64
}

// TaskFailed says that an attempt has ended with an error. A *rdd.FetchError in it names the block that is missing.
type TaskFailed struct {
	Task rdd.TaskID
	Err  error
	Busy time.Duration
}

// Refused says that the worker could not open a batch or an action: its graph differs from the driver's, for one.
type Refused struct {
	Batch   int64
	Program int
	Err     error
}

// Published says that everything granted in a round is published and durable.
type Published struct {
	Batch    int64
	Round    int
	Receipts []SinkReceipt
	States   []StateRef
	Retired  []string // segments of state that the worker will not write to any more nor name anew
}

// PublishFailed says that it could not be.
type PublishFailed struct {
	Batch int64
	Round int
	Err   error
}

// Fetched answers Fetch.
type Fetched struct {
	Batch      int64
	Program    int
	Partitions []int
	Chunks     [][]rdd.Chunk // by Partitions
	Err        error
}

// Waiting says that a connector in a task waits for something outside, see dstream.Waiting, and, with Over, that it waits no more.
type Waiting struct {
	ID   int64 // of the wait, of this worker
	For  string
	Over bool
}

// Restored answers Restore for one partition.
type Restored struct {
	State StateRef // as asked for
	Keys  int
	Err   error
}

func (Restored) report()      {}
func (Waiting) report()       {}
func (TaskDone) report()      {}
func (TaskFailed) report()    {}
func (Refused) report()       {}
func (Published) report()     {}
func (PublishFailed) report() {}
func (Fetched) report()       {}

// SinkReceipt is what a sink answered to a write of one partition, beside the rows that the worker offered.
type SinkReceipt struct {
	Sink       string
	Partition  int
	Partitions int
	Offered    int64
	Receipt    dstream.Receipt
	Busy       time.Duration
}
