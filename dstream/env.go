package dstream

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
)

// Env is what a task's steps see of the batch and its worker, and where they leave what is more than rows. One attempt has one.
type Env struct {
	Plan  *Plan
	Marks map[string]int64 // watermark of each stateful step in this batch, µs
	Prev  map[string]int64 // and in the batch before
	// State returns the committed state of a step's partition, made by fresh if there is none.
	State func(step string, partition int, fresh func() State) (State, error)
	// Table returns the frozen rows of a table of the plan.
	Table func(name string) (any, error)
	// Reject takes a bad record; nil if the job has no dead-letter sink.
	Reject func(DeadLetter) error

	// What the attempt left.
	Overlays map[string]Overlay          // step → its changes; committed only if this attempt is granted
	Notes    map[string]map[string]int64 // EventTime step → split → greatest time
	Splits   map[string]SplitCount       // source/split → ledger
}

// SplitCount balances a split: Fetched = Delivered + Rejected, counted by the connector, the rows' builder and the dead letters.
type SplitCount struct {
	Fetched   int64 `json:"fetched"`
	Delivered int64 `json:"delivered"`
	Rejected  int64 `json:"rejected"`
}

// State is the committed keyed state of one partition of one step. Tasks read it and never change it: they leave an Overlay.
type State interface {
	// Commit takes an overlay in: the version of the batch that was committed.
	Commit(Overlay)
	// Snapshot returns the rows of the state as it is with an overlay (nil: as it is); nil for an empty state.
	Snapshot(Overlay) (arrow.Record, error)
	// Restore replaces the state by a snapshot's rows.
	Restore(arrow.Record) error
	// Keys is the number of keys held and Bytes an estimate of the memory for them.
	Keys() int
	Bytes() int64
}

// Overlay is what one attempt of a batch changes of a State: the keys it touched, and nothing else.
type Overlay interface {
	// Touched is the number of keys in it.
	Touched() int
	// Empty tells that committing it would change nothing.
	Empty() bool
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func envOf(t *rdd.Task) *Env { return t.Env.(*Env) }

// note records the greatest event time that a step saw in the split at hand; mixed: in rows of which nobody knows it.
func (e *Env) note(step string, t *rdd.Task, mixed bool, latest int64) {
	if e.Notes == nil {
		e.Notes = map[string]map[string]int64{}
	}
	of := e.Notes[step]
	if of == nil {
		of = map[string]int64{}
		e.Notes[step] = of
	}
	split := t.Split
	switch {
	case mixed:
		split = "all partitions"
	case split == "":
		split = fmt.Sprintf("partition %d", t.ID.Partition)
	}
	was, known := of[split]
	if !known || latest > was {
		of[split] = latest
	}
}

func (e *Env) overlay(step string, o Overlay) {
	if e.Overlays == nil {
		e.Overlays = map[string]Overlay{}
	}
	e.Overlays[step] = o
}
