package driver

import (
	"context"
	"errors"
	"sync"

	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// action is the sub-job that a ForEach body waits for.
type action struct {
	program int
	stage   int // whose blocks are the result
	done    chan actionResult
}

type actionResult struct {
	chunks []rdd.Chunk
	err    error
}

// runBodies runs the ForEach bodies of the batch at hand, one after the other, off the driver's goroutine.
func (d *driver) runBodies() {
	b := d.b
	d.background.Go(func() {
		var err error
		programs := 0
		for i := range b.program.Bodies() {
			r := &bodyRunner{d: d, b: b, body: i, programs: &programs}
			if err = b.program.RunBody(d.now, i, r); err != nil {
				break
			}
		}
		d.post(func() { d.step(schedule.BodiesDone{Batch: b.rec.Plan.Batch, Err: err}) })
	})
}

// bodyRunner sends the actions of one body to the scheduler as sub-jobs, and keeps their results for the workers that replay it.
type bodyRunner struct {
	d        *driver
	b        *batch
	body     int
	programs *int // sub-jobs of the batch so far

	busy     sync.Mutex
	recorded [][]rdd.Chunk
	rows     int
}

// maxRecorded bounds what the actions of a body may give it, in rows: each worker that replays the body needs it too.
const maxRecorded = 1 << 20

// Collect runs an action.
func (r *bodyRunner) Collect(ctx context.Context, n *rdd.Node) ([]rdd.Chunk, error) {
	if !r.busy.TryLock() {
		return nil, errors.New("two actions at the same time: the actions of a ForEach body must not overlap")
	}
	defer r.busy.Unlock()
	p, err := rdd.Compile(n)
	if err != nil {
		return nil, err
	}
	*r.programs++
	a := &action{program: *r.programs, stage: p.Outputs[0], done: make(chan actionResult, 1)}
	m := wire.Action{
		Epoch: r.d.epoch(), Batch: r.b.rec.Plan.Batch, Program: a.program, Body: r.body, Index: len(r.recorded), Recorded: r.recorded, Digest: p.Digest,
	}
	r.d.post(func() { r.d.request(a, p, m) })
	select {
	case got := <-a.done:
		if got.err != nil {
			return nil, got.err
		}
		for _, c := range got.chunks {
			r.rows += c.Len()
		}
		if r.rows > maxRecorded {
			return nil, errors.New("the actions of a ForEach body gave it more than 1,048,576 rows: write large results to a sink")
		}
		r.recorded = append(r.recorded, got.chunks)
		return got.chunks, nil
	case <-r.d.over:
		return nil, errors.New("the job has ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// request opens a sub-job at the worker and hands it to the scheduler.
func (d *driver) request(a *action, p *rdd.Program, m wire.Action) {
	d.b.action, d.b.programs[a.program] = a, p
	d.begin()
	d.w.Take(m)
	var stages []schedule.Stage
	body := d.b.program.Program.Outputs[d.b.program.Outputs()+m.Body]
	for _, s := range p.Stages {
		stages = append(stages, schedule.Stage{Parents: s.Parents, Parts: s.Parts, Main: []int{body}})
	}
	d.step(schedule.Requested{Batch: m.Batch, Program: a.program, Stages: stages})
}

// actionDone fetches the result of the sub-job that has finished, or ends its action with an error.
func (d *driver) actionDone(err error) {
	a := d.b.action
	if a == nil {
		return
	}
	if err != nil {
		a.done <- actionResult{err: err}
		return
	}
	d.w.Take(wire.Fetch{Epoch: d.epoch(), Batch: d.b.rec.Plan.Batch, Program: a.program, Stage: a.stage})
}

func (d *driver) fetched(r wire.Fetched) {
	if a := d.b.action; a != nil && a.program == r.Program {
		d.b.action = nil
		a.done <- actionResult{r.Chunks, r.Err}
	}
}
