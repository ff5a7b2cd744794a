package executor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// slot runs one task after the other.
func (w *Worker) slot() {
	defer w.running.Done()
	for w.ctx.Err() == nil {
		select {
		case id := <-w.queue:
			w.run(id)
		case <-w.ctx.Done():
		}
	}
}

// run runs one attempt and reports how it ended.
func (w *Worker) run(id rdd.TaskID) {
	started := time.Now()
	w.mu.Lock()
	open := w.batch
	if open == nil || open.begin.Plan.Batch != id.Batch || open.programs[id.Program] == nil {
		w.mu.Unlock()
		return // aborted or refused meanwhile
	}
	p := open.programs[id.Program]
	a := &attempt{}
	ctx, cancel := context.WithCancel(open.ctx)
	a.cancel = cancel
	a.env = w.env(ctx, open, a)
	w.attempts[id] = a
	w.mu.Unlock()
	defer cancel()

	blocks := &taskBlocks{w: w, open: open}
	defer blocks.close()
	t := &rdd.Task{Context: ctx, ID: id, Blocks: blocks, ChunkRows: w.o.ChunkRows, Env: a.env}
	err := p.Run(t, id.Stage)
	var steps map[string]wire.StepSize
	if err == nil {
		steps, err = w.versions(id, a)
	}
	w.states.release(slices.Collect(maps.Values(a.states))...) // before the report: what follows it may be the commit
	if err != nil {
		open.blocks.discard(id)
		w.tell(open, wire.TaskFailed{Task: id, Err: err, Busy: time.Since(started)})
		return
	}
	done := wire.TaskDone{
		Task: id, Counts: t.Counts, Notes: a.env.Notes, Splits: a.env.Splits, Steps: steps,
		Spilled: open.blocks.seal(id), Busy: time.Since(started),
	}
	w.mu.Lock()
	a.done = true
	w.mu.Unlock()
	w.tell(open, done)
}

// versions encodes what the overlays of an attempt make of the states that it read, and tells their sizes.
func (w *Worker) versions(id rdd.TaskID, a *attempt) (map[string]wire.StepSize, error) {
	if len(a.env.Overlays) == 0 {
		return nil, nil
	}
	sizes := map[string]wire.StepSize{}
	a.versions = map[string]version{}
	for step, o := range a.env.Overlays {
		now := a.states[step]
		v, err := w.states.version(now, o)
		if err != nil {
			return nil, fmt.Errorf("state of %s, partition %d: %w", step, id.Partition, err)
		}
		a.versions[step] = v
		sizes[step] = wire.StepSize{Touched: o.Touched(), Keys: now.state.Keys(o), Bytes: now.state.Bytes()}
	}
	return sizes, nil
}

// env is what the steps of one attempt see.
func (w *Worker) env(ctx context.Context, open *openBatch, a *attempt) *dstream.Env {
	e := &dstream.Env{
		Plan: open.begin.Plan, Marks: open.begin.Marks, Prev: open.begin.Prev,
		State: func(step string, part int) (dstream.State, error) { return w.read(ctx, a, partition{step, part}) },
		Table: func(name string) (any, error) {
			digest, ok := open.begin.Plan.Tables[name]
			if !ok {
				return nil, fmt.Errorf("table %q is not part of the plan", name)
			}
			return w.tables.of(name, digest)
		},
	}
	if w.o.DeadLetters != nil {
		e.Reject = func(d dstream.DeadLetter) error {
			a.dead = append(a.dead, d)
			return nil
		}
	}
	return e
}

// read gives an attempt the state of a partition, until it ends.
func (w *Worker) read(ctx context.Context, a *attempt, p partition) (dstream.State, error) {
	if now, ok := a.states[p.step]; ok {
		return now.state, nil
	}
	now, err := w.states.read(ctx, p)
	if err != nil {
		return nil, err
	}
	if a.states == nil {
		a.states = map[string]*heldState{}
	}
	a.states[p.step] = now
	return now.state, nil
}
