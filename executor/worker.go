package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/flight"
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
	Warn        func(string)        // for what the user should know and no batch fails of; any goroutine; nil = nobody listens
	Still       bool                // states are not gathered into snapshots in the background: to measure what that costs
	Fetcher     Fetcher             // how blocks of other workers are read; nil: there are none
}

// Fetcher opens streams of blocks that lie at other workers. A flight.Client is one.
type Fetcher interface {
	Open(ctx context.Context, address string, t flight.Ticket) (*flight.Reader, error)
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
	taking  sync.RWMutex // read-locked in Take
	closed  bool         // set with taking

	mu       sync.Mutex
	epoch    int64
	self     uint64 // incarnation of the attachment to the driver; 0 in local mode
	peers    []wire.Peer
	batch    *openBatch
	pending  pendingStates // of the batch at hand when the last driver was lost
	attempts map[rdd.TaskID]*attempt
}

// openBatch is the batch at hand.
type openBatch struct {
	begin    wire.Begin
	b        *dstream.Batch
	programs map[int]*rdd.Program
	saved    []savedState
	outputs  outputs // where blocks lie
	blocks   *batchBlocks

	ctx        context.Context // of all its work; ends with it
	stop       context.CancelFunc
	publishing sync.WaitGroup // grants under way
}

// attempt is what is left of one attempt beside its blocks.
type attempt struct {
	env      *dstream.Env
	states   map[string]*heldState // that it reads, by step
	versions map[string]version    // of those that it touched
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
		states: newStates(stateOptions{segments: o.Segments, fresh: g.NewState, slots: o.Slots, warn: o.Warn, still: o.Still}),
		tables: newTableCache(g, o.Tables), queue: make(chan rdd.TaskID, 1024), attempts: map[rdd.TaskID]*attempt{},
	}
	w.states.want(o.States)
	for range o.Slots {
		w.running.Add(1)
		go w.slot()
	}
	return w, nil
}

// Close ends all tasks, waits for them, and gives up what the worker holds. Messages may come meanwhile and later, and change nothing.
func (w *Worker) Close() error {
	w.stop()
	w.taking.Lock() // what is being taken ends now that stop was called
	was := w.closed
	w.closed = true
	w.taking.Unlock()
	if was {
		return nil
	}
	w.running.Wait()
	err := w.states.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.batch != nil {
		w.batch.close()
	}
	return errors.Join(err, os.RemoveAll(w.o.Scratch))
}

// Take does what a message asks for, and nothing after Close. Long work (tasks, publishing) only starts here.
func (w *Worker) Take(m wire.Message) {
	w.taking.RLock()
	defer w.taking.RUnlock()
	if w.closed {
		return
	}
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
		if open := w.open(m.Epoch, m.Batch); open != nil {
			w.running.Add(1)
			open.publishing.Add(1)
			go w.publish(open, m)
		}
	case wire.Fetch:
		w.fetch(m)
	case wire.Commit:
		w.commit(m)
	case wire.Abort:
		w.abort(m)
	case wire.Peers:
		w.meet(m)
	case wire.Restore:
		w.restore(m)
	case wire.Release:
		w.release(m)
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
	w.states.pace.opened()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.batch != nil { // the driver never said how it ended
		w.batch.close()
	}
	ctx, stop := context.WithCancel(w.ctx)
	w.batch = &openBatch{
		ctx: ctx, stop: stop, blocks: w.blocks.open(),
		begin: m, b: b, programs: map[int]*rdd.Program{0: b.Program},
		outputs: outputs{peers: w.peers, self: w.self, of: map[stageAt]*wire.Outputs{}},
	}
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
	if len(m.Tasks) == 0 {
		return
	}
	open := w.open(m.Epoch, m.Tasks[0].Batch)
	if open == nil {
		return
	}
	w.mu.Lock()
	open.outputs.told(m.Outputs)
	w.mu.Unlock()
	w.states.want(m.States)
	for _, id := range m.Tasks {
		select {
		case w.queue <- id:
		case <-w.ctx.Done():
			return
		}
	}
}

// meet takes the numbers by which the driver names other workers.
func (w *Worker) meet(m wire.Peers) {
	if w.stale(m.Epoch) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.From > len(w.peers) {
		return // a message before it was lost with its stream, and with that this attachment
	}
	w.peers = append(w.peers[:m.From:m.From], m.Peers...)
	if w.batch != nil {
		w.batch.outputs.peers = w.peers
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

func (w *Worker) commit(m wire.Commit) {
	open := w.open(m.Epoch, m.Batch)
	if open == nil {
		w.settled(m.Batch, true)
		return
	}
	w.states.commit(open.saved)
	w.end()
}

func (w *Worker) abort(m wire.Abort) {
	w.settled(m.Batch, false)
	if w.open(m.Epoch, m.Batch) != nil {
		w.states.abandon()
		w.end()
	}
}

// end gives up the batch at hand.
func (w *Worker) end() {
	w.states.pace.ended()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batch.close()
	clear(w.attempts)
	w.batch = nil
}

// close ends what still runs for the batch and drops its blocks.
func (o *openBatch) close() {
	o.stop()
	o.blocks.drop()
}

// tell reports to the driver what was done for a batch, unless that is over: under the next driver its tasks have the same numbers.
func (w *Worker) tell(open *openBatch, r wire.Report) {
	w.mu.Lock()
	current := w.batch == open
	w.mu.Unlock()
	if current {
		w.report(r)
	}
}
