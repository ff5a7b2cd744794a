package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// Options are a worker's settings.
type Options struct {
	Slots       int                // tasks at a time; ≥ 1
	ChunkRows   int                // rows of a full chunk; default rdd.DefaultChunkRows
	BlockMemory int64              // bytes of blocks in memory; what is more goes to Scratch; default 256 MiB
	Scratch     string             // folder of this worker's own, emptied when it starts
	Segments    Segments           // where state becomes durable
	States      []wire.StateRef    // committed versions at the start
	Job         string             // for WriteIDs
	DeadLetters dstream.RecordSink // nil: a bad record fails its batch
	Tables      Tables
	Waiting     func(string) func() // see dstream.WatchWaiting; nil = nobody watches
}

// Tables gives a worker the frozen tables that a plan names.
type Tables interface {
	// Rows returns the records of a frozen table.
	Rows(digest string) ([]arrow.Record, error)
}

func (o Options) withDefaults() Options {
	o.Slots = max(o.Slots, 1)
	if o.ChunkRows == 0 {
		o.ChunkRows = rdd.DefaultChunkRows
	}
	if o.BlockMemory == 0 {
		o.BlockMemory = 256 << 20
	}
	return o
}

// Worker runs the tasks of one job. Messages are taken one after the other; tasks run in slots, and their reports come when they
// are done, in any order.
type Worker struct {
	o       Options
	g       *dstream.Graph
	report  func(wire.Report)
	blocks  *blockStore
	states  *states
	tables  *tableCache
	ctx     context.Context
	stop    context.CancelFunc
	queue   chan rdd.TaskID
	running sync.WaitGroup

	mu       sync.Mutex
	epoch    int64
	batch    *openBatch
	attempts map[rdd.TaskID]*attempt
}

// openBatch is the batch at hand.
type openBatch struct {
	begin    wire.Begin
	b        *dstream.Batch
	programs map[int]*rdd.Program
	saved    []savedState
}

// attempt is what is left of one attempt beside its blocks.
type attempt struct {
	env      *dstream.Env
	versions map[string]version // of the states that it touched, by step
	dead     []dstream.DeadLetter
	cancel   context.CancelFunc
	done     bool
}

// NewWorker starts a worker of an opened graph. report is called from several goroutines and must not block for long. Close it.
func NewWorker(g *dstream.Graph, o Options, report func(wire.Report)) (*Worker, error) {
	o = o.withDefaults()
	if err := os.RemoveAll(o.Scratch); err != nil {
		return nil, fmt.Errorf("empty the scratch folder: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	if o.Waiting != nil {
		ctx = dstream.WatchWaiting(ctx, o.Waiting)
	}
	w := &Worker{
		o: o, g: g, report: report, ctx: ctx, stop: stop,
		blocks: newBlockStore(o.BlockMemory, o.Scratch),
		states: &states{segments: o.Segments, live: map[partition]wire.StateRef{}, held: map[partition]dstream.State{}},
		tables: newTableCache(g, o.Tables), queue: make(chan rdd.TaskID, 1024), attempts: map[rdd.TaskID]*attempt{},
	}
	for _, r := range o.States {
		w.states.live[partition{r.Step, r.Partition}] = r
	}
	for range o.Slots {
		w.running.Add(1)
		go w.slot()
	}
	return w, nil
}

// Close ends all tasks, waits for them, and gives up what the worker holds.
func (w *Worker) Close() error {
	w.stop()
	close(w.queue)
	w.running.Wait()
	err := w.states.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.batch != nil {
		w.blocks.drop(w.batch.begin.Plan.Batch)
	}
	return errors.Join(err, os.RemoveAll(w.o.Scratch))
}

// Take does what a message asks for. Long work (tasks, publishing) only starts here.
func (w *Worker) Take(m wire.Message) {
	switch m := m.(type) {
	case wire.Begin:
		w.begin(m)
	case wire.Action:
		w.action(m)
	case wire.Launch:
		w.launch(m)
	case wire.Cancel:
		w.cancel(m)
	case wire.Grant:
		w.running.Add(1)
		go w.publish(m)
	case wire.Fetch:
		w.fetch(m)
	case wire.Commit:
		w.commit(m)
	case wire.Abort:
		w.abort(m)
	}
}

// stale tells whether a message is of an older epoch: from a driver that has been replaced.
func (w *Worker) stale(epoch int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.epoch = max(w.epoch, epoch)
	return epoch < w.epoch
}

func (w *Worker) begin(m wire.Begin) {
	if w.stale(m.Epoch) {
		return
	}
	b, err := w.g.Batch(m.Plan)
	if err == nil && b.Program.Digest != m.Plan.Stages {
		err = &wire.DigestError{Driver: m.Plan.Stages, Worker: b.Program.Digest}
	}
	if err != nil {
		w.report(wire.Refused{Batch: m.Plan.Batch, Err: err})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batch = &openBatch{begin: m, b: b, programs: map[int]*rdd.Program{0: b.Program}}
	clear(w.attempts)
}

func (w *Worker) action(m wire.Action) {
	open := w.open(m.Epoch, m.Batch)
	if open == nil {
		return
	}
	p, err := open.b.Action(w.ctx, m.Body, m.Index, m.Recorded)
	if err == nil && p.Digest != m.Digest {
		err = &wire.DigestError{Driver: m.Digest, Worker: p.Digest}
	}
	if err != nil {
		w.report(wire.Refused{Batch: m.Batch, Program: m.Program, Err: err})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	open.programs[m.Program] = p
}

// open returns the batch at hand if it is the one that a message means.
func (w *Worker) open(epoch, batch int64) *openBatch {
	if w.stale(epoch) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.batch == nil || w.batch.begin.Plan.Batch != batch {
		return nil
	}
	return w.batch
}

func (w *Worker) launch(m wire.Launch) {
	for _, id := range m.Tasks {
		if w.open(m.Epoch, id.Batch) != nil {
			w.queue <- id
		}
	}
}

func (w *Worker) cancel(m wire.Cancel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range m.Tasks {
		if a := w.attempts[id]; a != nil {
			a.cancel()
		}
	}
}

func (w *Worker) fetch(m wire.Fetch) {
	open := w.open(m.Epoch, m.Batch)
	if open == nil {
		return
	}
	w.mu.Lock()
	p := open.programs[m.Program]
	w.mu.Unlock()
	out := wire.Fetched{Batch: m.Batch, Program: m.Program}
	s := p.Stages[m.Stage]
	for part := range s.Parts {
		for c, err := range w.blocks.read(m.Batch, rdd.Block{Program: m.Program, Stage: m.Stage, Partition: part}, s.Node.Shape) {
			if err != nil {
				out.Err = err
				break
			}
			out.Chunks = append(out.Chunks, c)
		}
	}
	w.report(out)
}

func (w *Worker) commit(m wire.Commit) {
	open := w.open(m.Epoch, m.Batch)
	if open == nil {
		return
	}
	w.states.commit(open.saved)
	w.end(m.Batch)
}

func (w *Worker) abort(m wire.Abort) {
	if w.open(m.Epoch, m.Batch) != nil {
		w.end(m.Batch)
	}
}

func (w *Worker) end(batch int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.attempts {
		a.cancel()
	}
	clear(w.attempts)
	w.batch = nil
	w.blocks.drop(batch)
}
