package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/receivers"
)

// Engine is the version that checkpoints name.
const Engine = "0.1.0"

// Run runs a job in local mode until its sources have ended, ctx is done, or a batch fails. A first end of ctx finishes the batch at
// hand; an end of now leaves at once. Driver and worker share the process, and talk as they would between machines.
func Run(ctx, now context.Context, build func(*dstream.Job), o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	g, err := twice(build, o)
	if err != nil {
		return err
	}
	ctx, now = dstream.WatchWaiting(ctx, o.Waiting), dstream.WatchWaiting(now, o.Waiting)
	d := &driver{
		o: o, g: g, name: g.Name, events: make(chan func(), 256), over: make(chan struct{}), now: now,
		members: map[schedule.Worker]*member{}, holds: map[held]fleet.Worker{}, moves: moves{},
	}
	if err = d.start(ctx, build); err == nil {
		err = d.loop(ctx)
	}
	return errors.Join(err, d.close())
}

// twice builds the graph two times and compares, so that a build that depends on the clock or on the order of a map fails here
// and not on a cluster.
func twice(build func(*dstream.Job), o Options) (*dstream.Graph, error) {
	a, err := dstream.Build(build, o.Name, o.Settings)
	if err != nil {
		return nil, err
	}
	b, err := dstream.Build(build, o.Name, o.Settings)
	if err != nil {
		return nil, err
	}
	if a.Digest() != b.Digest() {
		return nil, differing(a, b)
	}
	return a, nil
}

func differing(a, b *dstream.Graph) error {
	as, bs := a.Describe(), b.Describe()
	for i := range max(len(as), len(bs)) {
		if i >= len(as) || i >= len(bs) || as[i] != bs[i] {
			return fmt.Errorf("build made two different graphs when it was called twice: first %q, then %q, at step %d; it must depend on nothing but its parameters",
				strings.Join(as[min(i, len(as)):min(i+1, len(as))], ""), strings.Join(bs[min(i, len(bs)):min(i+1, len(bs))], ""), i)
		}
	}
	return errors.New("build made two different graphs when it was called twice; it must depend on nothing but its parameters")
}

// start opens everything, in the order in which close gives it up.
func (d *driver) start(ctx context.Context, build func(*dstream.Job)) error {
	if err := d.openStore(ctx); err != nil {
		return err
	}
	log, rec, err := batchlog.Open(d.st, d.lock, logOptions(d.o.Checkpoint))
	if err != nil {
		return err
	}
	d.log = log
	if err := d.recover(rec); err != nil {
		return err
	}
	if err := d.openGraph(); err != nil {
		return err
	}
	if err := d.prepare(ctx, rec); err != nil {
		return err
	}
	if err := d.openCrew(ctx, build); err != nil {
		return err
	}
	if d.o.crewed != nil {
		d.o.crewed(d)
	}
	return nil
}

// openStore opens the checkpoint and takes it, or waits for it.
func (d *driver) openStore(ctx context.Context) (err error) {
	if d.st, err = openStorage(ctx, d.o.Checkpoint, d.name, false); err != nil {
		return err
	}
	o := store.LockOptions{Meta: store.Meta{Job: d.name, KeyGroups: d.o.KeyGroups, Engine: Engine}, Takeover: d.o.Takeover}
	if d.o.Fresh {
		if err := store.Forget(ctx, d.st, o); err != nil {
			return err
		}
	}
	if !d.o.Standby {
		d.lock, err = store.Acquire(ctx, d.st, o)
		return err
	}
	over := func() {}
	d.lock, err = store.Await(ctx, d.st, o, func(h store.Holder) {
		over()
		over = d.o.Waiting("the checkpoint, which belongs to the driver of " + h.String())
	})
	over()
	return err
}

