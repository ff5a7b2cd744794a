package executor

import (
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd/codec"
	"golang.org/x/sync/errgroup"
)

// When a batch writes a base.
const (
	// smallState is the number of keys up to which a snapshot costs no more than the frame around it.
	smallState = 128
	// mostDeltas and mostGrowth bound a version where snapshots in the background do not keep up: what COMMIT names, and what a restore reads.
	mostDeltas = 128
	mostGrowth = 4 // bytes of deltas, in bytes of the base
)

// version is the state of a partition as an overlay makes it, ready to be written.
type version struct {
	on     wire.StateRef // what the overlay was made on
	same   bool          // nothing changes
	base   bool          // frames are a snapshot, not a delta
	frames []byte
}

// version encodes what an overlay makes of a state that a task reads. Tasks do it in their slots, side by side, so that publishing only
// writes.
func (s *states) version(now *heldState, o dstream.Overlay) (v version, err error) {
	v.on = now.ref
	if v.same = o.Empty(); v.same {
		return v, nil
	}
	if keys := now.state.Keys(o); keys <= s.o.bounds.small || 2*o.Touched() >= keys || s.overgrown(v.on) {
		v.base = true
		v.frames, err = encode(now.state.Snapshot(o))
		return v, err
	}
	v.frames, err = encode(now.state.Delta(o))
	v.same = v.frames == nil
	return v, err
}

// overgrown tells whether a version must not get another delta.
func (s *states) overgrown(on wire.StateRef) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on.Base.Length == 0 || s.at(partitionOf(on)).mend {
		return true
	}
	on = s.rebased(on)
	return len(on.Deltas) >= s.o.bounds.most || length(on.Deltas) >= mostGrowth*max(on.Base.Length, leastGrowth)
}

func length(places []wire.Frame) (n int64) {
	for _, p := range places {
		n += p.Length
	}
	return n
}

func encode(records iter.Seq2[arrow.Record, error]) (frames []byte, err error) {
	for rec, err := range records {
		if err != nil {
			return nil, err
		}
		if frames, err = codec.AppendFrame(frames, rec); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// saving is a version to be saved, and the overlay that makes it.
type saving struct {
	version version
	overlay dstream.Overlay
}

// savedState is a version that is durable and waits for COMMIT.
type savedState struct {
	saving
	ref wire.StateRef
}

// save makes versions durable: with one sync, unless a segment is full.
func (s *states) save(all []saving) ([]savedState, error) {
	var out []savedState
	for _, v := range all {
		ref, err := s.write(v)
		if err != nil {
			return nil, fmt.Errorf("state of %s, partition %d: %w", v.version.on.Step, v.version.on.Partition, err)
		}
		out = append(out, savedState{v, ref})
	}
	return out, s.deltas.sync()
}

func (s *states) write(v saving) (ref wire.StateRef, err error) {
	ref = v.version.on
	if v.version.same {
		return ref, nil
	}
	var at wire.Frame
	if len(v.version.frames) > 0 {
		if at, err = s.deltas.append(at, v.version.frames); err != nil {
			return ref, err
		}
	}
	if v.version.base {
		ref.Base, ref.Deltas = at, nil
		return ref, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ref = s.rebased(ref)
	ref.Deltas = append(slices.Clip(ref.Deltas), at)
	return ref, nil
}

// rebased is a version that begins with the snapshot that was gathered of it, if there is one. mu is held.
func (s *states) rebased(ref wire.StateRef) wire.StateRef {
	if g, ok := s.gathered[partitionOf(ref)]; ok && ref.Extends(g.of) {
		ref.Base, ref.Deltas = g.at, ref.Deltas[len(g.of.Deltas):]
	}
	return ref
}

// commit makes saved versions the committed ones; of several of one partition the last counts. An overlay is merged where the state is what
// it was made on and nobody reads it. Elsewhere the state is left to who does, and restored when it is asked for.
func (s *states) commit(saved []savedState) {
	var merges errgroup.Group
	merges.SetLimit(cap(s.slots))
	var merged []*holding
	seen := map[partition]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range slices.Backward(saved) {
		p := partitionOf(v.ref)
		if seen[p] {
			continue
		}
		seen[p] = true
		h := s.at(p)
		h.want = v.ref
		switch now := h.now; {
		case now == nil || h.busy != nil || now.ref.Same(v.ref):
		case now.readers > 0 || !now.ref.Same(v.version.on):
			h.now = nil
		default:
			now.ref, h.busy = v.ref, make(chan struct{})
			merged = append(merged, h)
			merges.Go(func() error {
				now.state.Commit(v.overlay)
				return nil
			})
		}
		s.committed(p, h)
	}
	_ = s.unlocked(merges.Wait) // Commit does not fail
	for _, h := range merged {
		close(h.busy)
		h.busy = nil
	}
	s.retire()
}

// abandon gives up what was saved and not committed.
func (s *states) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retire()
}

// retire lists the segments that were left and in which nothing lies that a later version may name for the first time. It is called between
// batches: what the batch wrote is either committed, and known to the driver, or nothing. mu is held.
func (s *states) retire() {
	used := map[string]bool{}
	for _, g := range s.gathered {
		used[g.at.Segment] = true
	}
	s.retired = append(append(s.retired, s.deltas.left(nil)...), s.bases.left(used)...)
}
