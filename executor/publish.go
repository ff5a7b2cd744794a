package executor

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
	"golang.org/x/sync/errgroup"
)

// publish writes what granted attempts made: rows to sinks, bad records to the dead letters, state to the segment. Nothing of
// users' code runs here but their sinks.
func (w *Worker) publish(open *openBatch, m wire.Grant) {
	defer w.running.Done()
	defer open.publishing.Done()
	out := wire.Published{Batch: m.Batch, Round: m.Round}
	var group errgroup.Group
	group.SetLimit(w.o.Slots)
	receipts := make([][]wire.SinkReceipt, len(m.Tasks))
	for i, id := range m.Tasks {
		group.Go(func() (err error) {
			receipts[i], err = w.write(open, id, m.Epoch)
			return err
		})
	}
	saved, err := w.save(m.Tasks)
	if werr := group.Wait(); err == nil {
		err = werr
	}
	if err != nil {
		w.tell(open, wire.PublishFailed{Batch: m.Batch, Round: m.Round, Err: err})
		return
	}
	w.mu.Lock()
	open.saved = append(open.saved, saved...)
	w.mu.Unlock()
	for _, r := range receipts {
		out.Receipts = append(out.Receipts, r...)
	}
	for _, s := range saved {
		out.States = append(out.States, s.ref)
	}
	out.Retired = w.states.takeRetired()
	w.tell(open, out)
}

// write gives the rows of one granted attempt to the sinks that its stage feeds.
func (w *Worker) write(open *openBatch, id rdd.TaskID, epoch int64) ([]wire.SinkReceipt, error) {
	var out []wire.SinkReceipt
	p := open.begin.Plan
	for i := range open.b.Outputs() {
		if id.Program != 0 || open.b.Program.Outputs[i] != id.Stage {
			continue
		}
		w0 := dstream.WriteID{
			Job: w.o.Job, Sink: open.b.OutputName(i), Epoch: epoch, Batch: p.Batch, Timestamp: p.Timestamp,
			Partition: id.Partition, Partitions: open.b.Program.Stages[id.Stage].Parts, Attempt: id.Attempt,
		}
		r, err := w.writeSink(open, i, id, w0)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if r, err := w.writeDead(open, id, epoch, p, open.b.Program.Stages[id.Stage].Parts); err != nil {
		return nil, err
	} else if r != nil {
		out = append(out, *r)
	}
	return out, nil
}

func (w *Worker) writeSink(open *openBatch, i int, id rdd.TaskID, at dstream.WriteID) (wire.SinkReceipt, error) {
	started, offered := time.Now(), int64(0)
	block := rdd.Block{Program: 0, Stage: id.Stage, Partition: id.Partition}
	rows := func(yield func(rdd.Chunk, error) bool) {
		for c, err := range open.blocks.read(block, id.Attempt, open.b.Shape(i)) {
			if err == nil {
				offered += int64(c.Len())
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
	r, err := open.b.Write(open.ctx, i, at, rows)
	if err != nil {
		return wire.SinkReceipt{}, fmt.Errorf("sink %q, partition %d: %w", at.Sink, at.Partition, err)
	}
	return wire.SinkReceipt{Sink: at.Sink, Partition: at.Partition, Partitions: at.Partitions, Offered: offered, Receipt: r, Busy: time.Since(started)}, nil
}

// writeDead writes the bad records that a granted attempt met.
func (w *Worker) writeDead(open *openBatch, id rdd.TaskID, epoch int64, p *dstream.Plan, parts int) (*wire.SinkReceipt, error) {
	w.mu.Lock()
	a := w.attempts[id]
	w.mu.Unlock()
	if a == nil || len(a.dead) == 0 {
		return nil, nil
	}
	started := time.Now()
	at := dstream.WriteID{
		Job: w.o.Job, Sink: fmt.Sprintf("%s/%d", dstream.DeadLetters, id.Stage), Epoch: epoch, Batch: p.Batch, Timestamp: p.Timestamp,
		Partition: id.Partition, Partitions: parts, Attempt: id.Attempt,
	}
	rec, err := (&rdd.Rows[rdd.None, dstream.DeadLetter]{Vals: a.dead}).Record()
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	r, err := w.o.DeadLetters.Write(open.ctx, at, func(yield func(dstream.Output, error) bool) { yield(dstream.Output{Record: rec}, nil) })
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	return &wire.SinkReceipt{Sink: at.Sink, Partition: id.Partition, Partitions: parts, Offered: int64(len(a.dead)), Receipt: r, Busy: time.Since(started)}, nil
}

// save makes the versions durable that granted attempts left.
func (w *Worker) save(tasks []rdd.TaskID) ([]savedState, error) {
	var all []saving
	for _, id := range tasks {
		w.mu.Lock()
		a := w.attempts[id]
		w.mu.Unlock()
		if a == nil || !a.done {
			return nil, fmt.Errorf("task %v was granted here and is not done here", id)
		}
		for _, step := range sortedSteps(a.env.Overlays) {
			all = append(all, saving{a.versions[step], a.env.Overlays[step]})
		}
	}
	return w.states.save(all)
}

func sortedSteps(m map[string]dstream.Overlay) []string {
	var out []string
	for s := range m {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
