package dstreamtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Options of a run. The zero value will do.
type Options struct {
	Interval    time.Duration     // of the batches; default: the job's own, else 1 s
	Start       time.Time         // the first batch is at Start + Interval; default 2026-01-01 00:00 UTC
	Params      map[string]string // the job's parameters
	Parallelism int               // tasks at a time; default 2
	Checkpoint  string            // directory, to go on where another run stopped; default: one of the test's own
	BlockMemory int64             // bytes of blocks in memory before they go to disk; default 256 MiB
	ChunkRows   int               // rows of a chunk; default 4,096
}

// Run is a job under test. Its methods end the test if the job fails; use RunError to look at failures.
type Run struct {
	t       testing.TB
	o       Options
	build   func(*dstream.Job)
	clock   *manualClock
	sources map[string]*memorySource
	sinks   map[string]*memorySink
	tables  map[string]*memorySource

	cancel  context.CancelFunc
	reports chan *report.Batch
	done    chan error
	ended   bool
	err     error
	all     []*report.Batch
}

// Start builds the job; mistakes in it end the test. The job runs from the first Tick or End on.
func Start(t testing.TB, build func(*dstream.Job), o Options) *Run {
	t.Helper()
	g, err := dstream.Build(build, "test", settings(o))
	if err != nil {
		t.Fatal(err)
	}
	if o.Interval == 0 {
		o.Interval = g.Interval
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Parallelism == 0 {
		o.Parallelism = 2
	}
	if o.Checkpoint == "" {
		o.Checkpoint = t.TempDir()
	}
	r := &Run{
		t: t, o: o, build: build, clock: &manualClock{now: o.Start}, sources: map[string]*memorySource{}, sinks: map[string]*memorySink{},
		tables: map[string]*memorySource{}, reports: make(chan *report.Batch, 1), done: make(chan error, 1),
	}
	for _, s := range g.Sources() {
		r.sources[s.Name] = &memorySource{name: s.Name, cut: o.Parallelism}
	}
	for _, s := range g.Tables() {
		r.tables[s.Name] = &memorySource{name: s.Name, cut: 1, ended: true}
	}
	for _, name := range append(g.Sinks(), dstream.DeadLetters) {
		r.sinks[name] = &memorySink{}
	}
	t.Cleanup(r.stop)
	return r
}

func settings(o Options) dstream.Settings {
	return dstream.Settings{Args: o.Params, Default: "test://"}
}

// Table sets the rows of a table, before the first Tick.
func (r *Run) Table[W any](name string, rows ...W) {
	r.t.Helper()
	s := r.tables[name]
	if s == nil {
		r.t.Fatalf("the job has no table %q; it has %v", name, names(r.tables))
	}
	if r.cancel != nil {
		r.t.Fatalf("Table %q after the job has started: tables are read once, at the start", name)
	}
	send(s, rows)
}

// Send gives rows to a source; the next batch takes them.
func (r *Run) Send[T any](source string, rows ...T) {
	r.t.Helper()
	s := r.sources[source]
	if s == nil {
		r.t.Fatalf("the job has no source %q; it has %v", source, names(r.sources))
	}
	send(s, rows)
}

// Tick lets that many intervals pass, and a batch run in each.
func (r *Run) Tick(batches int) {
	r.t.Helper()
	for range batches {
		if err := r.tick(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// End ends all sources and runs batches until every window is closed.
func (r *Run) End() {
	r.t.Helper()
	for _, s := range r.sources {
		s.end()
	}
	for !r.ended {
		if err := r.tick(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// RunError lets intervals pass until the job ends, at most that many, and returns why it did; nil if it ended well or still runs.
func (r *Run) RunError(batches int) error {
	for range batches {
		if err := r.tick(); err != nil || r.ended {
			return err
		}
	}
	return nil
}

// tick lets one interval pass and waits for its batch.
func (r *Run) tick() error {
	if r.ended {
		return r.err
	}
	r.clock.advance(r.o.Interval)
	if r.cancel == nil {
		r.start()
	}
	select {
	case b := <-r.reports:
		r.all = append(r.all, b)
	case err := <-r.done:
		r.ended, r.err = true, err
	}
	return r.err
}

func (r *Run) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	place := dstream.Place{Sources: map[string]dstream.Connector{}, Sinks: map[string]dstream.RecordSink{}}
	for name, s := range r.sources {
		place.Sources[name] = s
	}
	for name, s := range r.tables {
		place.Sources[name] = s
	}
	for name, s := range r.sinks {
		place.Sinks[name] = s
	}
	go func() {
		err := driver.Run(ctx, context.Background(), r.build, driver.Options{
			Name: "test", Interval: r.o.Interval, Checkpoint: r.o.Checkpoint, Scratch: r.o.Checkpoint + "/scratch", Parallelism: r.o.Parallelism,
			BlockMemory: r.o.BlockMemory, ChunkRows: r.o.ChunkRows, Settings: settings(r.o), Place: place, Clock: r.clock,
			Observe: func(b *report.Batch) { r.reports <- b },
		})
		r.done <- err
	}()
}

// stop ends a job that still runs and waits for it.
func (r *Run) stop() {
	if r.cancel == nil || r.ended {
		return
	}
	r.cancel()
	for !r.ended {
		select {
		case <-r.reports:
		case err := <-r.done:
			r.ended, r.err = true, err
		}
	}
	if r.err != nil {
		r.t.Errorf("the job ended with: %v", r.err)
	}
}

// Stop ends the job after the batch at hand, so that another Run can go on from its checkpoint.
func (r *Run) Stop() { r.stop() }

// Rows are the rows of committed batches that a sink has taken, in the order of batches and partitions.
func (r *Run) Rows[T any](sink string) []T {
	r.t.Helper()
	s := r.sinks[sink]
	if s == nil {
		r.t.Fatalf("the job has no sink %q; it has %v", sink, names(r.sinks))
	}
	out, err := rowsOf[T](s)
	if err != nil {
		r.t.Fatalf("sink %q: %v", sink, err)
	}
	return out
}

// Reports are the reports of the batches so far.
func (r *Run) Reports() []*report.Batch { return r.all }

func names[V any](m map[string]V) []string {
	out := []string{}
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// rowsOf decodes what a sink has taken.
func rowsOf[T any](s *memorySink) ([]T, error) {
	out := []T{}
	for _, rec := range s.records() {
		c, err := rdd.Decode[rdd.None, T](rec)
		if err != nil {
			return nil, fmt.Errorf("its rows are not %T: %w", *new(T), err)
		}
		out = append(out, c.(*rdd.Rows[rdd.None, T]).Vals...)
	}
	return out, nil
}
