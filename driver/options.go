package driver

import (
	"errors"
	"time"

	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Options are what a job runs with. Main makes them of the configuration; tests write them by hand.
type Options struct {
	Name       string        // of the job, unless its code sets one
	Interval   time.Duration // 0: the job's own, else 1 s
	Checkpoint string        // directory; required
	Scratch    string        // directory for spilled blocks; required, emptied at will
	Fresh      bool          // give up what the checkpoint holds
	Takeover   bool          // take the checkpoint from a driver that seems alive
	Replan     bool          // give up an open plan that another binary or other parameters made
	Standby    bool          // wait until the driver that has the checkpoint is gone
	AcceptLoss bool          // go on if the first answer of a source is that rows are lost, see dstream.LossError

	Parallelism int           // task slots; default 1
	Partitions  int           // behind exchanges, at the job's first start: state is cut into them; default Parallelism, on a cluster 12
	ChunkRows   int           // rows of a full chunk; default 4,096
	BlockMemory int64         // bytes of blocks in memory; default 256 MiB
	KeyGroups   int           // at the job's first start; default 1,024
	Retries     int           // of a task; default 4, negative = none
	Limit       dstream.Limit // the most of one batch, over all sources
	Rate        rate.Options  // of the rate controller, which is on unless it says Off; a clock that stands has no use for it
	MaxBatches  int64         // committed by this run until it ends; 0 = no limit
	Grace       time.Duration // for a stopping job to finish its batch; 0 = as long as it takes

	Settings dstream.Settings // endpoints and parameters
	Place    dstream.Place    // where endpoints are opened; Scratch is set by the driver
	Binary   string           // digest of the job's binary; empty in tests

	Workers int      // in this process, each with Parallelism slots; more than one read each other's blocks through sockets, as tests want it; default 1
	Cluster *Cluster // where the work is done; nil = in this process

	Clock   Clock               // default: the machine's, but never going back
	Observe func(*report.Batch) // called with every report, from the driver's own goroutine
	Ready   func(Started)       // called once the job is about to run its first batch
	Warn    func(string)        // for what the user should know and can't act on at once
	copyAll bool                // for tests: a second copy of every task
	crewed  func(*driver)       // for tests: called when the workers are there, before the first batch
	Waiting func(string) func() // called when a connector waits for something outside; what it returns ends the wait; any goroutine
}

// Started is what is known of a job when it starts.
type Started struct {
	Name       string
	Interval   time.Duration
	Epoch      int64
	Checkpoint string
	Resumed    int64             // last committed batch, 0 = none
	Open       bool              // a plan is redone first
	Guarantees map[string]string // by sink
	Explain    string
}

func (o Options) withDefaults() (Options, error) {
	if o.Checkpoint == "" {
		return o, errors.New("a job needs a checkpoint directory: set checkpoint")
	}
	if o.Scratch == "" {
		return o, errors.New("a job needs a scratch directory: set scratch")
	}
	if _, err := rate.New(o.Rate, defaultInterval); err != nil {
		return o, err
	}
	o.Parallelism = max(o.Parallelism, 1)
	switch {
	case o.Partitions > 0:
	case o.Cluster != nil:
		o.Partitions = clusterPartitions
	default:
		o.Partitions = o.Parallelism
	}
	if o.KeyGroups == 0 {
		o.KeyGroups = rdd.DefaultGroups
	}
	for _, f := range []*func(*report.Batch){&o.Observe} {
		if *f == nil {
			*f = func(*report.Batch) {}
		}
	}
	if o.Ready == nil {
		o.Ready = func(Started) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(string) func() { return func() {} }
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return o, nil
}
