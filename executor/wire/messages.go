package wire

import (
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

// Launch starts tasks.
type Launch struct {
	Epoch int64
	Tasks []rdd.TaskID
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

// Fetch asks for the blocks of a stage of a finished sub-job, for the action that waits for them.
type Fetch struct {
	Epoch   int64
	Batch   int64
	Program int
	Stage   int
}

func (Begin) message()  {}
func (Action) message() {}
func (Launch) message() {}
func (Cancel) message() {}
func (Grant) message()  {}
func (Commit) message() {}
func (Abort) message()  {}
func (Fetch) message()  {}

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
}

// PublishFailed says that it could not be.
type PublishFailed struct {
	Batch int64
	Round int
	Err   error
}

// Fetched answers Fetch: chunks in the order of partitions.
type Fetched struct {
	Batch   int64
	Program int
	Chunks  []rdd.Chunk
	Err     error
}

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

// StateRef says where a version of the state of a partition of a step lies: a frame, which has a checksum of its own. Length 0: the
// state is empty.
type StateRef struct {
	Step      string `json:"step"`
	Partition int    `json:"partition"`
	Segment   string `json:"segment,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
	Length    int64  `json:"length,omitempty"`
}
