package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// job is what a daemon knows of one job. All but name and turn is guarded by the daemon's lock.
type job struct {
	name string
	turn chan struct{} // holds a value: who takes it may start or stop the worker

	wanted int   // who waits for the turn, or has it
	epoch  int64 // the greatest of a driver, as long as there is a worker or a driver
	at     *attendant
	run    *run
	failed string // how the latest worker or hosted driver ended, if badly
	hosted *hosted
}

// run is a worker of a job from Start to Stop, over all processes that were started for it.
type run struct {
	start Start
	since time.Time
	end   context.CancelFunc
	done  chan struct{}
	first chan error // gets the outcome of the first start

	// Guarded by the daemon's lock.
	worker   Worker
	restarts int
	why      string // the latest exit
	away     bool   // between two processes, or before the first
}

// of finds or makes a job. The caller holds the lock.
func (d *daemon) of(name string) *job {
	j := d.jobs[name]
	if j == nil {
		d.forget()
		j = &job{name: name, turn: make(chan struct{}, 1)}
		j.turn <- struct{}{}
		d.jobs[name] = j
	}
	return j
}

// maxIdle is how many jobs that have ended are remembered, to say how.
const maxIdle = 64

// forget drops jobs that have ended, when there are too many of them.
func (d *daemon) forget() {
	var idle []string
	for name, j := range d.jobs {
		if j.idle() && j.wanted == 0 {
			idle = append(idle, name)
		}
	}
	slices.Sort(idle)
	for _, name := range idle[:max(0, len(idle)-maxIdle)] {
		delete(d.jobs, name)
	}
}

func (j *job) idle() bool { return j.run == nil && j.at == nil && j.hosted == nil }

// lead takes a driver's epoch. Once nothing of a job is left here, any epoch may begin it: its checkpoint may have been made anew.
func (j *job) lead(epoch int64, executor string) error {
	if j.idle() {
		j.epoch = epoch
	}
	if epoch < j.epoch {
		return &refusal{ErrReplaced, fmt.Sprintf("job %s on executor %s belongs to a driver of epoch %d; this one has epoch %d and was replaced", j.name, executor, j.epoch, epoch)}
	}
	j.epoch = epoch
	return nil
}

// withTurn does something to a job's worker while nobody else does.
func (d *daemon) withTurn(ctx context.Context, name string, do func(*job) error) error {
	d.mu.Lock()
	j := d.of(name)
	j.wanted++
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		j.wanted--
		d.mu.Unlock()
	}()
	select {
	case <-j.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { j.turn <- struct{}{} }()
	return do(j)
}

// start answers Start.
func (d *daemon) start(ctx context.Context, s *Start) (*Worker, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var w Worker
	err := d.withTurn(ctx, s.Job, func(j *job) (err error) {
		w, err = d.startTurn(ctx, j, *s)
		return err
	})
	return &w, err
}

func (s *Start) check() error {
	if err := checkName("job", s.Job); err != nil {
		return err
	}
	if s.Memory < 0 || s.Scratch < 0 || s.Epoch < 0 {
		return &refusal{ErrInvalid, fmt.Sprintf("start of job %s: memory %d, scratch %d or epoch %d is negative", s.Job, s.Memory, s.Scratch, s.Epoch)}
	}
	return checkDigest(s.SHA256)
}

