package dstreamtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/rate"
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
	Workers     int               // more than one exchange blocks as executors of a cluster do; each runs Parallelism tasks; default 1
	Checkpoint  string            // directory, to go on where another Run stopped (Restart does it all); default: one of the test's own
	BlockMemory int64             // bytes of blocks in memory before they go to disk; default 256 MiB
	ChunkRows   int               // rows of a chunk; default 4,096
	// Real leaves the sources and sinks of job.Read and Write in place, and what they do is the test's own affair. Names that are
	// configured are in memory in any case.
	Real bool
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

	ownSources, ownSinks map[string]bool // that the job makes in code

	cancel  context.CancelFunc
	reports chan *report.Batch
	done    chan error
	ended   bool
	behind  int // ticks without a batch before the next one
	err     error
	all     []*report.Batch
}

// Start builds the job; mistakes in it end the test. The job runs from the first Tick or End on. In a Run whose Options name the
// checkpoint of another, sources are numbered on from there and Start must be no earlier than the last batch of the other.
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
	r.ownSources, r.ownSinks = g.Own()
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
	send(s, name, rows)
}

// Send gives rows to a source; the next batch takes them. "events/2" is a piece of the source "events" with an event time of its own,
// as a partition of a topic is.
func (r *Run) Send[T any](source string, rows ...T) {
	r.t.Helper()
	s := r.sources[source]
	if name, _, ok := strings.Cut(source, "/"); s == nil && ok {
		s = r.sources[name]
	}
	switch {
	case s == nil:
		r.t.Fatalf("the job has no source %q; it has %v", source, names(r.sources))
	case s.ended:
		r.t.Fatalf("Send to %q after End", source)
	}
	send(s, source, rows)
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
	r.clock.advance(time.Duration(1+r.behind) * r.o.Interval)
	r.behind = 0
	if r.cancel == nil {
		r.start()
	}
	select {
	case b := <-r.reports:
		r.all = append(r.all, b)
		if b.Outcome == report.Failed { // and the job ends
			r.ended, r.err = true, <-r.done
		}
	case err := <-r.done:
		r.ended, r.err = true, err
	case <-time.After(patience):
		r.ended = true
		r.err = fmt.Errorf("no batch at %v: a function of the job does not return, or the checkpoint's last batch is later", r.clock.Now())
	}
	return r.err
}

// patience is how long a batch may take until the test is told so instead of hanging.
const patience = 2 * time.Minute

func (r *Run) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	place := dstream.Place{Sources: map[string]dstream.Connector{}, Sinks: map[string]dstream.RecordSink{}}
	for name, s := range r.sources {
		if !r.o.Real || !r.ownSources[name] {
			place.Sources[name] = s
		}
	}
	for name, s := range r.tables {
		place.Sources[name] = s
	}
	for name, s := range r.sinks {
		if !r.o.Real || !r.ownSinks[name] {
			place.Sinks[name] = s
		}
	}
	go func() {
		err := driver.Run(ctx, context.Background(), r.build, driver.Options{
			Name: "test", Interval: r.o.Interval, Checkpoint: r.o.Checkpoint, Scratch: r.o.Checkpoint + "/scratch", Parallelism: r.o.Parallelism, Workers: r.o.Workers,
			BlockMemory: r.o.BlockMemory, ChunkRows: r.o.ChunkRows, Settings: settings(r.o), Place: place, Clock: r.clock,
			Observe: func(b *report.Batch) { r.reports <- b },
			Rate:    rate.Options{Off: true}, // on this clock a batch takes no time
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

// Restart stops the job and starts build (nil: the same one) on its checkpoint, at the same time of the clock. Rows that were sent and
// not yet taken are still there, and so are those that the sinks have.
func (r *Run) Restart(build func(*dstream.Job)) *Run {
	r.t.Helper()
	r.stop()
	if build == nil {
		build = r.build
	}
	next := Start(r.t, build, r.o)
	next.clock = r.clock
	keep(next.sources, r.sources)
	keep(next.tables, r.tables)
	keep(next.sinks, r.sinks)
	return next
}

func keep[V any](now, before map[string]V) {
	for name, v := range before {
		if _, ok := now[name]; ok {
			now[name] = v
		}
	}
}

// Skip lets the clock jump over n intervals without a batch, as if the engine had been behind: the next batch stands for them too.
func (r *Run) Skip(n int) { r.behind += n }

// Expect compares the rows that a sink has with those that it should have, in any order, and reports those that are missing and those
// that are too many.
func (r *Run) Expect[T any](sink string, want ...T) {
	r.t.Helper()
	if d := diff(r.Rows[T](sink), want); d != "" {
		r.t.Errorf("sink %q:\n%s", sink, d)
	}
}

// diff lists rows that only one side has, by how they print.
func diff[T any](got, want []T) string {
	count := map[string]int{}
	for _, v := range got {
		count[fmt.Sprintf("%+v", v)]++
	}
	for _, v := range want {
		count[fmt.Sprintf("%+v", v)]--
	}
	var out strings.Builder
	for _, row := range names(count) {
		for n := count[row]; n != 0; {
			if n > 0 {
				fmt.Fprintf(&out, "  not expected: %s\n", row)
				n--
				continue
			}
			fmt.Fprintf(&out, "  missing:      %s\n", row)
			n++
		}
	}
	return out.String()
}

// Rows are the rows of committed batches that a sink has taken: batch by batch, in a batch partition by partition, in a partition in
// the order in which they were written. With several partitions which rows come first is the engine's affair: sort, or use Expect.
// Windows that close in one batch come in order within a partition.
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

// Deleted are the rows among Rows whose method Deleted says that they delete their key.
func (r *Run) Deleted[T any](sink string) (out []T) {
	r.t.Helper()
	rows := r.Rows[T](sink)
	for i, deleted := range r.sinks[sink].marks() {
		if deleted {
			out = append(out, rows[i])
		}
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
	for _, o := range s.records() {
		rec := o.Record
		c, err := rdd.Decode[rdd.None, T](rec)
		if err != nil {
			return nil, fmt.Errorf("its rows are no %T, they have the columns %v: ask for the type that the job writes: %w", *new(T), rec.Schema().Fields(), err)
		}
		out = append(out, c.(*rdd.Rows[rdd.None, T]).Vals...)
	}
	return out, nil
}
