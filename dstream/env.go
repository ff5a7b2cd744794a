package dstream

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemill/tidemill/rdd"
)

// Env is what a task's steps see of the batch and its worker, and where they leave what is more than rows. One attempt has one.
type Env struct {
	Plan  *Plan
	Marks map[string]int64 // watermark of each stateful step in this batch, µs
	Prev  map[string]int64 // and in the batch before
	// State returns the committed state of a step's partition. It stays as it is until the attempt has ended.
	State func(step string, partition int) (State, error)
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
