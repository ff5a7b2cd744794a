package simulate

import (
	"errors"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
)

// driver is one life of a driver: what driver.Run is, as far as scheduler, log and workers are concerned. What it does takes
// time, and in between it may die or be paused.
type driver struct {
	w            *world
	id           int
	dead, paused bool
	inbox        []func() // while it is paused
	view         *view
	st           *store.Dir
	fence        *fence
	log          *batchlog.Log
	s            *schedule.Scheduler
	happened     []schedule.Event
	streams      map[schedule.Worker]*stream
	holder       []schedule.Worker // of each partition's state
	last         result            // the last batch that has happened
	at           *batch            // at hand
	early        *batchlog.Recovery

	// what the watcher remembers of it
	launched  map[schedule.TaskID]bool
	finished  map[place]bool
	published map[place]bool
	grants    map[place]granting
	current   map[place]schedule.Output
	extra     []schedule.Output
}

type batch struct {
	plan
	stages []schedule.Stage
	states []uint64 // versions that were published
}

type place struct{ stage, partition int }

type granting struct{ round, attempt int }

var errHopeless = errors.New("no attempt can succeed")

var logOptions = batchlog.Options{SegmentSize: 700}

// start begins a driver that takes over from whoever there was.
func (w *world) start() {
	if d := w.claimed(); d != nil {
		d.later(w.upTo(4*ms), d.recover)
	}
}

// startNow does the same while another driver is in the middle of a call.
func (w *world) startNow() {
	if d := w.claimed(); d != nil {
		d.recover()
	}
}

func (w *world) newest() *driver { return w.drivers[len(w.drivers)-1] }

func (w *world) claimed() *driver {
	d := &driver{w: w, id: len(w.drivers), streams: map[schedule.Worker]*stream{}, holder: make([]schedule.Worker, w.parts),
		launched: map[schedule.TaskID]bool{}, current: map[place]schedule.Output{}}
	d.view = &view{FS: w.disk, d: d}
	w.drivers = append(w.drivers, d)
	w.say("start", int64(d.id))
	if w.wrong(10) {
		d.view.dieAt = 1 + w.rng.IntN(60)
	}
	var err error
	if d.st, err = store.OpenDir("/ck", store.DirOptions{FS: d.view}); err == nil {
		if w.bug == recoverBeforeClaim {
			d.early, err = readEarly(d.st)
		} else {
			d.fence, err = claim(d.st)
		}
	}
	if err != nil {
		d.end(err)
		return nil
	}
	return d
}

func readEarly(st store.Store) (*batchlog.Recovery, error) {
	rec, err := batchlog.Read(st)
	return &rec, err
}

func (d *driver) epoch() int64 { return int64(d.fence.epoch) }

// end is what happens on an error of the store.
func (d *driver) end(err error) {
	if d.dead {
		return
	}
	d.dead = true
	d.w.say("end", int64(d.id))
	d.w.watch.halted(d, err)
	d.w.after(5*ms+d.w.upTo(20*ms), d.w.supervise)
}

// die ends the process at once, and perhaps the machine with the disk and every driver on it.
func (d *driver) die() {
	if d.dead {
		return
	}
	w := d.w
	d.dead = true
	w.say("die", int64(d.id))
	w.meet("driver died")
	if w.chance(50) {
		w.meet("power cut")
		w.disk = w.disk.PowerCut(w.rng.Uint64(), 0.5)
		for _, o := range w.drivers {
			o.dead = true
		}
	}
	w.after(5*ms+w.upTo(20*ms), w.supervise)
}

func (w *world) supervise() {
	if w.newest().dead {
		w.start()
	}
}

func (d *driver) later(after time.Duration, do func()) {
	d.w.after(after, func() { d.run(do) })
}

func (d *driver) run(do func()) {
	switch {
	case d.dead:
	case d.paused:
		d.inbox = append(d.inbox, do)
	default:
		do()
	}
}

func (d *driver) resume() {
	d.paused = false
	for len(d.inbox) > 0 && !d.paused {
		do := d.inbox[0]
		d.inbox = d.inbox[1:]
		d.run(do)
	}
}

// recover opens the log and goes on from there.
func (d *driver) recover() {
	var err error
	if d.w.bug == recoverBeforeClaim {
		if d.fence, err = claim(d.st); err != nil {
			d.end(err)
			return
		}
	}
	d.fence.blind = d.w.bug == blindFence
	log, rec, err := batchlog.Open(d.st, d.fence, logOptions)
	if err != nil && d != d.w.newest() {
		err = store.ErrFenced // files vanish below a driver that was replaced while it opened the log
	}
	if err != nil {
		d.end(err)
		return
	}
	d.log = log
	d.w.say("recover", int64(d.id), d.epoch())
	if d.early != nil {
		rec = *d.early
	}
	d.w.watch.recovered(rec)
	d.last.states = make([]uint64, d.w.parts)
	if rec.Commit != nil {
		d.last = decodeResult(rec.Commit.Payload, d.w.parts)
	}
	o := schedule.Options{Interval: interval, Committed: d.last.batch, Last: schedule.Tick(d.last.tick), Retries: 1 << 20, StageAttempts: 1 << 20,
		Speculate: float64(d.w.seed % 3), SpeculateQuantile: 0.5, SpeculateAll: d.w.all, AsideAfter: 2 + int(d.w.seed%3), AsideFor: 50 * ms}
	if d.s, err = schedule.New(o); err != nil {
		d.w.watch.badf("%v", err)
		return
	}
	if len(rec.Open) > 0 && d.w.bug == forgetPlan {
		d.append(batchlog.Abort, decodePlan(rec.Open[0].Payload), nil)
		rec.Open = nil
	}
	for _, x := range d.w.workers {
		d.attach(x)
	}
	for _, r := range rec.Open {
		p := decodePlan(r.Payload)
		d.open(p)
		d.step(schedule.Recovered{Batch: p.batch, To: schedule.Tick(p.tick), Stages: d.at.stages})
	}
	d.tick()
}

