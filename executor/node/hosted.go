package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/executor/node/restart"
)

// What lies in the folder of a hosted job, and the variables that only its driver gets.
const (
	submissionName = "submission.json"
	configName     = "tidemill.yaml"
	tellName       = "checkpoint" // the driver writes into it where its checkpoint is
	hostedName     = "TIDEMILL_HOSTED"
	standbyName    = "TIDEMILL_STANDBY"
)

// onceOnly are settings that are meant for the first start alone.
var onceOnly = map[string]bool{"TIDEMILL_FRESH": true, "TIDEMILL_REPLAN": true, "TIDEMILL_TAKEOVER": true, "TIDEMILL_ACCEPT_LOSS": true}

// reservedNames are variables that the daemon itself sets.
var reservedNames = map[string]bool{"TIDEMILL_MODE": true, "TIDEMILL_TELL": true, "TIDEMILL_CONFIG": true, hostedName: true, standbyName: true}

// hosted is a driver that the daemon runs.
type hosted struct {
	sub    Submission
	folder string
	since  time.Time
	end    context.CancelCauseFunc
	done   chan struct{}

	mu       sync.Mutex // guards what follows
	pid      int
	restarts int
	state    string
}

// errCancelled ends a hosted driver for good; any other cause ends it until the daemon is started again.
var errCancelled = errors.New("cancelled")

func (s *Submission) check() error {
	if err := checkName("job", s.Job); err != nil {
		return err
	}
	for _, e := range s.Env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || !strings.HasPrefix(name, "TIDEMILL_") || reservedNames[name] || strings.ContainsRune(e, 0) {
			return &refusal{ErrInvalid, fmt.Sprintf("submit job %s: %.80q is no setting TIDEMILL_<name>=<value>, or one that the executor makes itself", s.Job, name)}
		}
	}
	for _, a := range s.Args {
		if strings.ContainsRune(a, 0) {
			return &refusal{ErrInvalid, fmt.Sprintf("submit job %s: an argument has a zero byte", s.Job)}
		}
	}
	return checkDigest(s.SHA256)
}

// submit answers Submit.
func (d *daemon) submit(ctx context.Context, s *Submission) (*nothing, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &nothing{}, d.withTurn(ctx, s.Job, func(j *job) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch {
		case d.draining:
			return &refusal{ErrDraining, fmt.Sprintf("executor %s is draining: submit the job elsewhere", d.o.Name)}
		case j.hosted != nil:
			return &refusal{ErrInvalid, fmt.Sprintf("job %s has its driver on executor %s already: stop it first", s.Job, d.o.Name)}
		case !d.binaries.has(s.SHA256):
			return &refusal{ErrNoBinary, fmt.Sprintf("executor %s does not hold binary %.12s: hand it over first", d.o.Name, s.SHA256)}
		}
		if err := d.remember(*s); err != nil {
			return fmt.Errorf("submit job %s: %w", s.Job, err)
		}
		d.host(j, *s)
		return nil
	})
}

// remember writes a submission down, so that a daemon that is started again finds it.
func (d *daemon) remember(s Submission) error {
	root := d.folders.hosting
	text, err := json.Marshal(s)
	err = errors.Join(err, root.RemoveAll(s.Job), root.Mkdir(s.Job, 0o700))
	if err == nil && s.File != nil {
		err = replaceFile(root, filepath.Join(s.Job, configName), s.File)
	}
	if err == nil {
		err = replaceFile(root, filepath.Join(s.Job, submissionName), text)
	}
	return full(err)
}

// resume hosts what a daemon of this folder has hosted before.
func (d *daemon) resume() error {
	dir, err := d.folders.hosting.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	sortNames(names)
	for _, name := range names {
		text, err := d.folders.hosting.ReadFile(filepath.Join(name, submissionName))
		var s Submission
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err = errors.Join(err, s.check()); err != nil || s.Job != name {
			fmt.Fprintf(d.o.Out, "executor: job %s, which was submitted here, cannot be started again: %v\n", name, err)
			continue
		}
		d.mu.Lock()
		d.host(d.of(name), s)
		d.mu.Unlock()
	}
	return nil
}

// host starts the goroutine of a hosted driver. The caller holds the lock.
func (d *daemon) host(j *job, s Submission) {
	ctx, end := context.WithCancelCause(d.life)
	h := &hosted{sub: s, folder: filepath.Join(d.folders.dir, "hosted", s.Job), since: time.Now(), end: end, done: make(chan struct{}), state: "starting"}
	j.hosted, j.failed = h, ""
	give := d.binaries.take(s.SHA256)
	d.running.Go(func() {
		defer close(h.done)
		defer give()
		defer end(nil)
		d.unhost(j, h, d.drive(ctx, h), context.Cause(ctx))
	})
}

