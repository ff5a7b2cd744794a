package schedule

import (
	"errors"
	"fmt"
	"time"
)

// Options are a job's settings and where its log ends.
type Options struct {
	// Interval is the batch interval; required.
	Interval time.Duration

	// Committed is the number of the last committed batch, and Last the last tick that it covers. Both are zero for a
	// new job: its first batch is number 1 and covers the first due tick only.
	Committed int64
	Last      Tick

	// Retries is how often a partition is tried again after its first attempt failed or was lost with its worker, and
	// how often a worker may try again to publish. 0 means 4 (one more than Spark, whose spark.task.maxFailures = 4
	// counts the first as well); below 0 means never. Too small, and a passing fault stops the job; too large, and a
	// job that cannot succeed is slow to say so.
	Retries int

	// StageAttempts is at which FetchFailed of one partition the batch fails. 0 means 4, as Spark's
	// spark.stage.maxConsecutiveAttempts. Too small, and the loss of a worker fails a batch that reads much from it;
	// too large, and outputs that cannot be had from anywhere are made again for long.
	StageAttempts int

	// LocalityWait is how long a stage's tasks wait for a slot at a preferred worker before they go anywhere. 0 means
	// a tenth of the interval, at most a second; below 0 means not at all. Too large, and one busy worker delays
	// the batch; too small, and rows travel that need not.
	LocalityWait time.Duration
}

// ErrStopNow is Halt's reason after StopNow while a plan was open.
var ErrStopNow = errors.New("stopped at once: a batch that is open in the log is redone at the next start")

func (o Options) withDefaults() (Options, error) {
	if o.Interval <= 0 {
		return o, fmt.Errorf("schedule: interval %v: must be above zero", o.Interval)
	}
	if o.StageAttempts < 0 {
		return o, fmt.Errorf("schedule: stage attempts %d: must not be below zero", o.StageAttempts)
	}
	if o.Committed < 0 || o.Last < 0 {
		return o, fmt.Errorf("schedule: last committed batch %d at tick %d: must not be below zero", o.Committed, o.Last)
	}
	if o.Retries == 0 {
		o.Retries = 4
	}
	if o.StageAttempts == 0 {
		o.StageAttempts = 4
	}
	if o.LocalityWait == 0 {
		o.LocalityWait = min(o.Interval/10, time.Second)
	}
	o.Retries, o.LocalityWait = max(o.Retries, 0), max(o.LocalityWait, 0)
	return o, nil
}
