package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

type taskID = rdd.TaskID

// batch is the batch at hand, as the driver sees it: facts and counts, no rows.
type batch struct {
	rec     *planRecord
	program *dstream.Batch
	marks   map[string]int64
	ticks   int64
	redone  bool
	due     time.Time
	asked   time.Duration // since then, when the first source was asked
	line    report.Timeline

	begun    map[schedule.Worker]bool // workers at which it was opened
	lying    map[stageAt]*lying       // where outputs lie
	actions  []wire.Action            // its sub-jobs so far
	opening  wire.Message             // Begin, for all workers
	results  map[place]wire.TaskDone  // of the attempts that count
	attempts map[stageAt]int
	busy     map[stageAt][2]time.Duration // of all attempts: sum, longest
	receipts []wire.SinkReceipt
	states   []savedAt
	programs map[int]*rdd.Program
	action   *action
}

type place struct{ program, stage, partition int }

type stageAt struct{ program, stage int }

// savedAt is a version of state that a worker has published, and keeps.
type savedAt struct {
	ref    wire.StateRef
	worker fleet.Worker
}

func newBatch(rec *planRecord, due time.Time) *batch {
	return &batch{
		rec: rec, due: due, results: map[place]wire.TaskDone{}, attempts: map[stageAt]int{}, busy: map[stageAt][2]time.Duration{},
		programs: map[int]*rdd.Program{}, begun: map[schedule.Worker]bool{}, lying: map[stageAt]*lying{},
	}
}

func (b *batch) since(now time.Time) time.Duration { return max(now.Sub(b.due), 1) }

func (b *batch) ran(now time.Time) {
	if b.line.Ran == 0 {
		b.line.Ran = b.since(now)
	}
}

// makePlan asks the sources, in the background.
func (d *driver) makePlan(c schedule.Plan) {
	asked := d.o.Clock.Now()
	d.background.Go(func() {
		plan, last, err := d.plan.next(d.planning, c.Batch, c.From, c.To)
		d.post(func() { d.planned(c, asked, plan, last, err) })
	})
}

// planned makes the batch's program and hands its shape to the scheduler.
func (d *driver) planned(c schedule.Plan, asked time.Time, plan *dstream.Plan, last bool, err error) {
	if err != nil {
		d.step(schedule.PlanFailed{Batch: c.Batch, Class: classify(err), Err: err})
		return
	}
	d.warnOfLoss(plan)
	d.b = newBatch(&planRecord{Plan: plan, Args: d.o.Settings.Args, Last: last, Rate: d.plan.limits.logged()}, plan.Time)
	d.b.ticks, d.b.asked = int64(c.To-c.From), max(asked.Sub(plan.Time), 0)
	stages, err := d.compile()
	if err != nil {
		d.step(schedule.PlanFailed{Batch: c.Batch, Class: schedule.FailBatch, Err: err})
		return
	}
	plan.Stages = d.b.program.Program.Digest
	d.b.line.Planned = d.b.since(d.o.Clock.Now())
	d.step(schedule.Planned{Batch: c.Batch, Stages: stages, Bodies: d.b.program.Bodies() > 0, Last: last || d.enough()})
}

// warnOfLoss says what the batch goes on without; the plan says it for ever.
func (d *driver) warnOfLoss(plan *dstream.Plan) {
	for _, name := range sortedKeys(plan.Sources) {
		for _, l := range plan.Sources[name].Lost {
			d.o.Warn(fmt.Sprintf("source %q: batch %d goes on without %s, as --accept-loss says", name, plan.Batch, l))
		}
	}
}

// enough tells that the batch at hand is the last one that was asked for.
func (d *driver) enough() bool { return d.o.MaxBatches > 0 && d.done+1 >= d.o.MaxBatches }

// redo hands a plan that was found in the log to the scheduler.
func (d *driver) redo(p *planRecord) {
	d.b = newBatch(p, d.o.Clock.Now())
	to := d.clock.Last(p.Plan.Time)
	d.b.redone, d.b.ticks = true, max(int64(to-d.clock.Last(p.Plan.From)), 1)
	for name, s := range p.Plan.Sources {
		d.plan.widths[name] = len(s.Parts)
	}
	stages, err := d.compile()
	if err == nil && d.b.program.Program.Digest != p.Plan.Stages {
		err = fmt.Errorf("batch %d was planned with other stages (%s, now %s): the job's build function has changed; give its plan up with --replan",
			p.Plan.Batch, p.Plan.Stages, d.b.program.Program.Digest)
	}
	if err != nil {
		d.halt(err, schedule.FailJob)
		return
	}
	d.step(schedule.Recovered{Batch: p.Plan.Batch, To: to, Stages: stages, Bodies: d.b.program.Bodies() > 0, Last: p.Last || d.enough()})
}

// compile cuts the batch at hand into stages.
func (d *driver) compile() ([]schedule.Stage, error) {
	b := d.b
	program, err := d.g.Batch(b.rec.Plan)
	if err != nil {
		return nil, err
	}
	b.program, b.programs[0] = program, program.Program
	b.marks = d.g.Marks(d.last.Progress, b.rec.Plan)
	granted := map[int]bool{}
	for _, s := range program.Program.Outputs[:program.Outputs()] {
		granted[s] = true
	}
	var out []schedule.Stage
	for _, s := range program.Program.Stages {
		g := granted[s.ID] || len(program.Steps(s.ID)) > 0 || d.dead != nil && program.Reads(s.ID)
		prefer, holders := d.preferred(s.ID, s.Parts)
		out = append(out, schedule.Stage{Parents: s.Parents, Parts: s.Parts, Granted: g, Prefer: prefer, Holders: holders})
	}
	return out, nil
}

