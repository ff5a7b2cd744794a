package schedule

import (
	"cmp"
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

	// StateWait is the same for partitions with state (Stage.Holders): to run elsewhere, a task has to read the state from the checkpoint
	// first. 0 means the interval, at
	// least 200 ms and at most a second; below 0 means not at all. Too small, and state wanders whenever a worker is busy for a
	// moment; too large, and a worker that hangs holds up the batch until it is given up.
	StateWait time.Duration

	// Speculate is how many times longer than the median of its stage's finished tasks a task may run before a copy of
	// it is started on another worker. 0 means 1.5, as spark.speculation.multiplier before Spark 4.0; below 0 means
	// never. Too small, and work is done twice for nothing; too large, and a slow machine delays the batch.
	Speculate float64

	// SpeculateQuantile is the part of a stage's tasks that must have finished before any is copied. 0 means 0.75, as
	// spark.speculation.quantile before Spark 4.0. Too small, and the median says little; at 1 nothing is left to copy.
	SpeculateQuantile float64

	// SpeculateAfter is for how long a task is not copied in any case, as a part of the interval. 0 means a quarter.
	// The result is never below 10 ms: shorter delays are those of a busy machine, and a copy would make it busier.
	SpeculateAfter float64

	// SpeculateAll copies every task as soon as another worker has a slot, for tests.
	SpeculateAll bool

	// AsideAfter is how many failures within AsideWithin set a worker aside: of tasks of at least two partitions, so that
	// a task that fails everywhere sets nobody aside, or of publishing. 0 means 4; below 0 means never. Too small, and
	// passing faults cost machines; too large, and a broken machine uses up the retries of the tasks it gets.
	AsideAfter int

	// AsideWithin is that time. 0 means a minute.
	AsideWithin time.Duration

	// AsideFor is how long a worker is set aside the first time. It doubles, up to 64 times as long, each time it
	// happens again before the worker was back for as long as it had been away. 0 means a minute.
	AsideFor time.Duration

	// NoWorkerWait is how long tasks wait for any worker at all before Starved tells so. 0 means an interval, at least a
	// second; below 0 means that it is never told.
	NoWorkerWait time.Duration
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
	if o.SpeculateQuantile < 0 || o.SpeculateQuantile > 1 || o.SpeculateAfter < 0 {
		return o, fmt.Errorf("schedule: speculate after %v of the interval and %v of the tasks: must not be below zero, nor more than all tasks",
			o.SpeculateAfter, o.SpeculateQuantile)
	}
	if o.AsideWithin < 0 || o.AsideFor < 0 {
		return o, fmt.Errorf("schedule: set aside for %v after failures within %v: must not be below zero", o.AsideFor, o.AsideWithin)
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
	if o.StateWait == 0 {
		o.StateWait = max(min(o.Interval, time.Second), 200*time.Millisecond)
	}
	o.Retries, o.LocalityWait, o.StateWait = max(o.Retries, 0), max(o.LocalityWait, 0), max(o.StateWait, 0)
	o.Speculate = cmp.Or(o.Speculate, 1.5)
	o.SpeculateQuantile = cmp.Or(o.SpeculateQuantile, 0.75)
	o.SpeculateAfter = cmp.Or(o.SpeculateAfter, 0.25)
	o.AsideAfter = cmp.Or(o.AsideAfter, 4)
	o.AsideWithin = cmp.Or(o.AsideWithin, time.Minute)
	o.AsideFor = cmp.Or(o.AsideFor, time.Minute)
	o.NoWorkerWait = cmp.Or(o.NoWorkerWait, max(o.Interval, time.Second))
	return o, nil
}
