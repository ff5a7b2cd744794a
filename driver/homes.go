package driver

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/executor/wire"
)

// assign spreads partitions over workers: each keeps what it has, up to its fair share, and what is over, or has no worker any more, goes to
// those that have least. now is the worker of each partition, "" = none. It is a pure function, and moves no more than it must.
func assign(now []string, workers []string) []string {
	out := make([]string, len(now))
	if len(workers) == 0 {
		return out
	}
	workers = slices.Sorted(slices.Values(workers))
	load := map[string]int{}
	for _, w := range workers {
		load[w] = 0
	}
	fair, over := len(now)/len(workers), len(now)%len(workers)
	for p, w := range now {
		n, up := load[w]
		switch {
		case !up, n > fair, n == fair && over == 0:
			continue // it has to go elsewhere
		case n == fair:
			over-- // as many as the remainder may have one more
		}
		out[p] = w
		load[w]++
	}
	for p, w := range out {
		if w == "" {
			least := slices.MinFunc(workers, func(a, b string) int { return cmp.Or(cmp.Compare(load[a], load[b]), strings.Compare(a, b)) })
			out[p] = least
			load[least]++
		}
	}
	return out
}

// moves are the partitions whose state is on its way to another worker: it is restored there while batches go on where they are, and
// changes its place at the batch boundary after that.
type moves map[int]*move

type move struct {
	to    fleet.Worker
	waits map[string]bool // steps whose state is not there yet
}

// lost gives up moves to a worker that is gone.
func (m moves) lost(w fleet.Worker) {
	maps.DeleteFunc(m, func(_ int, v *move) bool { return v.to == w })
}

// homesNow is where the state of each partition lies: at the worker that holds most of it. Partitions without state have none.
func (d *driver) homesNow() []string {
	out := make([]string, d.last.Parts)
	votes := make([]map[string]int, d.last.Parts)
	for h, w := range d.holds {
		if h.partition >= len(out) {
			continue
		}
		if votes[h.partition] == nil {
			votes[h.partition] = map[string]int{}
		}
		votes[h.partition][w.Name]++
	}
	for p, v := range votes {
		most := 0
		for _, w := range sortedKeys(v) {
			if v[w] > most {
				most, out[p] = v[w], w
			}
		}
	}
	return out
}

// rebalance decides anew where partitions should live. Those with state move when it is there; those without do at once.
func (d *driver) rebalance() {
	if d.alone || d.gathering {
		return
	}
	var able []string
	for name, m := range d.members {
		if !m.draining {
			able = append(able, string(name))
		}
	}
	now := d.homesNow()
	d.homes = assign(now, able)
	clear(d.moves)
	for p, to := range d.homes {
		if now[p] == "" || now[p] == to || to == "" {
			continue
		}
		d.move(p, d.members[schedule.Worker(to)])
		d.homes[p] = now[p] // until the state is there
	}
}

// move has the state of a partition restored at a worker.
func (d *driver) move(p int, to *member) {
	v := &move{to: to.Worker, waits: map[string]bool{}}
	var refs []wire.StateRef
	for _, step := range sortedKeys(d.last.States) {
		if ref, ok := d.last.ref(step, p); ok && d.holds[held{step, p}] != to.Worker {
			refs = append(refs, ref)
			v.waits[step] = true
		}
	}
	d.moves[p] = v
	if len(refs) > 0 {
		d.crew.Send(to.Worker, wire.Restore{Epoch: d.epoch(), States: refs})
	}
}

// restored notes that state has arrived. One that could not be restored ahead is restored by the task that needs it, which says why if it
// fails again.
func (d *driver) restored(m *member, r wire.Restored) {
	if r.Err != nil {
		d.o.Warn("restore ahead on " + m.Name + ": " + r.Err.Error())
	}
	if v := d.moves[r.State.Partition]; v != nil && v.to == m.Worker {
		delete(v.waits, r.State.Step)
	}
}

// settle lets partitions whose state has arrived change their place. It is called between batches.
func (d *driver) settle() {
	for _, p := range sortedKeys(d.moves) {
		if v := d.moves[p]; len(v.waits) == 0 {
			d.homes[p] = v.to.Name
			delete(d.moves, p)
		}
	}
	d.letGo()
}

// letGo releases draining workers that keep nothing any more.
func (d *driver) letGo() {
	for _, name := range sortedKeys(d.members) {
		m := d.members[name]
		if m.draining && m.idle && !slices.Contains(slices.Collect(maps.Values(d.holds)), m.Worker) {
			d.crew.Release(m.Worker)
		}
	}
}

// keep notes where the state of the batch that was committed lies now, and lets those forget it who held it before.
func (d *driver) keep() {
	for _, s := range d.b.states {
		at := held{s.ref.Step, s.ref.Partition}
		was, ok := d.holds[at]
		if d.member(s.worker) == nil {
			delete(d.holds, at) // it is gone since
			continue
		}
		d.holds[at] = s.worker
		if p := at.partition; p < len(d.homes) && d.moves[p] == nil {
			d.homes[p] = s.worker.Name // it stays where it is now, wherever it was meant to be
		}
		if ok && was != s.worker {
			d.crew.Send(was, wire.Release{Epoch: d.epoch(), States: []wire.StateRef{s.ref}})
		}
	}
}

// preferred are the workers at which the partitions of a stage should run, and holders those at which a second copy may.
func (d *driver) preferred(stage int, parts int) (prefer, holders [][]schedule.Worker) {
	if d.alone || parts != d.last.Parts {
		return nil, nil
	}
	prefer = make([][]schedule.Worker, parts)
	for p := range prefer {
		if p < len(d.homes) && d.homes[p] != "" {
			prefer[p] = []schedule.Worker{schedule.Worker(d.homes[p])}
		}
	}
	steps := d.b.program.Steps(stage)
	if len(steps) == 0 {
		return prefer, nil
	}
	holders = make([][]schedule.Worker, parts)
	for p := range holders {
		if w, ok := d.holderOf(steps, p); ok {
			holders[p] = []schedule.Worker{schedule.Worker(w.Name)}
		}
	}
	return prefer, holders
}

// holderOf is the worker that has the state of a partition of all steps.
func (d *driver) holderOf(steps []string, p int) (w fleet.Worker, ok bool) {
	for i, step := range steps {
		at, known := d.holds[held{step, p}]
		if !known || i > 0 && at != w {
			return w, false
		}
		w = at
	}
	return w, true
}
