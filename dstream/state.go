package dstream

import (
	"iter"

	"github.com/apache/arrow/go/v15/arrow"
)

// State is the committed keyed state of one partition of one step. Tasks read it, several at a time, and never change it: they leave an
// Overlay. What leaves memory is rows, in records of a bounded size: a snapshot has them all, a delta those that changed, with marks for
// what is gone. Equal histories give equal records, whether a state lived through them or was restored in between.
type State interface {
	// Commit takes an overlay in: the version of the batch that was committed. Nobody reads meanwhile.
	Commit(Overlay)
	// Snapshot yields the rows of the state as it is with an overlay (nil: as it is); nothing for an empty state.
	Snapshot(Overlay) iter.Seq2[arrow.Record, error]
	// Delta yields what an overlay changes; nothing if that is nothing.
	Delta(Overlay) iter.Seq2[arrow.Record, error]
	// Apply takes records of a snapshot or of a delta in, in the order in which they were yielded: applied to a fresh state, those of a snapshot
	// and of all deltas since give the state again. After an error the state is of no use.
	Apply(arrow.Record) error
	// Keys is the number of keys held as it is with an overlay (nil: as it is).
	Keys(Overlay) int
	// Bytes estimates the memory for what is held.
	Bytes() int64
}

// Overlay is what one attempt of a batch changes of a State: the keys it touched, and nothing else.
type Overlay interface {
	// Touched is the number of keys in it.
	Touched() int
	// Empty tells that committing it would change nothing.
	Empty() bool
}

// NewState makes an empty state for a step; nil if the graph has no such step with state.
func (g *Graph) NewState(step string) State {
	for _, s := range g.job.steps {
		if s.name == step && s.fresh != nil {
			return s.fresh()
		}
	}
	return nil
}
