package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/receivers"
)

// Cluster says where a job's executors are.
type Cluster struct {
	Addresses   []string              // host:port of some of them; one that answers is enough
	Executors   int                   // how many to use; 0 = all
	Binary      string                // path of the job's own executable, which they are given
	Gossip      []string              // gossip addresses of some of them, beside or instead of Addresses
	Label       string                // name of the cluster; "" = "tidemill"
	Credentials *identity.Credentials // nil: no security, on loopback only
}

// clusterPartitions is the number of partitions behind exchanges of a job that starts for the first time on a cluster, unless parallelism says
// another: it can be spread evenly over 1, 2, 3, 4, 6 and 12 workers.
const clusterPartitions = 12

// openFleet looks for executors and has them start workers. They come up while the loop runs.
func (d *driver) openFleet(ctx context.Context) error {
	body, err := json.Marshal(setup{
		Name: d.o.Name, Job: d.name, Settings: d.o.Settings, DeadLetters: d.o.Place.DeadLetters, Checkpoint: d.o.Checkpoint, Receivers: d.place.Scratch,
		ChunkRows: d.o.ChunkRows, BlockMemory: d.o.BlockMemory,
	})
	if err != nil {
		return fmt.Errorf("describe the job to workers: %w", err)
	}
	c := d.o.Cluster
	d.gathering = true
	f, err := fleet.Start(context.WithoutCancel(ctx), fleet.Options{
		Job: d.name, Epoch: d.epoch(), Graph: d.g.Digest(), Engine: Engine, Cluster: c.Addresses, Gossip: c.Gossip, Label: c.Label, Binary: c.Binary, Setup: body,
		Executors: c.Executors, Credentials: c.Credentials,
		Told: func(e fleet.Event) { d.post(func() { d.told(e) }) },
		Warn: func(text string) { d.post(func() { d.o.Warn(text) }) },
	})
	if err != nil {
		return err
	}
	d.crew = f
	return nil
}

// gatherTime is how long a driver waits for further workers once it has one: those of the driver before hold state, and what is placed elsewhere
// before they are heard of has to be restored there.
const gatherTime = 3 * time.Second

// gather waits for the workers that a job starts with, and gives them to the scheduler together.
func (d *driver) gather(ctx context.Context) error {
	if c, ok := d.crew.(*localCrew); ok {
		for _, w := range c.names() {
			h := c.member(w).hello
			h.Slots = c.slots
			d.up(w, h)
		}
		return nil
	}
	d.starve()
	var enough <-chan time.Time
	for !d.halted && !d.gathered() {
		if enough == nil && len(d.newcomers) > 0 {
			t := time.NewTimer(gatherTime)
			defer t.Stop()
			enough = t.C
		}
		select {
		case f := <-d.events:
			f()
		case <-enough:
			d.gathering = false
		case <-d.lock.Lost():
			return fmt.Errorf("%w: another driver has taken over the checkpoint %s", store.ErrFenced, d.st)
		case <-ctx.Done():
			return d.stopEarly()
		case <-d.now.Done():
			return d.stopEarly()
		}
		if d.stopping {
			return d.stopEarly()
		}
	}
	d.gathering = false
	d.rebalance()
	var names []string
	for _, e := range d.newcomers {
		if d.members[e.Worker] != nil {
			names = append(names, string(e.Worker))
			d.step(e)
		}
	}
	slices.Sort(names)
	d.newcomers = nil
	d.o.Warn(fmt.Sprintf("workers on %s", strings.Join(names, ", ")))
	return nil
}

// stopEarly ends a job that was stopped before it had a worker. A plan that is open stays so.
func (d *driver) stopEarly() error {
	d.halted = true
	d.fed()
	if len(d.open) > 0 {
		return ErrInterrupted
	}
	return nil
}

// gathered tells that everyone who can come has come.
func (d *driver) gathered() bool {
	if !d.gathering {
		return true
	}
	if len(d.newcomers) == 0 {
		return false
	}
	for _, m := range d.crew.Members() {
		if m.State == fleet.Found || m.State == fleet.Starting {
			return false
		}
	}
	return true
}

// finished tells whether the workers are of no more use when this driver leaves: not if another one goes on.
func (d *driver) finished() bool {
	return !errors.Is(d.err, store.ErrFenced) && !errors.Is(d.err, ErrRestart) && !d.isLost()
}

func (d *driver) isLost() bool {
	if d.lock == nil {
		return true
	}
	select {
	case <-d.lock.Lost():
		return true
	default:
		return false
	}
}

// holders are the executors that can keep logs of receivers.
func (d *driver) holders() (out []receivers.Holder) {
	f, ok := d.crew.(*fleet.Fleet)
	if !ok {
		return nil // it is not there yet
	}
	for _, m := range f.Members() {
		if m.State == fleet.Running || m.State == fleet.Starting || m.State == fleet.Spare {
			out = append(out, receivers.Holder{Name: m.Name, Address: m.Address, Rack: m.Rack})
		}
	}
	return out
}

// writers are the workers that may write state, for the collection of segments.
func (d *driver) writers() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, m := range d.members {
		out[writerName(m.Worker)] = m.retired
	}
	return out
}

// writerName is the part of a worker in the names of the segments that it writes.
func writerName(w fleet.Worker) string {
	if w == localWorker {
		return "local"
	}
	return fmt.Sprintf("%s-%x", w.Name, w.Incarnation)
}
