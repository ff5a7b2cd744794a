package executor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd/codec"
)

// read returns the committed state of a partition, which it brings to the version wanted if need be: with the deltas that are missing, or
// from the base on. It does not change until release.
func (s *states) read(ctx context.Context, p partition) (*heldState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.at(p)
	for {
		switch busy := h.busy; {
		case busy != nil:
			if err := s.unlocked(func() error { return wait(ctx, busy) }); err != nil {
				return nil, err
			}
		case h.now != nil && h.now.ref.Same(h.want):
			h.now.readers++
			return h.now, nil
		default:
			if err := s.load(ctx, h); err != nil {
				return nil, fmt.Errorf("restore the state of %s, partition %d: %w", p.step, p.part, err)
			}
		}
	}
}

// unlocked runs f without the lock that its caller holds.
func (s *states) unlocked(f func() error) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return f()
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load brings a partition to the version wanted. mu is held, but not while it reads.
func (s *states) load(ctx context.Context, h *holding) error {
	next := &heldState{ref: h.want}
	missing := h.want.Frames()
	if now := h.now; now != nil && now.readers == 0 && h.want.Extends(now.ref) {
		next.state, missing = now.state, h.want.Deltas[len(now.ref.Deltas):]
	} else if next.state = s.o.fresh(h.want.Step); next.state == nil {
		return errors.New("the job has no such step with state")
	}
	h.now, h.busy = nil, make(chan struct{})
	err := s.unlocked(func() error { return s.replay(ctx, missing, next.state.Apply) })
	close(h.busy)
	h.busy = nil
	if err == nil {
		h.now = next
	}
	return err
}

// restore brings partitions to versions that may be wanted soon, side by side, and says of each when it is there.
func (s *states) restore(refs []wire.StateRef, done func(wire.Restored)) {
	s.want(refs)
	for _, ref := range refs {
		s.running.Add(1)
		go func() {
			defer s.running.Done()
			select {
			case s.slots <- struct{}{}:
				defer func() { <-s.slots }()
			case <-s.ctx.Done():
				return
			}
			out := wire.Restored{State: ref}
			now, err := s.read(s.ctx, partitionOf(ref))
			if out.Err = err; err == nil {
				out.Keys = now.state.Keys(nil)
				s.release(now)
			}
			if s.ctx.Err() == nil {
				done(out)
			}
		}()
	}
}

// replay reads places, in order, and gives their records to take. Errors say which place it was.
func (s *states) replay(ctx context.Context, places []wire.Frame, take func(arrow.Record) error) error {
	s.mu.Lock()
	r := placeReader{segments: s.segments}
	s.mu.Unlock()
	defer r.close()
	for i, place := range places {
		if err := r.read(ctx, place, take); err != nil {
			return fmt.Errorf("%d bytes at %d of %s (%d of %d): %w", place.Length, place.Offset, place.Segment, i+1, len(places), err)
		}
	}
	return nil
}

// placeReader reads places of segments. It keeps the segment open that it read last.
type placeReader struct {
	segments Segments
	name     string
	file     io.ReaderAt
	closer   io.Closer
	buffer   *bufio.Reader
}

// readAhead is how much of a segment is read at a time, in bytes; the bodies of large frames are read into their own memory.
const readAhead = 64 << 10

func (r *placeReader) read(ctx context.Context, place wire.Frame, take func(arrow.Record) error) error {
	if err := r.open(place.Segment); err != nil {
		return err
	}
	rest := io.LimitedReader{R: io.NewSectionReader(r.file, place.Offset, place.Length), N: place.Length}
	r.buffer.Reset(&rest)
	for rest.N > 0 || r.buffer.Buffered() > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := codec.ReadFrame(r.buffer, codec.Limits{Bytes: place.Length})
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if err := take(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *placeReader) open(name string) (err error) {
	if r.closer != nil && r.name == name {
		return nil
	}
	r.close()
	if r.file, r.closer, err = r.segments.Open(name); err != nil {
		return err
	}
	r.name = name
	if r.buffer == nil {
		r.buffer = bufio.NewReaderSize(nil, readAhead)
	}
	return nil
}

func (r *placeReader) close() {
	if r.closer != nil {
		r.closer.Close() // it was only read
		r.closer = nil
	}
}
