package rdd

import (
	"context"
	"fmt"
)

// TaskID names one attempt at one partition of one stage. Attempts are never reused: a late report of a killed worker must
// not match.
type TaskID struct {
	Batch     int64 `json:"batch"`
	Program   int   `json:"program"` // 0 = the batch's own; k = the k-th action of its ForEach bodies
	Stage     int   `json:"stage"`
	Partition int   `json:"partition"`
	Attempt   int   `json:"attempt"`
}

// Task is one attempt while it runs: what Compute may use. It is used by one goroutine.
type Task struct {
	Context   context.Context
	ID        TaskID
	Blocks    Blocks
	ChunkRows int // rows of a full chunk
	Env       any // of the layer above (dstream: the batch)
	Counts    Counts

	// Split is the piece of input that the chunk at hand was read from; sources set it. Steps that are fused with a source
	// see it, which is how event times are noted per input partition.
	Split string
}

// Block names one bucket of the output of one partition of a stage.
type Block struct{ Program, Stage, Partition, Bucket int }

// Blocks is where the output of stages is kept: rows grouped by bucket, one set for each partition of each stage.
type Blocks interface {
	// Append adds kept rows to a bucket of the task's output. The task's output becomes readable when the task is done.
	Append(t *Task, bucket int, c Chunk) error
	// Read yields a block's chunks in the order in which they were appended. A *FetchError says that the block is gone and
	// must be computed again. shape tells how to decode a block that has left memory.
	Read(t *Task, b Block, shape *Shape) Seq
}

// FetchError says that a block is not where it should be: its stage has to compute that partition again.
type FetchError struct {
	Block   Block
	Attempt int // whose output it should be; 0 = whichever counts
	// Cut says that who holds the block cannot be reached: nothing else that it holds can be had either. Otherwise it is this block that is gone.
	Cut bool
	Err error
}

// Error names the block.
func (e *FetchError) Error() string {
	return fmt.Sprintf("fetch block %d/%d/%d/%d (program/stage/partition/bucket): %v", e.Block.Program, e.Block.Stage, e.Block.Partition, e.Block.Bucket, e.Err)
}

// Unwrap returns what went wrong.
func (e *FetchError) Unwrap() error { return e.Err }

// Counts are a task's side of the ledger: rows on edges, counted by different code on each side. They only grow.
type Counts struct {
	In, Out  int64             // rows that the task's stage read and gave out
	Sent     []int64           // exchange, sending side: rows for each bucket
	Digests  []uint64          // exchange by key, sending side: of the tokens of each bucket's rows, in order
	Received map[Block]int64   // exchange, receiving side: rows of each block read
	Folded   map[string]Folded // combining and stateful steps, by name
	Bytes    int64             // of output, estimated
}

// Folded balances a step that turns many rows into few: Rows = Accepted + Late.
type Folded struct{ Rows, Accepted, Late int64 }

// Fold adds to the balance of the step of that name.
func (c *Counts) Fold(step string, f Folded) {
	if c.Folded == nil {
		c.Folded = map[string]Folded{}
	}
	was := c.Folded[step]
	c.Folded[step] = Folded{was.Rows + f.Rows, was.Accepted + f.Accepted, was.Late + f.Late}
}

func (c *Counts) received(p Block, rows int64) {
	if c.Received == nil {
		c.Received = map[Block]int64{}
	}
	c.Received[p] += rows
}