func (d *driver) logPlan() {
	err := d.append(batchlog.Plan, d.b.rec)
	if err != nil {
		d.step(schedule.LogFailed{Batch: d.b.rec.Plan.Batch, Err: err})
		return
	}
	d.b.line.Logged = d.b.since(d.o.Clock.Now())
	d.step(schedule.PlanLogged{Batch: d.b.rec.Plan.Batch})
}

func (d *driver) append(t batchlog.Type, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.log.Append(t, batchlog.Batch(d.b.rec.Plan.Batch), payload)
}

// previous are the watermarks that the steps ran under in the batch before.
func (d *driver) previous() map[string]int64 {
	out := map[string]int64{}
	for step := range d.b.marks {
		was, ok := d.last.Progress.Marks[step]
		if !ok {
			was = dstream.MinTime
		}
		out[step] = was
	}
	return out
}

// finish runs the sinks' last step, in the background if there is one, balances the ledger, and logs COMMIT.
func (d *driver) finish() {
	b := d.b
	if !b.program.Finishes() {
		d.logCommit(nil)
		return
	}
	d.background.Go(func() {
		err := d.finishSinks(d.now, b)
		d.post(func() { d.logCommit(err) })
	})
}

func (d *driver) finishSinks(ctx context.Context, b *batch) error {
	for i := range b.program.Outputs() {
		name := b.program.OutputName(i)
		id := dstream.WriteID{Job: d.name, Sink: name, Epoch: d.epoch(), Batch: b.rec.Plan.Batch, Timestamp: b.rec.Plan.Timestamp}
		var receipts []dstream.Receipt
		for _, r := range b.sinkReceipts(name) {
			id.Partitions = r.Partitions
			receipts = append(receipts, r.Receipt)
		}
		if err := b.program.Finish(ctx, i, id, receipts); err != nil {
			return fmt.Errorf("sink %q: %w", name, err)
		}
	}
	return nil
}

func (d *driver) logCommit(err error) {
	n := d.b.rec.Plan.Batch
	if err != nil {
		d.step(schedule.LogFailed{Batch: n, Err: err})
		return
	}
	rec := d.commitRecord()
	if err := unbalanced(rec.Report.Ledger); err != nil {
		d.step(schedule.LogFailed{Batch: n, Err: fmt.Errorf("batch %d: %w", n, err)})
		return
	}
	rec.Report.Timeline.Committed = d.b.since(d.o.Clock.Now()) // the log's copy cannot know how long its own sync takes
	d.judge(rec)
	if err := d.append(batchlog.Commit, rec); err != nil {
		d.step(schedule.LogFailed{Batch: n, Err: err})
		return
	}
	logged := d.b.since(d.o.Clock.Now())
	d.synced, rec.Report.Timeline.Committed = logged-rec.Report.Timeline.Committed, logged
	d.last = rec
	d.step(schedule.CommitLogged{Batch: n})
}

// judge lets the rate controller draw its conclusions from the batch, so that COMMIT has them.
func (d *driver) judge(rec *commitRecord) {
	line, stalled := rec.Report.Timeline, false
	for _, s := range rec.Report.Sources {
		stalled = stalled || s.Stalled
	}
	rec.Rate, rec.Report.Rate = d.plan.limits.judged(rec.Report, rate.Batch{
		Time: d.b.rec.Plan.Time, Ticks: d.b.ticks, Stalled: stalled, Delay: d.b.asked, Planning: max(line.Planned-d.b.asked, 0),
		Processing: line.Committed - line.Planned + d.synced, // this sync is as long as the last one
	})
}

// committed tells everyone.
func (d *driver) committed() {
	d.tell(wire.Commit{Epoch: d.epoch(), Batch: d.b.rec.Plan.Batch})
	d.keep()
	d.settle()
	d.done++
	d.plan.committed(d.b.rec.Plan, d.last)
	d.o.Observe(d.last.Report)
	if err := d.collect(); err != nil {
		d.o.Warn("clean up after a commit: " + err.Error())
	}
	for _, s := range d.g.Sources() {
		if err := s.Committed(d.now, d.last.Offsets[s.Name]); err != nil {
			d.o.Warn(err.Error())
		}
	}
}

// collect gives up what no batch can need any more. Most batches find nothing: segments are large.
func (d *driver) collect() error {
	n := d.last.Batch
	if n%collectEvery != 0 {
		return nil
	}
	if err := d.log.Compact(batchlog.Batch(max(n-keptHistory, 1))); err != nil {
		return err
	}
	err := collectSegments(d.st, d.lock.Epoch(), d.writers(), d.last, d.lock.Check)
	if errors.Is(err, store.ErrFenced) {
		return nil // the next append of the log says so
	}
	return err
}

// tell sends a message to all workers at which the batch at hand was opened.
func (d *driver) tell(msg wire.Message) {
	for _, name := range sortedKeys(d.b.begun) {
		if m := d.members[name]; m != nil && m.batch == d.b.rec.Plan.Batch {
			d.crew.Send(m.Worker, msg)
		}
	}
}

const (
	collectEvery = 64    // batches between two looks at what can go
	keptHistory  = 10000 // batches whose reports stay in the log
)

func (d *driver) logAbort(c schedule.LogAbort) {
	b := d.report()
	b.Outcome, b.Error = report.Failed, c.Reason
	err := d.append(batchlog.Abort, abortRecord{c.Reason, b})
	d.o.Observe(b)
	if err != nil {
		d.step(schedule.LogFailed{Batch: c.Batch, Err: err})
		return
	}
	d.step(schedule.AbortLogged{Batch: c.Batch})
}

// abortRecord is the payload of ABORT.
type abortRecord struct {
	Reason string        `json:"reason"`
	Report *report.Batch `json:"report,omitempty"`
}
