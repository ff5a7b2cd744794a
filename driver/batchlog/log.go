package batchlog

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/tidemill/tidemill/driver/store"
)

// Options of a log.
type Options struct {
	// SegmentSize in bytes at which the next append starts a new segment; 64 MiB.
	// Compact frees whole segments, so the disk holds about one more than is
	// kept. Much smaller, and heads (a copy of the last commit) dominate.
	SegmentSize int64
}

func (o Options) withDefaults() (Options, error) {
	if o.SegmentSize == 0 {
		o.SegmentSize = 64 << 20
	}
	if o.SegmentSize < 0 {
		return o, fmt.Errorf("open the batch log: segment size %d is negative", o.SegmentSize)
	}
	return o, nil
}

// Fence says which epoch a log is written in and whether it is still the
// newest; [store.Lock] is one.
type Fence interface {
	Epoch() store.Epoch
	Check() error
}

// Log is the write end of a batch log. Its methods may be called from any
// goroutine; they wait for each other.
type Log struct {
	store store.Store
	fence Fence
	opts  Options

	mu    sync.Mutex
	app   store.Appender
	segs  []segment // live ones, oldest first; the last is written
	size  int64     // of the last segment, all of it synced
	prev  digest    // of the last record
	life  life
	dead  error // once set, returned for ever
	bytes []byte
}

// maxKept bounds the buffer that is reused for the next append.
const maxKept = 1 << 20

// ErrClosed is returned after Close.
var ErrClosed = errors.New("batch log is closed")

// Open verifies the whole log, seals what earlier drivers wrote and starts a
// segment of fence's epoch, which must have been claimed before (by
// [store.Acquire]): only then all that its predecessor believes durable is here
// to be read. It returns *DamagedError, and has changed nothing, if the log is
// not what a crash can leave. The caller closes the log before it releases the
// lock.
func Open(st store.Store, fence Fence, o Options) (*Log, Recovery, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, Recovery{}, err
	}
	c, err := load(st)
	if err != nil {
		return nil, Recovery{}, err
	}
	l := &Log{store: st, fence: fence, opts: o, segs: c.segs, prev: c.prev, life: c.life}
	rec := c.life.recovery(fence.Epoch())
	if rec.Torn, err = l.settle(c); err != nil {
		return nil, Recovery{}, err
	}
	if err := l.start(segmentName{epoch: fence.Epoch()}); err != nil {
		return nil, Recovery{}, errors.Join(err, l.Close())
	}
	if err := l.sweep(); err != nil {
		return nil, Recovery{}, errors.Join(err, l.Close())
	}
	return l, rec, nil
}

// Append makes one record durable; see AppendAll.
func (l *Log) Append(t Type, n Batch, payload []byte) error {
	return l.AppendAll(Record{Type: t, Batch: n, Payload: payload})
}

// AppendAll makes records durable with one write and one sync; their Epoch is
// ignored. It returns nil only if all are durable and no newer epoch existed
// then. *OrderError means that nothing was written. After any other error, an
// error wrapping store.ErrFenced or store.ErrSync among them, the records may or
// may not be found by recovery, and every later call returns the same error.
func (l *Log) AppendAll(rs ...Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return l.dead
	}
	next, own := l.life.clone(), make([]Record, len(rs))
	for i, r := range rs {
		if len(r.Payload) > MaxPayload {
			return &OrderError{Type: r.Type, Batch: r.Batch, Why: fmt.Sprintf("its payload of %d bytes is over %d", len(r.Payload), MaxPayload)}
		}
		r.Epoch, r.Payload = l.fence.Epoch(), bytes.Clone(r.Payload)
		if err := next.apply(r); err != nil {
			return err
		}
		own[i] = r
	}
	if err := l.write(own); err != nil {
		l.dead = fmt.Errorf("append to the batch log: %w", err)
		return l.dead
	}
	l.life = next
	return nil
}

func (l *Log) write(rs []Record) error {
	if err := l.fence.Check(); err != nil {
		return err
	}
	if l.size >= l.opts.SegmentSize {
		if err := l.start(l.current().name.next()); err != nil {
			return err
		}
	}
	prev, b := l.prev, l.bytes[:0]
	for _, r := range rs {
		at := len(b)
		b = appendRecord(b, l.size+int64(at), header{typ: r.Type, epoch: r.Epoch, batch: r.Batch, durable: l.size, prev: prev}, r.Payload)
		prev = digestOf(b[at:])
	}
	if l.bytes = b; cap(b) > maxKept {
		l.bytes = nil
	}
	if err := l.app.Append(b); err != nil {
		return err
	}
	if !planted {
		if err := l.app.Sync(); err != nil {
			return err
		}
	}
	if err := l.fence.Check(); err != nil {
		return err
	}
	l.size, l.prev = l.size+int64(len(b)), prev
	for _, r := range rs {
		l.current().saw(r)
	}
	return nil
}

func (l *Log) current() *segment { return &l.segs[len(l.segs)-1] }

// Close ends writing. What was appended is durable already.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead == nil {
		l.dead = ErrClosed
	}
	if l.app == nil {
		return nil
	}
	err := l.app.Close()
	l.app = nil
	if err != nil {
		return fmt.Errorf("close the batch log: %w", err)
	}
	return nil
}
