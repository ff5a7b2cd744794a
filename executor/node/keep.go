package node

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/executor/node/restart"
)

const (
	// memoryEvery is how often the memory of workers is looked at.
	memoryEvery = 500 * time.Millisecond
	// memorySlack is how much more than it was promised a worker may have for a moment, as a fraction: 5/4.
	slackTimes, slackOver = 5, 4
)

// keep is a run's goroutine: it starts the worker, and again when it crashes, as long as a driver attends the job. A worker that ends by
// itself has waited for a driver in vain, and one that nobody attends is of no use.
func (d *daemon) keep(ctx context.Context, j *job, r *run) {
	defer close(r.done)
	defer d.drop(j, r)
	defer r.end()
	var delay restart.Backoff
	for {
		c, addr, err := d.worker(ctx, r.start, d.planned(r))
		if r.restarts == 0 && err != nil {
			r.first <- err
			return
		}
		why := ""
		if err != nil {
			why = err.Error()
		} else {
			d.up(j, r, c.pid, addr)
			over := d.watch(ctx, r, c)
			if ctx.Err() != nil {
				return
			}
			why = over + c.why(d.outputs.of(j.name))
			delay.Ran(c.exit.Ran)
			if c.exit.Status == 0 {
				d.down(j, r, why)
				return
			}
		}
		if !d.down(j, r, why) {
			return
		}
		select {
		case <-d.o.after(delay.Next()):
		case <-ctx.Done():
			return
		}
	}
}

// planned is the worker as it will be welcomed.
func (d *daemon) planned(r *run) Worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	return r.worker
}

// up notes that a process listens.
func (d *daemon) up(j *job, r *run, pid int, addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.worker.Pid, r.worker.Address, r.away = pid, addr, false
	fmt.Fprintf(d.o.Out, "executor: the worker of job %s runs: process %d at %s\n", j.name, pid, addr)
	j.tell(Event{Kind: EventStarted, Worker: r.worker, Slots: r.worker.Slots})
	if r.restarts == 0 {
		r.first <- nil
	}
}

// down notes that a process has ended, and says whether there is to be another one.
func (d *daemon) down(j *job, r *run, why string) (again bool) {
	fmt.Fprintf(d.o.Out, "executor: the worker of job %s has ended: %s\n", j.name, why)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !r.away || r.restarts > 0 {
		j.tell(Event{Kind: EventExited, Worker: r.worker, Why: why})
	}
	r.why, r.away, r.worker.Pid, r.worker.Address = why, true, 0, ""
	if j.at == nil || d.draining {
		j.failed = why
		return false
	}
	r.restarts++
	return true
}

// drop takes a run that is over out of its job.
func (d *daemon) drop(j *job, r *run) {
	err := d.folders.scratch.RemoveAll(j.name)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		fmt.Fprintf(d.o.Out, "executor: empty the scratch of job %s: %v\n", j.name, err)
	}
	if j.run == r {
		j.run = nil
	}
	d.reshare()
}

// watch waits until the process ends, which it must when ctx does. over says that it was ended because of its memory.
func (d *daemon) watch(ctx context.Context, r *run, c *child) (over string) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return over
		case <-ctx.Done():
			c.end(softEnd, d.o.Now)
			return over
		case <-tick.C:
			used, err := usedMemory(c.pid)
			if err != nil || used <= r.worker.Memory/slackOver*slackTimes || over != "" {
				continue
			}
			over = fmt.Sprintf("it used %s of memory, and was promised %s: ", size(used), size(r.worker.Memory))
			c.signal(syscall.SIGKILL)
		}
	}
}