// drive runs the driver until it has ended for good, and says why if that is worth knowing.
func (d *daemon) drive(ctx context.Context, h *hosted) (why string) {
	var policy restart.Policy
	out := d.outputs.of(h.sub.Job)
	for {
		c, err := d.driver(h, out)
		if err != nil {
			return fmt.Sprintf("start the driver of job %s: %v", h.sub.Job, err)
		}
		h.set(c.pid, "running")
		select {
		case <-c.done:
		case <-ctx.Done():
			h.set(c.pid, "stopping")
			c.end(d.o.Grace, d.o.Now)
			return ""
		}
		if c.err != nil {
			return c.err.Error()
		}
		if c.exit.Crash {
			c.exit.Batch, c.exit.Known = h.progress(d.o.Progress)
		}
		next := policy.Next(c.exit)
		if next.Message != "" {
			fmt.Fprintf(d.o.Out, "executor: %s: %s\n", h.sub.Job, next.Message)
		}
		if !next.Restart {
			if c.exit.Status == 0 {
				return ""
			}
			return c.why(out)
		}
		h.set(0, "restarting")
		select {
		case <-d.o.after(next.After):
		case <-ctx.Done():
			return ""
		}
	}
}

// driver starts the process.
func (d *daemon) driver(h *hosted, out *output) (*child, error) {
	bin, err := d.binaries.open(h.sub.SHA256)
	if err != nil {
		return nil, err
	}
	defer bin.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer w.Close()
	out.forget()
	_, told := os.Stat(filepath.Join(h.folder, tellName))
	env := hostedEnvironment(h.sub, h.folder, told != nil)
	c, err := startChild(command(bin, append([]string{h.sub.Job}, h.sub.Args...), env, h.folder, out, r, nil), &d.running)
	if err != nil {
		return nil, err
	}
	err = errors.Join(bin.altered(), limits{files: d.o.MaxFiles}.bound(c.pid))
	if err == nil {
		err = d.tellHosting(w)
	}
	select {
	case <-c.done: // the policy decides about that
	default:
		if err != nil {
			c.end(0, nil)
			return nil, err
		}
	}
	return c, nil
}

// tellHosting sends the hosted driver what it needs; it fits the pipe, so a driver that does not read holds up nobody.
func (d *daemon) tellHosting(w *os.File) error {
	credentials, err := d.o.Credentials.BundleMember()
	if err != nil {
		return err
	}
	if err := w.SetDeadline(time.Now().Add(callTime)); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(Hosting{Executor: d.o.Name, Gossip: d.gossip.Addr(), Cluster: d.o.Cluster, Engine: Engine, Credentials: credentials})
}

// unhost takes a driver that has ended out of its job. What was ended with the daemon is there after its next start.
func (d *daemon) unhost(j *job, h *hosted, why string, cause error) {
	h.set(0, "ended")
	if cause == nil || errors.Is(cause, errCancelled) {
		if err := d.folders.hosting.RemoveAll(j.name); err != nil {
			fmt.Fprintf(d.o.Out, "executor: forget job %s: %v\n", j.name, err)
		}
	}
	if why != "" {
		fmt.Fprintf(d.o.Out, "executor: job %s has failed: %s\n", j.name, why)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if j.hosted == h {
		j.hosted, j.failed = nil, why
	}
}

// cancel answers Cancel.
func (d *daemon) cancel(ctx context.Context, n *nameOf) (*nothing, error) {
	if err := checkName("job", n.Job); err != nil {
		return nil, err
	}
	d.mu.Lock()
	j := d.jobs[n.Job]
	if j == nil || j.hosted == nil {
		defer d.mu.Unlock()
		return nil, &refusal{ErrNoJob, fmt.Sprintf("executor %s does not host job %s%s", d.o.Name, n.Job, d.nearest(n.Job))}
	}
	h := j.hosted
	d.mu.Unlock()
	h.end(errCancelled)
	select {
	case <-h.done:
		return &nothing{}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("job %s still finishes its batch, and ends then: %w", n.Job, ctx.Err())
	}
}

func (h *hosted) set(pid int, state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if state == "restarting" {
		h.restarts++
	}
	h.pid, h.state = pid, state
}

// now is how things stand.
func (h *hosted) now(progress func(string) (int64, bool)) Hosted {
	batch, ok := h.progress(progress)
	if !ok {
		batch = -1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return Hosted{Pid: h.pid, State: h.state, Batch: batch, Restarts: h.restarts, Standby: h.sub.Standby}
}

// progress is the last batch in the checkpoint that the driver has told of.
func (h *hosted) progress(read func(string) (int64, bool)) (batch int64, ok bool) {
	if read == nil {
		return 0, false
	}
	dir, err := os.ReadFile(filepath.Join(h.folder, tellName))
	if err != nil {
		return 0, false
	}
	return read(string(dir))
}
