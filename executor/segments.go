package executor

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tidemill/tidemill/executor/wire"
)

// Segments is where a worker makes state durable: append-only files. Any goroutine may call it.
type Segments interface {
	// Create makes a new, empty segment and returns the name under which Open finds it.
	Create() (name string, s Segment, err error)
	// Open opens a segment for reading, also one that is being written; the caller closes it.
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

// segmentWriter appends to one segment after the other.
type segmentWriter struct {
	mu       sync.Mutex // held while it writes
	segments Segments
	name     string // of the segment at hand
	segment  Segment
	at       int64
	dirty    bool // something was appended since the last sync

	names sync.Mutex // never held while it writes
	full  []string   // segments that it has left
}

// append makes a place longer by p. An empty place begins wherever the writer stands. It is durable after sync.
func (w *segmentWriter) append(place wire.Frame, p []byte) (wire.Frame, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if place.Length == 0 {
		if err := w.room(); err != nil {
			return place, err
		}
		place = wire.Frame{Segment: w.name, Offset: w.at}
	}
	if w.segment == nil || w.name != place.Segment || w.at != place.Offset+place.Length {
		return place, fmt.Errorf("segment %s was left before all was written", place.Segment)
	}
	if err := w.segment.Append(p); err != nil {
		w.leave() // how much was written is unknown
		return place, fmt.Errorf("write state: %w", err)
	}
	w.at += int64(len(p))
	w.dirty = true
	place.Length += int64(len(p))
	return place, nil
}

// room makes sure that there is a segment to append to.
func (w *segmentWriter) room() error {
	if w.segment != nil && w.at >= maxSegment {
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.leave(); err != nil {
			return err
		}
	}
	if w.segment != nil {
		return nil
	}
	name, seg, err := w.segments.Create()
	if err != nil {
		return fmt.Errorf("start a segment for state: %w", err)
	}
	w.name, w.segment, w.at, w.dirty = name, seg, 0, false
	return nil
}

func (w *segmentWriter) sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *segmentWriter) flush() error {
	if w.segment == nil || !w.dirty {
		return nil
	}
	if err := w.segment.Sync(); err != nil {
		return fmt.Errorf("make state durable: %w", errors.Join(err, w.leave()))
	}
	w.dirty = false
	return nil
}

// leave closes the segment at hand; the next one begins with what is appended next.
func (w *segmentWriter) leave() error {
	if w.segment == nil {
		return nil
	}
	w.names.Lock()
	w.full = append(w.full, w.name)
	w.names.Unlock()
	err := w.segment.Close()
	w.name, w.segment, w.at, w.dirty = "", nil, 0, false
	return err
}

// left returns the segments that were left and are not in use, and forgets them.
func (w *segmentWriter) left(used map[string]bool) (out []string) {
	w.names.Lock()
	defer w.names.Unlock()
	var rest []string
	for _, name := range w.full {
		if used[name] {
			rest = append(rest, name)
			continue
		}
		out = append(out, name)
	}
	w.full = rest
	return out
}

// restart goes on in segments of other names. How those that it leaves fare is nobody's concern: what counts of them is durable.
func (w *segmentWriter) restart(s Segments) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave()
	w.segments = s
	w.left(nil)
}

func (w *segmentWriter) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leave()
}