// startTurn keeps the worker that is there, or ends it and starts one.
func (d *daemon) startTurn(ctx context.Context, j *job, s Start) (Worker, error) {
	d.mu.Lock()
	err := d.admits(j, s)
	old := j.run
	if err == nil && old != nil && old.start.SHA256 == s.SHA256 && !old.away {
		defer d.mu.Unlock()
		return old.worker, nil
	}
	d.mu.Unlock()
	if err != nil {
		return Worker{}, err
	}
	d.finish(j, old)
	r, err := d.begin(j, s)
	if err != nil {
		return Worker{}, err
	}
	select {
	case err = <-r.first:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		d.finish(j, r)
		return Worker{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return r.worker, nil
}

// admits says whether a start can be thought of at all. The caller holds the lock.
func (d *daemon) admits(j *job, s Start) error {
	if d.draining {
		return &refusal{ErrDraining, fmt.Sprintf("executor %s is draining: start the job elsewhere", d.o.Name)}
	}
	if !d.binaries.has(s.SHA256) {
		return &refusal{ErrNoBinary, fmt.Sprintf("executor %s does not hold binary %.12s: hand it over first", d.o.Name, s.SHA256)}
	}
	return j.lead(s.Epoch, d.o.Name)
}

// begin reserves what a worker needs and has it started.
func (d *daemon) begin(j *job, s Start) (*run, error) {
	free, err := freeDisk(d.o.Dir)
	if err != nil {
		return nil, err
	}
	if need := max(s.Scratch, minRoom); free < need {
		return nil, &refusal{ErrRoom, fmt.Sprintf("executor %s has %s of free disk in %s, job %s needs %s: free some, or name a folder on another disk with --dir", d.o.Name, size(free), d.o.Dir, s.Job, size(need))}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	memory, err := d.reserve(s)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(d.life)
	r := &run{start: s, since: time.Now(), end: end, done: make(chan struct{}), first: make(chan error, 1), away: true,
		worker: Worker{Job: s.Job, Executor: d.o.Name, Memory: memory, SHA256: s.SHA256}}
	j.run, j.failed = r, ""
	d.reshare()
	d.running.Go(func() { d.keep(ctx, j, r) })
	return r, nil
}

// reserve decides how much memory a worker gets. The caller holds the lock.
func (d *daemon) reserve(s Start) (int64, error) {
	free := d.memoryFree()
	if s.Memory == 0 && free/2 >= minRoom {
		return free / 2, nil
	}
	if s.Memory != 0 && s.Memory <= free {
		return s.Memory, nil
	}
	need := "half of that, at least " + size(minRoom)
	if s.Memory != 0 {
		need = size(s.Memory)
	}
	return 0, &refusal{ErrRoom, fmt.Sprintf("executor %s has %s of memory left of %s, job %s needs %s: raise --memory, let the job ask for less, or stop one of %s",
		d.o.Name, size(free), size(d.o.Memory), s.Job, need, cmp.Or(strings.Join(d.runningJobs(), ", "), "none"))}
}

// memoryFree is what is not promised. The caller holds the lock.
func (d *daemon) memoryFree() int64 {
	free := d.o.Memory
	for _, j := range d.jobs {
		if j.run != nil {
			free -= j.run.worker.Memory
		}
	}
	return max(free, 0)
}

// runningJobs are the jobs with a worker, the oldest first. The caller holds the lock.
func (d *daemon) runningJobs() (names []string) {
	for name, j := range d.jobs {
		if j.run != nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(d.jobs[a].run.since.Compare(d.jobs[b].run.since), cmp.Compare(a, b))
	})
	return names
}

// reshare divides the slots among the jobs with a worker, and tells their drivers. The caller holds the lock.
func (d *daemon) reshare() {
	names := d.runningJobs()
	for i, name := range names {
		j := d.jobs[name]
		if s := share(d.o.Slots, len(names), i); s != j.run.worker.Slots {
			j.run.worker.Slots = s
			if !j.run.away {
				j.tell(Event{Kind: EventSlots, Worker: j.run.worker, Slots: s})
			}
		}
	}
}

// finish ends a run, if there is one, and waits until its process is gone. The caller has the job's turn.
func (d *daemon) finish(j *job, r *run) {
	if r == nil {
		return
	}
	r.end()
	<-r.done
}

// stop answers Stop.
func (d *daemon) stop(ctx context.Context, n *nameOf) (*nothing, error) {
	if err := checkName("job", n.Job); err != nil {
		return nil, err
	}
	return &nothing{}, d.withTurn(ctx, n.Job, func(j *job) error {
		d.mu.Lock()
		r := j.run
		d.mu.Unlock()
		d.finish(j, r)
		return nil
	})
}

// listJobs answers Jobs.
func (d *daemon) listJobs(context.Context, *nothing) (*[]JobStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []JobStatus{}
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		if j := d.jobs[name]; !j.idle() || j.failed != "" {
			out = append(out, d.status(j))
		}
	}
	return &out, nil
}

// status describes a job. The caller holds the lock.
func (d *daemon) status(j *job) JobStatus {
	s := JobStatus{Job: j.name, State: "failed", Why: j.failed, Epoch: j.epoch}
	if j.at != nil {
		s.Driver, s.State = j.at.driver, "attended"
	}
	if h := j.hosted; h != nil {
		s.Hosted, s.State, s.Since = h.now(d.o.Progress), "hosted", h.since
	}
	if r := j.run; r != nil {
		s.Worker, s.Restarts, s.Why, s.Since, s.State = r.worker, r.restarts, r.why, r.since, "running"
		switch {
		case r.away && r.restarts == 0:
			s.State = "starting"
		case r.away:
			s.State = "restarting"
		case j.at == nil:
			s.State = "waiting"
		}
	}
	return s
}
