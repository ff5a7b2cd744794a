package dstreamtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// memorySource gives the rows that the test has sent.
type memorySource struct {
	name string
	cut  int // splits of a batch

	mu     sync.Mutex
	placed bool // its first row has its number
	sent   int64
	runs   []run
	ended  bool
}

// run is one call of Send.
type run struct {
	piece    string // of the source, as a split's name
	from, to int64
	copy     func(from, to int64, b *rdd.Builder) error // rows of the run, from its start on
}

func send[T any](s *memorySource, piece string, rows []T) {
	rows = slices.Clone(rows)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, run{piece, s.sent, s.sent + int64(len(rows)), func(from, to int64, b *rdd.Builder) error {
		for from < to {
			n := copy(rdd.BlockOf[T](b), rows[from:to])
			if err := b.AddN(n); err != nil {
				return err
			}
			from += int64(n)
		}
		return nil
	}})
	s.sent += int64(len(rows))
}

func (s *memorySource) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// Plan takes everything that was sent.
func (s *memorySource) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := int64(0)
	if len(from) > 0 {
		var err error
		if at, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return dstream.Range{}, fmt.Errorf("offsets %q: %w", from, err)
		}
	}
	s.place(at)
	return dstream.Range{To: dstream.Offsets(strconv.FormatInt(s.sent, 10)), Splits: s.splits(at), Ended: s.ended}, nil
}

// place numbers the rows from where a checkpoint, which another Run may have left, says that the source is.
func (s *memorySource) place(at int64) {
	if s.placed {
		return
	}
	s.placed = true
	for i := range s.runs {
		s.runs[i].from, s.runs[i].to = s.runs[i].from+at, s.runs[i].to+at
	}
	s.sent += at
}

// splits cuts the rows from a number on: those of each piece, and each piece into as many splits as there may be tasks.
func (s *memorySource) splits(at int64) (out []dstream.Split) {
	var pieces []string
	for _, r := range s.runs {
		if r.to > at && !slices.Contains(pieces, r.piece) {
			pieces = append(pieces, r.piece)
		}
	}
	slices.Sort(pieces)
	for _, piece := range pieces {
		for i := range int64(s.cut) {
			n := s.sent - at
			split := dstream.Split{Name: piece, From: at + n*i/int64(s.cut), To: at + n*(i+1)/int64(s.cut)}
			if split.From < split.To {
				out = append(out, split)
			}
		}
	}
	return out
}

// Read gives the rows of a split.
func (s *memorySource) Read(_ context.Context, split dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	s.mu.Lock()
	runs := s.runs
	s.mu.Unlock()
	for _, r := range runs {
		from, end := max(split.From, r.from), min(split.To, r.to)
		if from >= end || r.piece != split.Name {
			continue
		}
		if err := r.copy(from-r.from, end-r.from, to.Builder); err != nil {
			return fetched, err
		}
		fetched += end - from
	}
	return fetched, nil
}

// memorySink keeps what it is given by batch and partition, so that the same write twice is one.
type memorySink struct {
	mu   sync.Mutex
	kept map[writeAt][]dstream.Output
}

type writeAt struct {
	batch     int64
	partition int
}

// Write keeps the rows of a partition of a batch.
func (s *memorySink) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var recs []dstream.Output
	n := int64(0)
	for out, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		recs = append(recs, out)
		n += out.Record.NumRows()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[writeAt][]dstream.Output{}
	}
	s.kept[writeAt{id.Batch, id.Partition}] = recs
	return dstream.Receipt{Rows: n}, nil
}

// Guarantee is exactly once.
func (s *memorySink) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// records are what was written, by batch and partition.
func (s *memorySink) records() (out []dstream.Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.SortedFunc(maps.Keys(s.kept), func(a, b writeAt) int {
		return cmp.Or(cmp.Compare(a.batch, b.batch), cmp.Compare(a.partition, b.partition))
	})
	for _, k := range at {
		out = append(out, s.kept[k]...)
	}
	return out
}

// marks tells of each row whether it deletes its key.
func (s *memorySink) marks() (out []bool) {
	for _, o := range s.records() {
		deleted := o.Deleted
		if deleted == nil {
			deleted = make([]bool, o.Record.NumRows())
		}
		out = append(out, deleted...)
	}
	return out
}

// manualClock stands still until the test moves it.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

type manualTimer struct {
	at time.Time
	c  chan time.Time
}

// Now is where the test has moved the clock to.
func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Timer fires when the clock is moved to at or beyond.
func (c *manualClock) Timer(at time.Time) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{at, make(chan time.Time, 1)}
	if !at.After(c.now) {
		t.c <- c.now
		return t.c, func() {}
	}
	c.timers = append(c.timers, t)
	return t.c, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timers = slices.DeleteFunc(c.timers, func(o *manualTimer) bool { return o == t })
	}
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t *manualTimer) bool {
		due := !t.at.After(c.now)
		if due {
			t.c <- c.now
		}
		return due
	})
}