// recover takes over what the last driver left.
func (d *driver) recover(rec batchlog.Recovery) error {
	d.last = &commitRecord{Progress: &dstream.Progress{}, Offsets: map[string]dstream.Offsets{}, Groups: d.lock.Meta().KeyGroups, Parts: d.o.Partitions}
	if rec.Commit != nil {
		c, err := decode[commitRecord]("COMMIT", rec.Commit.Payload)
		if err != nil {
			return err
		}
		d.last = c
		d.resumed = c.Batch
		if err := d.fits(c.Fingerprint); err != nil {
			return err
		}
	}
	if d.o.Clock == nil {
		d.o.Clock = newSteadyClock(d.last.Progress.Time, d.o.Warn)
	}
	d.interval = d.chooseInterval()
	d.clock = schedule.Clock{Interval: d.interval}
	return nil
}

// lastTick is the last one that a committed batch covers. Ticks are counted in intervals, which may differ from one start to the
// next; so the log keeps times.
func (d *driver) lastTick() schedule.Tick {
	if d.last.Progress.Time.IsZero() {
		return 0
	}
	return d.clock.Last(d.last.Progress.Time)
}

// plannedTick is the last one that a batch covers, be it committed or to be redone.
func (d *driver) plannedTick() schedule.Tick {
	if n := len(d.open); n > 0 {
		return d.clock.Last(d.open[n-1].Plan.Time)
	}
	return d.lastTick()
}

func (d *driver) chooseInterval() (i interval) {
	switch {
	case d.o.Interval > 0:
		return d.o.Interval
	case d.g.Interval > 0:
		return d.g.Interval
	}
	return defaultInterval
}

// fits compares the job's state with the checkpoint's. A step that is new starts empty; one that is gone, or whose state looks
// different, would lose or misread what was kept.
func (d *driver) fits(was map[string]string) error {
	have := d.g.Fingerprint()
	for _, step := range slices.Sorted(maps.Keys(was)) {
		shape, ok := have[step]
		if !ok {
			return fmt.Errorf("the checkpoint %s holds state of a step %q that the job no longer has (it has: %s): give the step its name back with .Named(%q), or start over with --fresh",
				d.st, step, orNone(slices.Sorted(maps.Keys(have))), step)
		}
		if shape != was[step] {
			return fmt.Errorf("the state of step %q is %s in the job and %s in the checkpoint %s: give the changed step another name with .Named, or start over with --fresh",
				step, shape, was[step], d.st)
		}
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none with state"
	}
	return strings.Join(names, ", ")
}

// openGraph opens the driver's connectors.
func (d *driver) openGraph() error {
	place := d.o.Place
	place.Job = d.name
	place.Scratch = receiversDir(d.o.Checkpoint, d.o.Scratch)
	if d.o.Cluster != nil {
		d.journals = receivers.Open(receivers.Options{
			Job: d.name, Incarnation: d.lock.Meta().Created.UnixNano(), Epoch: d.epoch(), Credentials: d.o.Cluster.Credentials,
			Live: d.holders, Warn: func(text string) { d.post(func() { d.o.Warn(text) }) }, Waiting: d.o.Waiting,
		})
		place.Journal = d.journals.Journal
	}
	d.place = place
	if err := d.g.Open(place); err != nil {
		return err
	}
	var err error
	d.dead, err = place.OpenDeadLetters()
	return err
}

// openCrew gets workers: one in this process, or those of a cluster.
func (d *driver) openCrew(ctx context.Context, build func(*dstream.Job)) error {
	if d.o.Cluster == nil {
		return d.openLocal(build)
	}
	return d.openFleet(ctx)
}

func scratchName(job string) string { return fmt.Sprintf("%s-%d", job, os.Getpid()) }

