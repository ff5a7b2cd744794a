package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// slot runs one task after the other.
func (w *Worker) slot() {
	defer w.running.Done()
	for id := range w.queue {
		if w.ctx.Err() == nil {
			w.run(id)
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
	ctx, cancel := context.WithCancel(w.ctx)
	a.cancel = cancel
	a.env = w.env(open, a)
	w.attempts[id] = a
	w.mu.Unlock()
	defer cancel()

	t := &rdd.Task{Context: ctx, ID: id, Blocks: w.blocks, ChunkRows: w.o.ChunkRows, Env: a.env}
	err := p.Run(t, id.Stage)
	if err == nil {
		a.versions, err = w.versions(id, a.env)
	}
	if err != nil {
		w.blocks.discard(id)
		w.report(wire.TaskFailed{Task: id, Err: err, Busy: time.Since(started)})
		return
	}
	done := wire.TaskDone{
		Task: id, Counts: t.Counts, Notes: a.env.Notes, Splits: a.env.Splits, Steps: w.sizes(id, a.env),
		Spilled: w.blocks.seal(id), Busy: time.Since(started),
	}
	w.mu.Lock()
	a.done = true
	w.mu.Unlock()
	w.report(done)
}

// versions encodes the states that an attempt has touched.
func (w *Worker) versions(id rdd.TaskID, e *dstream.Env) (map[string]version, error) {
	if len(e.Overlays) == 0 {
		return nil, nil
	}
	out := map[string]version{}
	for step, o := range e.Overlays {
		v, err := w.states.version(partition{step, id.Partition}, o)
		if err != nil {
			return nil, fmt.Errorf("state of %s, partition %d: %w", step, id.Partition, err)
		}
		out[step] = v
	}
	return out, nil
}

// env is what the steps of one attempt see.
func (w *Worker) env(open *openBatch, a *attempt) *dstream.Env {
	e := &dstream.Env{
		Plan: open.begin.Plan, Marks: open.begin.Marks, Prev: open.begin.Prev,
		State: func(step string, part int, fresh func() dstream.State) (dstream.State, error) {
			return w.states.of(partition{step, part}, fresh)
		},
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

func (w *Worker) sizes(id rdd.TaskID, e *dstream.Env) map[string]wire.StepSize {
	if len(e.Overlays) == 0 {
		return nil
	}
	out := map[string]wire.StepSize{}
	for step, o := range e.Overlays {
		st, err := w.states.of(partition{step, id.Partition}, nil)
		if err != nil {
			continue // it was there when the task ran; publishing meets the error again
		}
		out[step] = wire.StepSize{Touched: o.Touched(), Keys: st.Keys(), Bytes: st.Bytes()}
	}
	return out
}
