package driver

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor/wire"
)

// member is a worker that is up, and what the driver has told it.
type member struct {
	fleet.Worker
	peer     int32            // its number, see wire.Peers
	peers    int              // how many numbers it knows
	batch    int64            // the last batch that was opened at it
	actions  int              // sub-jobs of that batch that it knows
	outputs  map[stageAt]int  // what it knows of where outputs of that batch lie: the version
	waits    map[int64]func() // what its connectors wait for
	draining bool             // it is to go as soon as nothing is kept there
	idle     bool             // the scheduler needs nothing of a draining one any more
	retired  map[string]bool  // segments of state that it will not write to any more
}

// name is what the scheduler calls it.
func (m *member) name() schedule.Worker { return schedule.Worker(m.Name) }

// held names the state of a partition of a step.
type held struct {
	step      string
	partition int
}

// told takes what the fleet says.
func (d *driver) told(e fleet.Event) {
	switch e := e.(type) {
	case fleet.Up:
		d.up(e.Worker, e.Hello)
	case fleet.Down:
		d.down(e.Worker, e.Why)
	case fleet.Slots:
		if m := d.member(e.Worker); m != nil {
			d.step(schedule.WorkerSlots{Worker: m.name(), Slots: e.N})
		}
	case fleet.Draining:
		d.drainWorker(e.Worker, e.Why)
	case fleet.Report:
		for _, r := range e.Reports {
			d.reported(e.Worker, r)
		}
	case fleet.Refused:
		d.refused(e)
	case fleet.Request:
		d.requested(e)
	}
}

// member is a worker that is up in that very incarnation, or nil.
func (d *driver) member(w fleet.Worker) *member {
	if m := d.members[schedule.Worker(w.Name)]; m != nil && m.Worker == w {
		return m
	}
	return nil
}

// up takes a new worker, or one that comes back: what it holds counts if it is what the log says.
func (d *driver) up(w fleet.Worker, h wire.Hello) {
	m := &member{Worker: w, peer: int32(len(d.peers)), waits: map[int64]func(){}, retired: map[string]bool{}}
	d.peers = append(d.peers, wire.Peer{Worker: w.Name, Incarnation: w.Incarnation, Address: h.Address})
	d.members[m.name()] = m
	d.recognise(m, h)
	if d.gathering {
		d.newcomers = append(d.newcomers, schedule.WorkerUp{Worker: m.name(), Slots: h.Slots})
		return
	}
	if d.o.Cluster != nil {
		d.o.Warn("worker on " + w.Name + " is there")
	}
	d.step(schedule.WorkerUp{Worker: m.name(), Slots: h.Slots})
	d.rebalance()
}

// recognise compares the state that a worker has in memory with what the last COMMIT names.
func (d *driver) recognise(m *member, h wire.Hello) {
	if h.PendingBatch > 0 {
		if h.PendingBatch == d.last.Batch {
			d.crew.Send(m.Worker, wire.Commit{Epoch: d.epoch(), Batch: h.PendingBatch})
			d.hold(m, h.Pending)
		} else {
			d.crew.Send(m.Worker, wire.Abort{Epoch: d.epoch(), Batch: h.PendingBatch})
		}
	}
	d.hold(m, h.Held)
}

// hold notes which of the versions are those of the last COMMIT.
func (d *driver) hold(m *member, refs []wire.StateRef) {
	for _, r := range refs {
		if now, ok := d.last.ref(r.Step, r.Partition); ok && now.Same(r) {
			d.holds[held{r.Step, r.Partition}] = m.Worker
		}
	}
}

// down forgets a worker with all that it held.
func (d *driver) down(w fleet.Worker, why error) {
	m := d.member(w)
	if m == nil {
		return
	}
	delete(d.members, m.name())
	for _, end := range m.waits {
		end()
	}
	for h, at := range d.holds {
		if at == w {
			delete(d.holds, h)
		}
	}
	d.moves.lost(w)
	if d.b != nil {
		for _, l := range d.b.lying {
			l.stale = true
		}
	}
	if !errors.Is(why, fleet.ErrReleased) {
		d.o.Warn(fmt.Sprintf("worker on %s is gone: %v; what it held is made again from lineage and from the checkpoint", w.Name, why))
	}
	if d.b != nil && d.b.action != nil && d.b.action.lost(m.name()) {
		d.halt(fmt.Errorf("batch %d: the worker on %s was lost while a ForEach body fetched a result from it: %w", d.b.rec.Plan.Batch, w.Name, ErrRestart), schedule.Retry)
		return
	}
	d.step(schedule.WorkerDown{Worker: m.name()})
	d.rebalance()
}

// ErrRestart is in the error of a Run that cannot go on, and whose job goes on when it is started again.
var ErrRestart = errors.New("start the job again to go on")

// refused ends the job if it is this driver that is wrong, and not one executor.
func (d *driver) refused(e fleet.Refused) {
	switch e.Why.Kind {
	case fleet.Replaced:
		d.halt(fmt.Errorf("%w: executor %s: %w", store.ErrFenced, e.Name, e.Why), schedule.FailJob)
	case fleet.OtherGraph:
		d.halt(fmt.Errorf("executor %s: %w", e.Name, e.Why), schedule.FailJob)
	}
}

// requested does what somebody asked for on the command line.
func (d *driver) requested(e fleet.Request) {
	switch e.Kind {
	case "stop":
		d.stopping = true
		if e.N > 0 {
			d.o.Warn("stop was asked for, at once")
			d.step(schedule.StopNow{})
			return
		}
		d.o.Warn("stop was asked for: finishing the batch at hand")
		d.step(schedule.Stop{})
	case "scale":
		d.o.Warn(fmt.Sprintf("scaling to %d executors", e.N))
		d.crew.Scale(e.N)
	}
}

// drainWorker gives a worker nothing new, and moves what it keeps.
func (d *driver) drainWorker(w fleet.Worker, why string) {
	m := d.member(w)
	if m == nil || m.draining {
		return
	}
	m.draining = true
	d.o.Warn(fmt.Sprintf("executor %s: %s; its state moves to the others", w.Name, why))
	d.step(schedule.WorkerDraining{Worker: m.name()})
	d.rebalance()
	d.letGo()
}

// waiting shows what a connector in a worker waits for, until it does not.
func (d *driver) waiting(m *member, r wire.Waiting) {
	if end := m.waits[r.ID]; end != nil {
		end()
		delete(m.waits, r.ID)
	}
	if !r.Over {
		m.waits[r.ID] = d.o.Waiting(m.Name + ": " + r.For)
	}
}