// prepare makes the scheduler, and gives it the plan that was open, if any.
func (d *driver) prepare(ctx context.Context, rec batchlog.Recovery) error {
	ended := map[string]bool{}
	maps.Copy(ended, d.last.Progress.Ended)
	d.plan = &planner{
		job: d.name, binary: d.o.Binary, clock: d.clock, slots: max(d.o.Parallelism, d.o.Partitions), limit: d.o.Limit, widths: map[string]int{},
		parts: d.last.Parts, groups: d.last.Groups, ended: ended, offsets: maps.Clone(d.last.Offsets), stamp: d.last.Timestamp,
	}
	for _, s := range d.g.Sources() {
		d.plan.askers = append(d.plan.askers, &asker{source: s})
	}
	open, err := d.openPlans(rec)
	if err != nil {
		return err
	}
	if d.plan.tables, err = (frozenTables{d.st}).freeze(ctx, d.g, d.place); err != nil {
		return err
	}
	if len(open) == 0 {
		if err := (frozenTables{d.st}).collect(d.plan.tables); err != nil {
			return err
		}
	}
	retries := d.o.Retries
	d.sched, err = schedule.New(schedule.Options{Interval: d.interval, Committed: d.last.Batch, Last: d.lastTick(), Retries: retries, SpeculateAll: d.o.copyAll})
	if err != nil {
		return err
	}
	d.open = open
	return d.startSinks(ctx)
}

// startSinks lets the sinks look around, with the id of the first batch that they will be given.
func (d *driver) startSinks(ctx context.Context) error {
	batch, stamp := d.last.Batch+1, max(d.plan.stamp+1000, d.o.Clock.Now().UnixMicro())
	if len(d.open) > 0 {
		batch, stamp = d.open[0].Plan.Batch, d.open[0].Plan.Timestamp
	}
	for i, name := range d.g.Sinks() {
		id := dstream.WriteID{Job: d.name, Sink: name, Epoch: d.epoch(), Batch: batch, Timestamp: stamp}
		if err := d.g.Start(ctx, i, id); err != nil {
			return fmt.Errorf("sink %q: %w", name, err)
		}
	}
	return nil
}

// openPlans returns the plans to redo. One that another binary or other parameters made binds them: it is refused. With --replan all
// are given up, also those of this binary: their input may be gone.
func (d *driver) openPlans(rec batchlog.Recovery) ([]*planRecord, error) {
	var out []*planRecord
	for _, r := range rec.Open {
		p, err := decode[planRecord]("PLAN", r.Payload)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for i, p := range out {
		if !d.o.Replan {
			if p.Plan.Binary == d.o.Binary && maps.Equal(p.Args, d.o.Settings.Args) {
				continue
			}
			return nil, fmt.Errorf("batch %d was planned by another build of the job (%s; this one is %s) or with other parameters (%v; now %v) and may be half written: "+
				"start that build again to finish it, or give its plan up with --replan, which may leave rows that only the old code wrote",
				p.Plan.Batch, short(p.Plan.Binary), short(d.o.Binary), p.Args, d.o.Settings.Args)
		}
		for j := len(out) - 1; j >= i; j-- { // newest first
			if err := d.log.Append(batchlog.Abort, batchlog.Batch(out[j].Plan.Batch), []byte(`{"reason":"replan"}`)); err != nil {
				return nil, err
			}
			d.plan.stamp = max(d.plan.stamp, out[j].Plan.Timestamp)
		}
		d.o.Warn(fmt.Sprintf("batch %d is planned anew: rows that only its first run wrote may remain in the sinks", p.Plan.Batch))
		return out[:i], nil
	}
	return out, nil
}

func short(digest string) string {
	if digest == "" {
		return "unknown"
	}
	return digest[:min(12, len(digest))]
}

// close gives up what start opened, the newest first.
func (d *driver) close() error {
	var errs []error
	if d.crew != nil {
		errs = append(errs, d.crew.Close(context.Background(), d.finished()))
	}
	d.background.Wait()
	if d.plan != nil {
		d.plan.close()
	}
	if d.g != nil {
		errs = append(errs, d.g.Close())
	}
	d.journals.Close()
	if d.dead != nil {
		errs = append(errs, closeSink(d.dead))
	}
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Release())
	}
	if d.st != nil {
		errs = append(errs, d.st.Close())
	}
	return errors.Join(errs...)
}
