package schedule

import (
	"cmp"
	"fmt"
)

// Worker names one incarnation of a worker process. A process that is started again should get a new name; if it keeps
// the old one, its WorkerUp means that everything the former incarnation held is lost.
type Worker string

// TaskID names one attempt at one partition. Attempts count from 1 and are never reused, so that a late report of a
// killed worker cannot match.
type TaskID struct {
	Batch     int64
	Program   int // 0 is the batch's main program; k ≥ 1 the k-th action of its ForEach bodies
	Stage     int // position in the program's stages
	Partition int // 0 ≤ Partition < Stage.Parts
	Attempt   int // from 1
}

// String is batch/program/stage/partition#attempt.
func (t TaskID) String() string {
	return fmt.Sprintf("%d/%d/%d/%d#%d", t.Batch, t.Program, t.Stage, t.Partition, t.Attempt)
}

// compare orders by batch, program, stage, partition, attempt.
func (t TaskID) compare(u TaskID) int {
	return cmp.Or(
		cmp.Compare(t.Batch, u.Batch),
		cmp.Compare(t.Program, u.Program),
		cmp.Compare(t.Stage, u.Stage),
		cmp.Compare(t.Partition, u.Partition),
		cmp.Compare(t.Attempt, u.Attempt),
	)
}

// Output is the sealed result of one attempt, and who holds it.
type Output struct {
	Task   TaskID
	Worker Worker // empty: it is lost, and nothing to be launched needs it
}

// Stage is one stage of a program. Stages stand in dependency order.
type Stage struct {
	Parents []int // stages of the same program, each below this stage's own position, whose outputs its tasks read
	Main    []int // in a program ≥ 1: stages of program 0 whose outputs its tasks read as well
	Parts   int   // number of partitions; 0 is allowed and means that there is nothing to do

	// Granted says that its attempts write a sink or hold state: of each partition exactly one attempt is granted, and
	// an attempt that is lost before it was published is run again even if no other stage reads it.
	Granted bool

	// Prefer lists for each partition the workers at which it is best run, best first. It may be nil, or shorter than
	// Parts; names of workers that are not up are passed over.
	Prefer [][]Worker

	// Holders bounds where a copy of a slow task may run: for each partition the workers that hold the version of its
	// state from which it starts. nil: anywhere. Else a partition without an entry, or with an empty one, is not copied.
	// First attempts and retries are not bound by it.
	Holders [][]Worker
}

// Class says what a failure means. It is decided elsewhere, in one function, and is used here as given.
type Class uint8

const (
	Retry     Class = iota // the attempt failed; another one may not
	FailBatch              // no attempt can succeed: abort the batch and halt
	FailJob                // as FailBatch, and starting the job again will not help
)

// String is the class in words.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case FailBatch:
		return "fail batch"
	case FailJob:
		return "fail job"
	}
	return fmt.Sprintf("class %d", uint8(c))
}
