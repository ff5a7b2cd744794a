package executor

import (
	"fmt"
	"io"
	"sync"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Segments is where a worker makes state durable: append-only files, of which it writes one at a time.
type Segments interface {
	// Create makes a new, empty segment and returns the name under which Open finds it.
	Create() (name string, s Segment, err error)
	// Open opens a segment for reading; the caller closes it.
	Open(name string) (io.ReaderAt, io.Closer, error)
}

// Segment is a file that only grows. What was appended is durable once Sync has returned.
type Segment interface {
	Append(p []byte) error
	Sync() error
	Close() error
}

// maxSegment is the size at which a worker starts a new segment, in bytes: old ones can only go as a whole.
const maxSegment = 16 << 20

type partition struct {
	step string
	part int
}

// states holds the committed state of the partitions that this worker has run, and where it is durable.
type states struct {
	segments Segments
	live     map[partition]wire.StateRef // committed versions, as the driver told them

	mu   sync.Mutex
	held map[partition]dstream.State

	name    string // of the segment at hand
	segment Segment
	at      int64
	dirty   bool // something was appended since the last sync
}

// of returns the committed state of a partition: held, restored from its segment, or fresh.
func (s *states) of(p partition, fresh func() dstream.State) (dstream.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.held[p]; ok {
		return st, nil
	}
	st := fresh()
	if ref, ok := s.live[p]; ok && ref.Base.Length > 0 {
		if err := s.restore(st, ref.Base); err != nil {
			return nil, fmt.Errorf("restore the state of %s, partition %d, from %s: %w", p.step, p.part, ref.Base.Segment, err)
		}
	}
	s.held[p] = st
	return st, nil
}

func (s *states) restore(st dstream.State, ref wire.Frame) error {
	f, c, err := s.segments.Open(ref.Segment)
	if err != nil {
		return err
	}
	defer c.Close()
	rec, err := codec.ReadFrame(io.NewSectionReader(f, ref.Offset, ref.Length), codec.Limits{Bytes: ref.Length})
	if err != nil {
		return err
	}
	return st.Restore(rec)
}

// version is the state of a partition as an overlay makes it, ready to be written.
type version struct {
	same  bool   // as committed: where it lies is known
	frame []byte // nil: the state is empty
}

// version encodes the state of a partition with an overlay. Tasks do it in their slots, side by side, so that publishing only writes.
func (s *states) version(p partition, o dstream.Overlay) (v version, err error) {
	st, err := s.of(p, nil)
	if err != nil {
		return v, err
	}
	s.mu.Lock()
	_, had := s.live[p]
	s.mu.Unlock()
	if v.same = had && o.Empty(); v.same {
		return v, nil
	}
	rec, err := st.Snapshot(o)
	if err != nil || rec == nil {
		return v, err
	}
	v.frame, err = codec.AppendFrame(nil, rec)
	return v, err
}

// save appends a version. It is durable after sync.
func (s *states) save(p partition, v version) (wire.StateRef, error) {
	if v.same {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.live[p], nil
	}
	ref := wire.StateRef{Step: p.step, Partition: p.part}
	if v.frame == nil {
		return ref, nil
	}
	if err := s.room(); err != nil {
		return ref, err
	}
	if err := s.segment.Append(v.frame); err != nil {
		return ref, fmt.Errorf("write state: %w", err)
	}
	ref.Base = wire.Frame{Segment: s.name, Offset: s.at, Length: int64(len(v.frame))}
	s.at += ref.Base.Length
	s.dirty = true
	return ref, nil
}

// room makes sure that there is a segment to append to.
func (s *states) room() error {
	if s.segment != nil && s.at < maxSegment {
		return nil
	}
	if s.segment != nil {
		if err := s.segment.Sync(); err != nil {
			return err
		}
		if err := s.segment.Close(); err != nil {
			return err
		}
	}
	name, seg, err := s.segments.Create()
	if err != nil {
		return fmt.Errorf("start a state segment: %w", err)
	}
	s.name, s.segment, s.at = name, seg, 0
	return nil
}

func (s *states) sync() error {
	if !s.dirty {
		return nil
	}
	s.dirty = false
	return s.segment.Sync()
}

// commit makes overlays the committed state.
func (s *states) commit(saved []savedState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range saved {
		s.held[v.at].Commit(v.overlay)
		s.live[v.at] = v.ref
	}
}

// savedState is a version that is durable and waits for COMMIT.
type savedState struct {
	at      partition
	overlay dstream.Overlay
	ref     wire.StateRef
}

func (s *states) close() error {
	if s.segment == nil {
		return nil
	}
	return s.segment.Close()
}
