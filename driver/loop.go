package driver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/receivers"
	"github.com/tidemill/tidemill/executor/wire"
)

type interval = time.Duration

const defaultInterval = time.Second

// driver runs one job. Its goroutine is the only one that touches its fields; others post functions to events.
type driver struct {
	o        Options
	name     string
	interval time.Duration
	clock    schedule.Clock
	place    dstream.Place
	now      context.Context // its end leaves at once

	st   store.Store
	lock *store.Lock
	log  *batchlog.Log
	g    *dstream.Graph // the driver's
	dead dstream.RecordSink

	journals  *receivers.Journals // logs of sources that cannot replay, on executors; nil in local mode
	crew      crew
	alone     bool // the crew is the one worker of local mode
	members   map[schedule.Worker]*member
	peers     []wire.Peer           // everyone who ever was up, by number
	holds     map[held]fleet.Worker // who has which state of the last COMMIT in memory
	homes     []string              // where partitions live: the names of workers, "" = nowhere yet
	moves     moves
	gathering bool // the workers that are there at the start are still coming
	newcomers []schedule.WorkerUp
	starving  func() // ends the notice that nobody can take tasks
	stopping  bool
	wakeAt    time.Time // when the scheduler wants to be asked

	sched   *schedule.Scheduler
	plan    *planner
	last    *commitRecord // the last batch that has happened
	resumed int64         // its number when the job started
	open    []*planRecord // to be redone first
	b       *batch        // at hand
	done    int64         // committed by this run
	synced  time.Duration // what it took to log the last COMMIT

	planning   context.Context  // of questions to sources
	happened   []schedule.Event // for the scheduler, in order
	events     chan func()
	over       chan struct{}  // closed when the loop has ended: what is posted later is of no interest
	background sync.WaitGroup // goroutines that post
	halted     bool
	err        error
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func closeSink(s dstream.RecordSink) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// post runs f on the driver's goroutine.
func (d *driver) post(f func()) {
	select {
	case d.events <- f:
	case <-d.over:
	}
}

// loop lets batches happen until the scheduler halts.
func (d *driver) loop(ctx context.Context) error {
	if d.ended() {
		d.o.Warn(fmt.Sprintf("all sources had ended with batch %d, and everything they gave is committed; --fresh starts over", d.last.Batch))
		return nil
	}
	if err := d.plan.govern(d.o, d.interval, d.last); err != nil {
		return err
	}
	d.o.Ready(d.started())
	defer close(d.over)
	if err := d.gather(ctx); err != nil {
		return err
	}
	for _, p := range d.open {
		d.redo(p)
	}
	planning, stopPlanning := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPlanning()
	d.planning = planning
	d.turn(ctx.Done(), d.plannedTick())
	return d.err
}

// turn lets batches happen after tick, until finish or the end of now.
func (d *driver) turn(finish <-chan struct{}, tick schedule.Tick) {
	var grace <-chan time.Time
	leave := d.now.Done()
	for !d.halted {
		if leave != nil && d.now.Err() != nil { // before all that has come meanwhile
			leave = nil
			d.step(schedule.StopNow{})
			continue
		}
		due, is, wake := d.clock.Due(d.o.Clock.Now(), tick)
		if is {
			tick = due
			d.step(schedule.Due{Tick: due})
			continue
		}
		if !d.wakeAt.IsZero() && d.wakeAt.Before(wake) {
			wake = d.wakeAt
		}
		timer, stop := d.o.Clock.Timer(wake)
		select {
		case f := <-d.events:
			f()
			d.drain()
		case <-timer:
			d.wake()
		case <-d.lock.Lost():
			d.halt(fmt.Errorf("%w: another driver has taken over the checkpoint %s", store.ErrFenced, d.st), schedule.FailJob)
		case <-finish:
			finish = nil
			if d.o.Grace > 0 {
				grace, _ = d.o.Clock.Timer(d.o.Clock.Now().Add(d.o.Grace))
			}
			d.step(schedule.Stop{})
		case <-grace:
			d.step(schedule.StopNow{})
		case <-leave:
		}
		stop()
	}
}

// wake tells the scheduler that the time has come for which it asked.
func (d *driver) wake() {
	if !d.wakeAt.IsZero() && !d.o.Clock.Now().Before(d.wakeAt) {
		d.wakeAt = time.Time{}
		d.step(schedule.Wake{})
	}
}

// ended tells that a job which is started again has nothing left to do.
func (d *driver) ended() bool {
	for _, s := range d.g.Sources() {
		if !d.last.Progress.Ended[s.Name] {
			return false
		}
	}
	return d.last.Last && len(d.open) == 0
}

// drain runs what else has been posted, before the clock is asked again; but not if the job is to be left at once.
func (d *driver) drain() {
	for !d.halted && d.now.Err() == nil {
		select {
		case f := <-d.events:
			f()
		default:
			return
		}
	}
}

// step tells the scheduler what has happened and does what it says. What happens while that is done waits for its turn: commands are
// done in their order, and hold until the next Step only.
func (d *driver) step(e schedule.Event) {
	d.happened = append(d.happened, e)
	if len(d.happened) > 1 {
		return // the caller is below this very loop
	}
	for i := 0; i < len(d.happened); i++ {
		for _, c := range d.sched.Step(d.o.Clock.Now(), d.happened[i]) {
			d.do(c)
		}
	}
	d.happened = d.happened[:0]
}

// do does one command, or starts it if it takes long.
func (d *driver) do(c schedule.Command) {
	switch c := c.(type) {
	case schedule.Plan:
		d.makePlan(c)
	case schedule.LogPlan:
		d.logPlan()
	case schedule.Launch:
		d.launch(c)
	case schedule.Cancel:
		d.sendTo(c.Worker, wire.Cancel{Epoch: d.epoch(), Tasks: taskIDs(c.Tasks)})
	case schedule.RunBodies:
		d.runBodies()
	case schedule.ProgramDone:
		d.actionDone(nil)
	case schedule.ProgramFailed:
		d.actionDone(c.Err)
	case schedule.Grant:
		d.b.ran(d.o.Clock.Now())
		d.sendTo(c.Worker, wire.Grant{Epoch: d.epoch(), Batch: c.Batch, Round: c.Round, Tasks: taskIDs(c.Tasks)})
	case schedule.LogCommit:
		d.finish()
	case schedule.Committed:
		d.committed()
	case schedule.LogAbort:
		d.logAbort(c)
	case schedule.Aborted:
		d.tell(wire.Abort{Epoch: d.epoch(), Batch: c.Batch})
	case schedule.Halt:
		d.halt(c.Err, c.Class)
	case schedule.WakeAt:
		d.wakeAt = c.Time
	case schedule.SetAside:
		d.o.Warn(fmt.Sprintf("worker on %s is set aside until %s: %s", c.Worker, c.Until.Format(time.TimeOnly), c.Why))
	case schedule.TakenBack:
		d.o.Warn(fmt.Sprintf("worker on %s gets tasks again", c.Worker))
	case schedule.Starved:
		d.starve()
	case schedule.Drained:
		if m := d.members[c.Worker]; m != nil {
			m.idle = true
			d.letGo()
		}
	}
}

// sendTo sends a message to a worker that the scheduler names.
func (d *driver) sendTo(w schedule.Worker, msg wire.Message) {
	if m := d.members[w]; m != nil {
		d.crew.Send(m.Worker, msg)
	}
}

// starve shows that no worker can take tasks, until one does.
func (d *driver) starve() {
	if d.starving == nil {
		d.starving = d.o.Waiting("an executor: none can take tasks")
	}
}

// fed ends what starve shows.
func (d *driver) fed() {
	if d.starving != nil {
		d.starving()
		d.starving = nil
	}
}

func (d *driver) epoch() int64 { return int64(d.lock.Epoch()) }

// halt ends the loop. A stop at once is no failure of the job.
func (d *driver) halt(err error, _ schedule.Class) {
	d.halted = true
	if errors.Is(err, schedule.ErrStopNow) {
		d.o.Warn("stopped at once; the open batch is redone at the next start")
		err = ErrInterrupted
	}
	d.err = err
}

// ErrInterrupted is returned by Run when it was told to leave at once while a batch was open.
var ErrInterrupted = errors.New("interrupted")

func taskIDs(in []schedule.TaskID) []taskID {
	out := make([]taskID, len(in))
	for i, t := range in {
		out[i] = taskID(t)
	}
	return out
}
