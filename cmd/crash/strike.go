package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/rig"
)

// strike does what a fault says, at its moment, and waits until the job has recovered, unless the next one comes early.
func (r *run) strike(f Fault) error {
	if !f.Early && len(r.deeds) > 0 {
		if err := r.recover(); err != nil || r.done {
			return err
		}
	}
	if err := r.moment(f); err != nil || r.done {
		return err
	}
	batch, open := r.tail.Planned()
	d := Deed{Fault: f, At: time.Now()}
	if err := r.act(f, &d); err != nil {
		return err
	}
	if err := r.tick(time.Now()); err != nil {
		return err
	}
	d.Batch, d.Inside = batch, open && r.tail.Last() < batch
	r.deeds = append(r.deeds, d)
	if f.Kind == ZombieWorker || f.Kind == ZombieDriver {
		return r.replaced(f, &r.deeds[len(r.deeds)-1])
	}
	return nil
}

// recover waits for a commit after the last deed, and has a look at the outputs.
func (r *run) recover() error {
	last := r.deeds[len(r.deeds)-1]
	err := r.awaitInRun(fmt.Sprintf("a commit after %q", last.Fault.Kind), func() bool {
		c := r.tail.Commits()
		return len(c) > 0 && c[len(c)-1].At.After(last.At)
	})
	if err != nil || r.done {
		return err
	}
	return r.peek()
}

// moment waits until the batches before a fault are over, and then for a part of the time that a batch takes.
func (r *run) moment(f Fault) error {
	if !f.Early {
		until := r.tail.Last() + int64(f.Gap)
		if err := r.awaitInRun("the batches before a fault", func() bool { return r.tail.Last() >= until }); err != nil || r.done {
			return err
		}
	}
	from := r.tail.Last()
	if err := r.awaitInRun("the next PLAN", func() bool { n, open := r.tail.Planned(); return open && n > from }); err != nil || r.done {
		return err
	}
	until := time.Now().Add(time.Duration(f.Share * float64(r.tail.Usual())))
	for time.Now().Before(until) { // exactly: it is a matter of milliseconds
	}
	return r.tick(time.Now())
}

// act does it.
func (r *run) act(f Fault, d *Deed) error {
	switch f.Kind {
	case KillExecutors:
		return r.killExecutors(f, d)
	case KillBoth:
		return errors.Join(r.killDriver(f, d), r.killExecutors(f, d))
	case KillDriver:
		return r.killDriver(f, d)
	case KillCommand:
		return r.killCommand(f, d)
	case KillWorkers:
		return r.signal(r.workers(f), syscall.SIGKILL, &d.Kills, d)
	case StopWorkers:
		return r.stop(r.workers(f), f.Hold, d)
	case StopExecutors:
		return r.stop(r.daemons(f), f.Hold, d)
	case StopDriver:
		r.credit += 2
		return r.stop(r.leader(), f.Hold, d)
	case ZombieWorker:
		r.frozen = r.workers(f)
		return r.signal(r.frozen, syscall.SIGSTOP, &d.Stops, d)
	case ZombieDriver:
		r.credit += 2
		r.frozen = r.leader()
		return r.signal(r.frozen, syscall.SIGSTOP, &d.Stops, d)
	case CutWires:
		return r.cut(f, d)
	}
	return fmt.Errorf("no such fault: %q", f.Kind)
}

func (r *run) workers(f Fault) (out []rig.Pid) {
	for _, n := range f.Nodes {
		out = append(out, r.rig.Workers(n)...)
	}
	return out
}

func (r *run) daemons(f Fault) (out []rig.Pid) {
	for _, n := range f.Nodes {
		out = append(out, r.rig.Executor(n).ID())
	}
	return out
}

// leader is the driver's process. What ends a driver may end its command, too: its supervisor starts it again, but after a standby has
// taken over, or after several crashes within one batch, the command gives up.
func (r *run) leader() []rig.Pid {
	if p, _, ok := r.rig.Leader(); ok {
		return []rig.Pid{p}
	}
	return nil
}

// signal sends a signal to all of them, and counts.
func (r *run) signal(to []rig.Pid, s syscall.Signal, n *int, d *Deed) error {
	for _, p := range to {
		switch err := p.Signal(s); {
		case errors.Is(err, rig.ErrGone):
			d.Notes = append(d.Notes, fmt.Sprintf("pid %d was gone", p.Number))
		case err != nil:
			return err
		default:
			*n++
		}
	}
	if len(to) == 0 {
		d.Notes = append(d.Notes, "there was nobody to strike")
	}
	return nil
}

func (r *run) stop(who []rig.Pid, hold time.Duration, d *Deed) error {
	if err := r.signal(who, syscall.SIGSTOP, &d.Stops, d); err != nil {
		return err
	}
	r.later(hold, true, func() error { return wake(who) })
	return nil
}

// wake lets processes go on that are still there.
func wake(who []rig.Pid) error {
	for _, p := range who {
		if err := p.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, rig.ErrGone) {
			return err
		}
	}
	return nil
}

func (r *run) killExecutors(f Fault, d *Deed) error {
	if err := r.signal(r.daemons(f), syscall.SIGKILL, &d.Kills, d); err != nil {
		return err
	}
	for _, n := range f.Nodes {
		p := r.rig.Executor(n)
		r.killed[p] = true
		r.later(f.Rest, false, func() error {
			if r.done || r.rig.Executor(n) != p {
				return nil // another fault that struck it has started it again
			}
			if err := p.Kill(); err != nil { // it is dying
				return err
			}
			return r.rig.StartExecutor(n)
		})
	}
	return nil
}

func (r *run) killDriver(f Fault, d *Deed) error {
	r.credit += 2
	return r.signal(r.leader(), syscall.SIGKILL, &d.Kills, d)
}

// killCommand kills what was typed; the driver dies with it.
func (r *run) killCommand(f Fault, d *Deed) error {
	r.credit += 2
	var who []rig.Pid
	if _, command, ok := r.rig.Leader(); ok {
		who = append(who, command.ID())
	}
	return r.signal(who, syscall.SIGKILL, &d.Kills, d)
}

// cut cuts wires until Hold is over. One fault's cuts are healed before the next one's are made.
func (r *run) cut(f Fault, d *Deed) error {
	if err := r.net.Heal(); err != nil {
		return err
	}
	for _, c := range f.Cuts {
		if err := r.net.Cut(c.From, c.To, c.Plane); err != nil {
			return err
		}
	}
	r.credit += 2 // a driver that finds itself replaced ends
	r.later(f.Hold, true, r.net.Heal)
	return nil
}

// without is how many batches must be committed without somebody who is frozen.
const without = 3

// replaced waits until others do the work of who is frozen, and lets it go on.
func (r *run) replaced(f Fault, d *Deed) error {
	from, epoch := r.tail.Last(), r.tail.Epoch()
	err := r.awaitInRun("batches without who is frozen", func() bool {
		return r.tail.Last() >= from+without && (f.Kind == ZombieWorker || r.tail.Epoch() > epoch)
	})
	if err != nil {
		return err
	}
	if r.tail.Last() >= from+without {
		d.Zombies = d.Stops
	}
	return wake(r.frozen)
}
