package executor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// ledger is a State for tests: numbers by name, in order of first sight. A delta marks a name that is gone with the least number.
type ledger struct {
	names []string
	vals  map[string]int64
}

// entries is an Overlay of a ledger.
type entries struct {
	names []string
	vals  map[string]int64
}

const goneEntry = math.MinInt64

func newLedger(string) dstream.State { return &ledger{vals: map[string]int64{}} }

func (e *entries) Touched() int { return len(e.names) }
func (e *entries) Empty() bool  { return len(e.names) == 0 }

func (e *entries) set(name string, v int64) {
	if _, ok := e.vals[name]; !ok {
		e.names = append(e.names, name)
	}
	e.vals[name] = v
}

func entriesOf(vals ...any) *entries {
	e := &entries{vals: map[string]int64{}}
	for i := 0; i < len(vals); i += 2 {
		e.set(vals[i].(string), int64(vals[i+1].(int)))
	}
	return e
}

func (l *ledger) set(name string, v int64) {
	_, had := l.vals[name]
	switch {
	case v != goneEntry:
		l.vals[name] = v
		if !had {
			l.names = append(l.names, name)
		}
	case had:
		delete(l.vals, name)
		for i, n := range l.names {
			if n == name {
				l.names = append(l.names[:i:i], l.names[i+1:]...)
				return
			}
		}
	}
}

func (l *ledger) Commit(o dstream.Overlay) {
	e := o.(*entries)
	for _, n := range e.names {
		l.set(n, e.vals[n])
	}
}

func (l *ledger) with(o dstream.Overlay) *ledger {
	out := &ledger{append([]string(nil), l.names...), maps.Clone(l.vals)}
	if o != nil {
		out.Commit(o)
	}
	return out
}

func (l *ledger) Snapshot(o dstream.Overlay) iter.Seq2[arrow.Record, error] {
	l = l.with(o)
	return ledgerRecords(l.names, l.vals)
}

func (l *ledger) Delta(o dstream.Overlay) iter.Seq2[arrow.Record, error] {
	e := o.(*entries)
	return ledgerRecords(e.names, e.vals)
}

// ledgerRecords has three rows a record, so that most places have several frames.
func ledgerRecords(names []string, vals map[string]int64) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		for from := 0; from < len(names); from += 3 {
			rows := &rdd.Rows[string, int64]{Keys: names[from:min(from+3, len(names))]}
			for _, n := range rows.Keys {
				rows.Vals = append(rows.Vals, vals[n])
			}
			if rec, err := rows.Record(); !yield(rec, err) {
				return
			}
		}
	}
}

func (l *ledger) Apply(rec arrow.Record) error {
	c, err := rdd.Decode[string, int64](rec)
	if err != nil {
		return err
	}
	rows := c.(*rdd.Rows[string, int64])
	for i, n := range rows.Keys {
		l.set(string(append([]byte(nil), n...)), rows.Vals[i])
	}
	return nil
}

func (l *ledger) Keys(o dstream.Overlay) int { return len(l.with(o).names) }
func (l *ledger) Bytes() int64               { return 0 }

func (l *ledger) String() string { return fmt.Sprint(l.names, l.vals) }

// disk is Segments in memory. A crash takes away what was appended since the last sync of a file.
type disk struct {
	mu      sync.Mutex
	files   map[string]*file
	opened  map[string]int
	opening func(name string) // called without the lock
	failing error             // of every Append
}

type file struct {
	d      *disk
	bytes  []byte
	synced int
	closed bool
}

func newDisk() *disk { return &disk{files: map[string]*file{}, opened: map[string]int{}} }

// writer gives out names under which segments are made.
func (d *disk) writer(name string) *writer { return &writer{disk: d, name: name} }

type writer struct {
	*disk
	name string
	next int
}

func (w *writer) Create() (string, Segment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	name := fmt.Sprintf("%s.%d", w.name, w.next)
	if w.files[name] != nil {
		return "", nil, fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	f := &file{d: w.disk}
	w.files[name] = f
	return name, f, nil
}

func (d *disk) Open(name string) (io.ReaderAt, io.Closer, error) {
	if d.opening != nil {
		d.opening(name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return nil, nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	d.opened[name]++
	return f, io.NopCloser(nil), nil
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if at >= int64(len(f.bytes)) {
		return 0, io.EOF
	}
	n := copy(p, f.bytes[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Append(p []byte) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.closed {
		return errors.New("it is closed")
	}
	if f.d.failing != nil {
		return f.d.failing
	}
	f.bytes = append(f.bytes, p...)
	return nil
}

func (f *file) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.synced = len(f.bytes)
	return nil
}

func (f *file) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.closed = true
	return nil
}

func (d *disk) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.bytes = f.bytes[:f.synced:f.synced]
	}
}

// durable tells whether a place would outlive a crash.
func (d *disk) durable(segment string, end int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[segment]
	return f != nil && end <= int64(f.synced)
}

// ledgers is states that gather only when they are told to.
func ledgers(t testing.TB, s Segments, warn func(string)) *states {
	st := newStates(stateOptions{segments: s, fresh: newLedger, slots: 2, warn: warn, still: true, bounds: bounds{small: 1, many: 3, most: 6}})
	t.Cleanup(func() {
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
