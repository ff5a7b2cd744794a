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

	from   map[schedule.Worker][]int // partitions that are still to come, once they are asked for
	chunks map[int][]rdd.Chunk       // by partition
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
		r.recorded = append(r.recorded, got.chunks) // as they came: sent on, they are copied
		return wire.Open(got.chunks, n.Shape)
	case <-r.d.over:
		return nil, errors.New("the job has ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// request hands a sub-job to the scheduler. Workers hear of it with the first task that they get of it.
func (d *driver) request(a *action, p *rdd.Program, m wire.Action) {
	d.b.action, d.b.programs[a.program] = a, p
	d.b.actions = append(d.b.actions, m)
	body := d.b.program.Program.Outputs[d.b.program.Outputs()+m.Body]
	d.step(schedule.Requested{Batch: m.Batch, Program: a.program, Stages: subStages(p, body)})
}

// actionDone fetches the result of the sub-job that has finished, or ends its action with an error.
func (d *driver) actionDone(err error) {
	a := d.b.action
	if a == nil {
		return
	}
	if err != nil {
		d.b.action = nil
		a.done <- actionResult{err: err}
		return
	}
	a.chunks, a.from = map[int][]rdd.Chunk{}, map[schedule.Worker][]int{}
	for _, o := range d.sched.Outputs(nil, d.b.rec.Plan.Batch, a.program, a.stage) {
		a.from[o.Worker] = append(a.from[o.Worker], o.Task.Partition)
	}
	for _, w := range sortedKeys(a.from) {
		d.sendTo(w, wire.Fetch{Epoch: d.epoch(), Batch: d.b.rec.Plan.Batch, Program: a.program, Stage: a.stage, Partitions: a.from[w]})
	}
	d.collected(nil)
}

// fetched takes the part of a result that lies at one worker.
func (d *driver) fetched(m *member, r wire.Fetched) {
	if d.b == nil || d.b.action == nil || d.b.action.program != r.Program || d.b.rec.Plan.Batch != r.Batch {
		return
	}
	a := d.b.action
	for i, chunks := range r.Chunks {
		a.chunks[r.Partitions[i]] = chunks
	}
	delete(a.from, m.name())
	d.collected(r.Err)
}

// collected ends the action once all of its result is there.
func (d *driver) collected(err error) {
	a := d.b.action
	if err == nil && len(a.from) > 0 {
		return
	}
	d.b.action = nil
	r := actionResult{err: err}
	for _, p := range sortedKeys(a.chunks) {
		r.chunks = append(r.chunks, a.chunks[p]...)
	}
	a.done <- r
}

// lost tells whether a worker was lost that has yet to give its part of the result.
func (a *action) lost(w schedule.Worker) bool { return a.from[w] != nil }