func (d *driver) tick() {
	if t := int64(d.w.now / interval); t > 0 {
		d.step(schedule.Due{Tick: schedule.Tick(t)})
	}
	d.later(interval, d.tick)
}

func (d *driver) open(p plan) {
	d.at = &batch{plan: p, states: make([]uint64, d.w.parts)}
	d.at.stages = d.stages()
	d.finished, d.published, d.grants = map[place]bool{}, map[place]bool{}, map[place]granting{}
	d.extra = nil
	clear(d.current)
}

func (d *driver) step(e schedule.Event) {
	d.happened = append(d.happened, e)
	if len(d.happened) > 1 {
		return // the caller is below this very loop
	}
	for i := 0; i < len(d.happened) && !d.dead; i++ {
		for _, c := range d.s.Step(time.Unix(0, int64(d.w.now)), d.happened[i]) {
			if !d.dead {
				d.do(c)
			}
		}
	}
	d.happened = d.happened[:0]
}

func (d *driver) do(c schedule.Command) {
	w := d.w
	switch c := c.(type) {
	case schedule.Plan:
		d.later(w.upTo(3*ms), func() { d.plan(c) })
	case schedule.LogPlan:
		d.later(w.upTo(2*ms), d.logPlan)
	case schedule.Launch:
		d.launch(c)
	case schedule.Cancel:
		w.meet("cancel")
		d.streams[c.Worker].send(message{kind: cancel, epoch: d.epoch(), tasks: c.Tasks})
	case schedule.Grant:
		d.grant(c)
	case schedule.LogCommit:
		d.later(w.upTo(2*ms), d.logCommit)
	case schedule.Committed:
		for _, x := range w.workers {
			if s := x.stream; s != nil && s.d == d {
				s.send(message{kind: commit, epoch: d.epoch(), batch: c.Batch})
			}
		}
	case schedule.LogAbort:
		d.later(w.upTo(2*ms), func() {
			d.append(batchlog.Abort, d.at.plan, schedule.AbortLogged{Batch: c.Batch})
		})
	case schedule.SetAside:
		w.meet("set aside")
	case schedule.Drained:
		w.meet("drained")
		d.streams[c.Worker].x.die()
	case schedule.WakeAt:
		d.later(c.Time.Sub(time.Unix(0, int64(w.now))), func() { d.step(schedule.Wake{}) })
	case schedule.Halt:
		d.end(c.Err)
	}
}

func (d *driver) plan(c schedule.Plan) {
	p := plan{batch: c.Batch, id: d.w.number(), from: d.last.to, to: d.last.to + 1 + int64(d.w.rng.IntN(9)), tick: int64(c.To)}
	d.open(p)
	d.step(schedule.Planned{Batch: c.Batch, Stages: d.at.stages})
}

func (d *driver) logPlan() {
	p := d.at.plan
	if d.w.bug == launchBeforePlan {
		d.step(schedule.PlanLogged{Batch: p.batch})
		d.later(20*ms, func() { d.append(batchlog.Plan, p, nil) })
		return
	}
	d.append(batchlog.Plan, p, schedule.PlanLogged{Batch: p.batch})
}

// append writes a record, and tells the scheduler when it is durable.
func (d *driver) append(t batchlog.Type, p plan, then schedule.Event) {
	c := d.w.watch
	payload := p.encode()
	done := func() { c.planLogged(p) }
	switch t {
	case batchlog.Commit:
		r := result{p, d.at.states}
		payload = r.encode()
		c.commits(r)
		done = func() { c.commitLogged(r); d.last = r }
	case batchlog.Abort:
		c.aborts(p)
		done = func() { c.abortLogged(p) }
	}
	err := d.log.Append(t, batchlog.Batch(p.batch), payload)
	d.w.say("log", int64(d.id), int64(t), p.batch)
	if err != nil {
		if errors.Is(err, store.ErrFenced) {
			d.w.meet("fenced")
		}
		d.end(err)
		return
	}
	done()
	if then != nil {
		d.step(then)
	}
}

func (d *driver) logCommit() {
	n := d.at.batch
	d.append(batchlog.Commit, d.at.plan, schedule.CommitLogged{Batch: n})
	if !d.dead && n%2 == 0 {
		if err := d.log.Compact(batchlog.Batch(n - 1)); err != nil {
			d.end(err)
		}
	}
}
