package executor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
)

// partition is a partition of the state of a step.
type partition struct {
	step string
	part int
}

func partitionOf(r wire.StateRef) partition { return partition{r.Step, r.Partition} }

// states holds the committed state of the partitions that this worker runs, and makes it durable.
//
// A version of a partition is a base, which is a full snapshot, and the deltas of the batches since. A batch writes the delta of what it
// touched, or a new base where that is not much more. In the background the base and deltas of one partition after the other are
// read back and written as one snapshot, with which its next version begins.
//
// Nothing is named before it is durable, and no state changes while a task reads it: a task that outlives its batch keeps what it reads, and
// the next version is made beside it.
type states struct {
	o       stateOptions
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{} // what is restored ahead, side by side
	pace    pacer

	deltas segmentWriter // what batches write
	bases  segmentWriter // what is gathered in the background
	wake   chan struct{} // for the gatherer: due has changed

	mu       sync.Mutex
	segments Segments // to read
	parts    map[partition]*holding
	round    int                    // counts restarts: what was gathered before the last one is not named any more
	due      []partition            // whose base and deltas should be gathered
	gathered map[partition]snapshot // durable, not yet in a committed version
	retired  []string               // segments that will be neither written nor named anew
}

// stateOptions are what states needs to know.
type stateOptions struct {
	segments Segments
	fresh    func(step string) dstream.State // nil for a step that has none
	slots    int                             // partitions restored ahead side by side
	warn     func(string)                    // any goroutine
	still    bool                            // nothing is gathered in the background
	bounds   bounds
}

// bounds say when versions are gathered, and when they begin anew.
type bounds struct {
	small int // see smallState; 0: that
	many  int // see manyDeltas
	most  int // see mostDeltas
}

func (o stateOptions) withDefaults() stateOptions {
	if o.warn == nil {
		o.warn = func(string) {}
	}
	o.slots = max(o.slots, 1)
	o.bounds = bounds{cmp.Or(o.bounds.small, smallState), cmp.Or(o.bounds.many, manyDeltas), cmp.Or(o.bounds.most, mostDeltas)}
	return o
}

// holding is what is known of a partition.
type holding struct {
	want wire.StateRef // the version after the last COMMIT, as the driver told
	now  *heldState    // nil: not in memory
	busy chan struct{} // closed when who changes now is done; nil: nobody does
	wait int           // deltas up to which nothing is gathered: it failed
	mend bool          // what is durable cannot be read: the next version is a base
}

// heldState is a version in memory.
type heldState struct {
	ref     wire.StateRef
	state   dstream.State
	readers int // tasks that look at it; until they are done it stays as it is
}

func newStates(o stateOptions) *states {
	o = o.withDefaults()
	s := &states{
		o: o, slots: make(chan struct{}, o.slots), wake: make(chan struct{}, 1), segments: o.segments,
		parts: map[partition]*holding{}, gathered: map[partition]snapshot{},
		deltas: segmentWriter{segments: o.segments}, bases: segmentWriter{segments: o.segments},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if !o.still {
		s.running.Add(1)
		go s.gather()
	}
	return s
}

// at is what is known of a partition. mu is held.
func (s *states) at(p partition) *holding {
	h, ok := s.parts[p]
	if !ok {
		h = &holding{want: wire.StateRef{Step: p.step, Partition: p.part}}
		s.parts[p] = h
	}
	return h
}

// want notes versions after the last COMMIT. It restores nothing: read does, when a task asks, and only what is missing.
func (s *states) want(refs []wire.StateRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range refs {
		s.at(partitionOf(r)).want = r
	}
}

// forget gives up partitions that live elsewhere now.
func (s *states) forget(refs []wire.StateRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range refs {
		delete(s.parts, partitionOf(r))
		delete(s.gathered, partitionOf(r))
	}
}

// held lists the versions in memory, in order.
func (s *states) held() []wire.StateRef {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []wire.StateRef
	for _, h := range s.parts {
		if h.now != nil && h.busy == nil {
			out = append(out, h.now.ref)
		}
	}
	slices.SortFunc(out, func(a, b wire.StateRef) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// release says that a task has done with what read gave it.
func (s *states) release(of ...*heldState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, now := range of {
		now.readers--
	}
}

// restartSegments makes a worker that is attached anew write under names of its new incarnation. Nothing is gathered until it has seen a
// commit: before, the driver may not know whose segments these are, and would take them for a stranger's that nobody needs.
func (s *states) restartSegments(to Segments) {
	s.pace.ended()
	s.mu.Lock()
	s.segments, s.due, s.retired = to, nil, nil
	s.round++
	clear(s.gathered)
	s.mu.Unlock()
	s.deltas.restart(to)
	s.bases.restart(to)
}

// takeRetired returns the segments that have been retired since it was called last.
func (s *states) takeRetired() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.retired
	s.retired = nil
	return out
}

// close ends what runs in the background and waits for it.
func (s *states) close() error {
	s.stop()
	s.running.Wait()
	return errors.Join(s.deltas.close(), s.bases.close())
}
