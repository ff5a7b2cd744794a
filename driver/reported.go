package driver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// reported takes a worker's report. What comes from an attempt that does not count, a copy that came second or a worker that was given up,
// is dropped before anything of it is kept.
func (d *driver) reported(w fleet.Worker, r wire.Report) {
	m := d.member(w)
	if m == nil || d.halted {
		return
	}
	switch r := r.(type) {
	case wire.TaskDone:
		if d.current(r.Task, m) {
			d.taskDone(m, r)
		}
	case wire.TaskFailed:
		if d.current(r.Task, m) {
			d.b.count(r.Task, r.Busy)
			d.taskFailed(m, r)
		}
	case wire.Refused:
		d.halt(fmt.Errorf("batch %d: worker %s: %w", r.Batch, m.Name, r.Err), schedule.FailJob)
	case wire.Published:
		d.published(m, r)
	case wire.PublishFailed:
		d.step(schedule.PublishFailed{Batch: r.Batch, Worker: m.name(), Round: r.Round, Class: classify(r.Err), Err: r.Err})
	case wire.Fetched:
		d.fetched(m, r)
	case wire.Restored:
		d.restored(m, r)
	case wire.Waiting:
		d.waiting(m, r)
	}
}

// current tells whether a report is of an attempt whose end the scheduler waits for.
func (d *driver) current(t taskID, m *member) bool {
	return d.b != nil && d.b.rec.Plan.Batch == t.Batch && d.sched.Runs(schedule.TaskID(t), m.name())
}

func (d *driver) taskDone(m *member, r wire.TaskDone) {
	d.b.count(r.Task, r.Busy)
	if err := d.b.check(r); err != nil {
		d.step(schedule.TaskFailed{Task: schedule.TaskID(r.Task), Worker: m.name(), Class: schedule.FailBatch, Err: err})
		return
	}
	at := place{r.Task.Program, r.Task.Stage, r.Task.Partition}
	if was, again := d.b.results[at]; again && differ(was.Counts, r.Counts) {
		d.step(schedule.TaskFailed{
			Task: schedule.TaskID(r.Task), Worker: m.name(), Class: schedule.FailBatch, Err: d.located(wire.TaskFailed{Task: r.Task, Err: errDiffers}),
		})
		return
	}
	d.b.results[at] = r
	d.b.changed(r.Task.Program, r.Task.Stage)
	d.step(schedule.TaskDone{Task: schedule.TaskID(r.Task), Worker: m.name()})
}

// errDiffers says that lineage does not hold: what is made again is not what was lost.
var errDiffers = errors.New("a lost output was computed again and came out different: the functions above this exchange must give the same rows in the same order " +
	"each time; look for the clock, random numbers (Context.Rand is repeatable), iteration over a map, or goroutines in them")

// differ compares what two attempts at a partition gave to each bucket: the numbers of rows, and their keys in order.
func differ(a, b rdd.Counts) bool {
	return a.Out != b.Out || !slices.Equal(a.Sent, b.Sent) || !slices.Equal(a.Digests, b.Digests)
}

func (d *driver) published(m *member, r wire.Published) {
	if d.b == nil || !d.sched.Awaits(r.Batch, m.name(), r.Round) {
		return
	}
	d.b.receipts = append(d.b.receipts, r.Receipts...)
	for _, ref := range r.States {
		d.b.states = append(d.b.states, savedAt{ref, m.Worker})
	}
	for _, name := range r.Retired {
		m.retired[name] = true
	}
	d.b.line.Published = d.b.since(d.o.Clock.Now())
	d.step(schedule.Published{Batch: r.Batch, Worker: m.name(), Round: r.Round})
}

func (b *batch) count(t taskID, busy time.Duration) {
	at := stageAt{t.Program, t.Stage}
	b.attempts[at]++
	was := b.busy[at]
	b.busy[at] = [2]time.Duration{was[0] + busy, max(was[1], busy)}
}

func (d *driver) taskFailed(m *member, r wire.TaskFailed) {
	var fetch *rdd.FetchError
	if !errors.As(r.Err, &fetch) {
		d.step(schedule.TaskFailed{Task: schedule.TaskID(r.Task), Worker: m.name(), Class: classify(r.Err), Err: d.located(r)})
		return
	}
	missing := schedule.TaskID{Batch: r.Task.Batch, Program: fetch.Block.Program, Stage: fetch.Block.Stage, Partition: fetch.Block.Partition}
	out := schedule.Output{Task: missing}
	if fetch.Attempt > 0 {
		out.Task.Attempt = fetch.Attempt
	} else if done, ok := d.b.results[place{fetch.Block.Program, fetch.Block.Stage, fetch.Block.Partition}]; ok {
		out.Task.Attempt = done.Task.Attempt
	}
	lost := []schedule.Output{out}
	if fetch.Cut {
		lost = d.besides(out)
	}
	d.b.changed(fetch.Block.Program, fetch.Block.Stage)
	d.step(schedule.FetchFailed{Task: schedule.TaskID(r.Task), Worker: m.name(), Missing: lost, Cut: fetch.Cut})
}

// besides lists what else of a stage lies where a missing output lies. When that worker cannot be reached none of it can be had: found out one
// by one, the loss of one worker would cost a reader all its attempts.
func (d *driver) besides(missing schedule.Output) []schedule.Output {
	all := d.sched.Outputs(nil, missing.Task.Batch, missing.Task.Program, missing.Task.Stage)
	i := slices.IndexFunc(all, func(o schedule.Output) bool { return o.Task == missing.Task })
	if i < 0 {
		return []schedule.Output{missing} // it is made again already
	}
	holder := all[i].Worker
	return slices.DeleteFunc(all, func(o schedule.Output) bool { return o.Worker != holder })
}

// located says which step of which stage failed.
func (d *driver) located(r wire.TaskFailed) error {
	p := d.b.programs[r.Task.Program]
	if p == nil || r.Task.Stage >= len(p.Stages) {
		return r.Err
	}
	return fmt.Errorf("%s: %w", stageName(p.Stages[r.Task.Stage]), r.Err)
}
