package dstream

import (
	"context"
	"iter"

	"github.com/apache/arrow/go/v15/arrow"
)

// WriteID names a write: the rows of one partition of one batch for one sink. The same write may come again, from another
// attempt, worker or epoch, with the same rows, and must then change nothing.
type WriteID struct {
	Job, Sink             string
	Epoch, Batch          int64
	Partition, Partitions int
	Attempt               int
	Timestamp             int64 // µs since the Unix epoch; grows by at least 1,000 from batch to batch and is logged before the batch runs
}

// Receipt says what a write did. It is part of the batch's COMMIT record.
type Receipt struct {
	Rows int64  `json:"rows"`           // rows taken, upserts and deletes
	Body []byte `json:"body,omitempty"` // whatever Finish needs
}

// Sink is an output of rows of type T, as a user writes it. Write runs on workers, for several partitions at the same time.
// Sinks may also have Finish(context.Context, WriteID, []Receipt) error, called on the driver once every partition is written
// and before the batch is committed; Guarantee() Guarantee; and Close() error.
type Sink[T any] interface {
	Write(ctx context.Context, id WriteID, rows iter.Seq2[[]T, error]) (Receipt, error)
}

// RecordSink is a sink as our connectors write it: it sees columns. The optional methods are those of Sink, and
// Partitions() int, the most partitions that may write at the same time (0 = any number).
type RecordSink interface {
	Write(ctx context.Context, id WriteID, rows iter.Seq2[Output, error]) (Receipt, error)
}

// Output is a chunk of rows for a sink.
type Output struct {
	Record arrow.Record // the columns of the endpoint's codec
	// Deleted marks the rows that delete their primary key instead of writing it: those whose type has a method
	// Deleted() bool that returned true. Nil = none.
	Deleted []bool
}

// Guarantee is what a sink promises about rows of a batch that is run again.
type Guarantee int

// The guarantees.
const (
	AtLeastOnce Guarantee = iota // a redone batch may write again
	ExactlyOnce                  // idempotent or transactional: a redone batch changes nothing
)

// String is the guarantee in words.
func (g Guarantee) String() string { return [...]string{"at least once", "exactly once"}[g] }

// Finisher is a sink with a last step on the driver.
type Finisher interface {
	// Finish runs once all partitions of a batch are written, before COMMIT; it may run again after a crash. id has no
	// partition; receipts are in the order of partitions.
	Finish(ctx context.Context, id WriteID, receipts []Receipt) error
}

// Guaranteed is a sink that says what it promises. Others are taken to be AtLeastOnce.
type Guaranteed interface{ Guarantee() Guarantee }

// Limited is a sink that bounds how many partitions write at the same time.
type Limited interface{ Partitions() int }

// Starter is a sink that wants to look around on the driver before the first batch of a run, and may refuse to start.
type Starter interface {
	// Start gets the id of the next write, without a partition: its timestamp is the least that the run will use.
	Start(ctx context.Context, id WriteID) error
}

// OneWriter is a sink that must not have two partitions write the same primary key in one batch, since which of them came last
// could not be told.
type OneWriter interface {
	// By names the columns of the endpoint's codec that decide the partition, those of the partition key: the engine moves rows by the
	// token of their values. All rows of one key come to one partition, in an order that does not depend on timing.
	By() []string
}

// Placed is a source that knows where a split is cheap to read.
type Placed interface{ Places(s Split) []string }

// Watched is a source that wants to know what was committed: to publish progress, to delete what is done.
type Watched interface {
	Committed(ctx context.Context, upTo Offsets) error
}
