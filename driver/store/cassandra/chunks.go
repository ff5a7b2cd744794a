package cassandra

import (
	"bytes"
	"errors"
	"sync"
)

// window is the unit of reading, in bytes: no chunk and no row of a log crosses a
// multiple of it, so that a window is found without knowing the chunks. It is
// also the most that a chunk holds: requests of half a megabyte are far from the
// limits of a server (16 MiB a mutation, and a fortieth of its heap for the
// requests of one client).
const window = 512 << 10

// bucket is how much of a file lies in one partition, in bytes.
const bucket = 32 << 20

func bucketOf(off int64) int { return int(off / bucket) }

// Timestamps of writes to chunks. A chunk is written once; Settle writes it
// again, above what it finds; nothing is above a removal.
const (
	written = 1
	removed = 1 << 40
)

// chunkWriter writes the bytes of a file from an offset on, several chunks at the
// same time. It belongs to one goroutine.
type chunkWriter struct {
	s   *Store
	id  []byte
	off int64  // of buf
	buf []byte // not yet written; less than a window

	wg  sync.WaitGroup
	mu  sync.Mutex
	err error // guarded by mu: the first
}

func (s *Store) newChunks(id []byte, off int64) *chunkWriter {
	return &chunkWriter{s: s, id: id, off: off}
}

// write takes bytes, and sends whole windows.
func (w *chunkWriter) write(b []byte) error {
	for len(b) > 0 {
		room := window - int(w.off%window) - len(w.buf)
		n := min(room, len(b))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
		if n == room {
			w.send()
		}
	}
	return w.failure()
}

// flush sends the rest, and waits until all is written.
func (w *chunkWriter) flush() error {
	w.send()
	w.wg.Wait()
	return w.failure()
}

func (w *chunkWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *chunkWriter) send() {
	if len(w.buf) == 0 || w.failure() != nil {
		return
	}
	body, off := bytes.Clone(w.buf), w.off
	w.off, w.buf = w.off+int64(len(body)), w.buf[:0]
	w.s.slots <- struct{}{}
	w.wg.Go(func() {
		defer func() { <-w.s.slots }()
		if err := w.s.putChunk(w.id, off, body, written); err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.err = errors.Join(w.err, err)
		}
	})
}

func (s *Store) putChunk(id []byte, off int64, body []byte, timestamp int64) error {
	return s.write(chunkToken(id, bucketOf(off)), timestamp, s.tables.putChunk(id, off, body))
}

// length returns how long the chunks of a log are together, and how many buckets
// have some.
func (s *Store) length(id []byte) (n int64, buckets int, err error) {
	for ; ; buckets++ {
		var off, size int64
		found, err := s.one(chunkToken(id, buckets), s.set.quorum, s.tables.lastChunk(id, buckets), &off, &size)
		if err != nil || !found {
			return n, buckets, err
		}
		if n = off + size; n < int64(buckets+1)*bucket {
			return n, buckets + 1, nil
		}
	}
}

// dropAll deletes all chunks of an id, the first bucket last: as long as there is
// one, the others are found. One more is deleted, since after a crash there may be
// chunks behind a gap.
func (s *Store) dropAll(id []byte) error {
	_, n, err := s.length(id)
	if err != nil {
		return err
	}
	for ; n >= 0; n-- {
		if err := s.dropFrom(id, n, 0, removed); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropFrom(id []byte, bucket int, off, timestamp int64) error {
	return s.write(chunkToken(id, bucket), timestamp, s.tables.dropChunks(id, bucket, off))
}

// chunkLog is a log in chunks, which one process writes and nobody fences.
type chunkLog struct {
	name   string
	w      *chunkWriter
	failed error
	closed bool
}

// Append implements store.Appender.
func (l *chunkLog) Append(p []byte) error {
	return l.keep("append to", func() error { return l.w.write(p) })
}

// Sync implements store.Appender.
func (l *chunkLog) Sync() error { return l.keep("sync", l.w.flush) }

func (l *chunkLog) keep(op string, do func() error) error {
	if l.failed == nil {
		l.failed = l.w.s.wrap(op, l.name, do())
	}
	return l.failed
}

// Close implements store.Appender.
func (l *chunkLog) Close() error {
	if l.closed {
		return l.failed
	}
	l.closed = true
	l.w.wg.Wait()
	if l.failed == nil {
		l.failed = l.w.s.wrap("append to", l.name, errLogClosed)
	}
	return nil
}

var errLogClosed = errors.New("the log is closed")
