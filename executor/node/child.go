package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/executor/node/restart"
)

const (
	// pipesClose is how long the output of a process that has ended is waited for, which its own children may hold open.
	pipesClose = time.Second
	// softEnd is how long a process may take to end after SIGTERM.
	softEnd = 3 * time.Second
	// busyText is for how long a start is tried again because some other process, about to execute something, still has the
	// descriptor by which the binary was written.
	busyText = 2 * time.Second
)

// errSaid is a failure that the worker has explained itself: its output would only repeat it.
var errSaid = fmt.Errorf("%w: it says why", ErrWorker)

// child is a process that this daemon has started.
type child struct {
	pid  int
	done chan struct{} // closed when it has ended
	exit restart.Exit  // after done
	err  error         // after done: it could not be waited for
}

// startChild starts a command from a thread that is not used for anything else: that thread has given up what the child must not have,
// and the kernel kills the child when the thread ends. running waits for both.
func startChild(command func() *exec.Cmd, running *sync.WaitGroup) (*child, error) {
	c := &child{done: make(chan struct{})}
	started := make(chan error, 1)
	running.Go(func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		begin := time.Now()
		cmd, err := startText(command)
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			defer close(c.done)
			err := cmd.Wait()
			c.exit, c.err = restart.ExitOf(cmd.ProcessState, err)
			c.exit.Ran = time.Since(begin)
		}
	})
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// startText starts a command, and tries again while its binary is open for writing somewhere.
func startText(command func() *exec.Cmd) (*exec.Cmd, error) {
	if err := shutIn(); err != nil {
		return nil, err
	}
	for begin := time.Now(); ; runtime.Gosched() {
		cmd := command()
		cage(cmd)
		err := cmd.Start()
		if !errors.Is(err, syscall.ETXTBSY) || time.Since(begin) > busyText {
			return cmd, err
		}
	}
}

// signal sends a signal to the process and whatever it has started.
func (c *child) signal(s syscall.Signal) {
	select {
	case <-c.done: // the number may be another one's by now
	default:
		syscall.Kill(-c.pid, s)
	}
}

// end ends the process, with force if it takes longer than a time, and waits for it.
func (c *child) end(within time.Duration, now <-chan struct{}) {
	c.signal(syscall.SIGTERM)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	case <-now:
	}
	c.signal(syscall.SIGKILL)
	<-c.done
}

// why describes an end, with the last lines of the output.
func (c *child) why(o *output) string {
	text := c.exit.Text
	if c.err != nil {
		text = c.err.Error()
	}
	if last := o.last(); last != "" {
		text += "\n" + last
	}
	return text
}

// command makes starts of a binary that was checked, on the open file. They read nothing, and what they print goes to out. answer may be
// nil.
func command(b *binary, args, env []string, dir string, out *output, welcome, answer *os.File) func() *exec.Cmd {
	return func() *exec.Cmd {
		return &exec.Cmd{Path: ownPath, Args: args, Env: env, Dir: dir, Stdout: out, Stderr: out, WaitDelay: pipesClose,
			ExtraFiles: []*os.File{welcome, answer, b.File}}
	}
}

// inheritedNames are the variables of the daemon that its children get. PATH is not one: jobs start no programs.
// TIDEMILL_FAULTS means something only to jobs that are built to be tested, see package control.
var inheritedNames = []string{"TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOGC", "GODEBUG", "GOTRACEBACK", "TIDEMILL_FAULTS"}

func cleanEnvironment() (env []string) {
	for _, name := range inheritedNames {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// worker starts a worker, and returns when it listens. Whatever goes wrong, no process is left.
func (d *daemon) worker(ctx context.Context, s Start, w Worker) (*child, string, error) {
	fail := func(err error) error {
		return fmt.Errorf("start the worker of job %s on executor %s: %w", s.Job, d.o.Name, err)
	}
	bin, err := d.binaries.open(s.SHA256)
	if err != nil {
		return nil, "", fail(err)
	}
	defer bin.Close()
	scratch, err := d.folders.freshScratch(s.Job)
	if err != nil {
		return nil, "", fail(err)
	}
	pipes, err := openPipes()
	if err != nil {
		return nil, "", fail(err)
	}
	defer pipes.close()
	out := d.outputs.of(s.Job)
	out.forget()
	c, err := startChild(command(bin, []string{s.Job}, workerEnvironment(w.Memory, scratch), scratch, out, pipes.welcomeR, pipes.readyW), &d.running)
	if err != nil {
		return nil, "", fail(err)
	}
	addr, err := d.greet(ctx, c, bin, pipes, s, w, scratch)
	if err != nil {
		c.end(0, nil)
		if errors.Is(err, ErrAltered) || errors.Is(err, errSaid) || ctx.Err() != nil {
			return nil, "", fail(err)
		}
		return nil, "", &refusal{ErrWorker, fmt.Sprintf("start the worker of job %s on executor %s: %v (%s)", s.Job, d.o.Name, err, c.why(out))}
	}
	return c, addr, nil
}

// workerEnvironment is all that a worker inherits. The limit of its heap is below what it was promised: other memory comes on top.
func workerEnvironment(memory int64, scratch string) []string {
	return append(cleanEnvironment(), "TIDEMILL_MODE=worker", "HOME="+scratch, "TMPDIR="+scratch, fmt.Sprintf("GOMEMLIMIT=%d", memory/10*9))
}

// pipes are the two between daemon and worker; a daemon has one end of each, the worker gets the other.
type pipes struct{ welcomeR, welcomeW, readyR, readyW *os.File }

func openPipes() (p pipes, err error) {
	if p.welcomeR, p.welcomeW, err = os.Pipe(); err != nil {
		return p, err
	}
	if p.readyR, p.readyW, err = os.Pipe(); err != nil {
		p.close()
	}
	return p, err
}

func (p *pipes) close() {
	for _, f := range []*os.File{p.welcomeR, p.welcomeW, p.readyR, p.readyW} {
		if f != nil {
			f.Close()
		}
	}
}

// greet makes sure what runs, bounds it, welcomes it, and waits until it is ready.
func (d *daemon) greet(ctx context.Context, c *child, bin *binary, p pipes, s Start, w Worker, scratch string) (addr string, err error) {
	p.welcomeR.Close()
	p.readyW.Close()
	if err := bin.altered(); err != nil {
		return "", err
	}
	if err := (limits{d.o.MaxFiles, d.o.MaxFile}).bound(c.pid); err != nil {
		return "", err
	}
	credentials, err := d.o.Credentials.Bundle()
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(d.o.Listen)
	if err != nil {
		return "", err
	}
	welcome := Welcome{Executor: d.o.Name, Job: s.Job, Listen: net.JoinHostPort(host, "0"), Advertise: d.o.Advertise, Rack: d.o.Rack, Scratch: scratch,
		Slots: w.Slots, Memory: w.Memory, Setup: s.Setup, Engine: Engine, Credentials: credentials, Orphan: d.o.Orphan}
	deadline := time.Now().Add(d.o.Ready)
	for _, f := range []*os.File{p.welcomeW, p.readyR} {
		if err := f.SetDeadline(deadline); err != nil {
			return "", err
		}
		defer context.AfterFunc(ctx, func() { f.SetDeadline(time.Unix(1, 0)) })()
	}
	ready, err := exchange(p, welcome)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", fmt.Errorf("it did not say within %v that it is ready", d.o.Ready)
	case err != nil:
		return "", fmt.Errorf("it ended, or is no worker of a Tidemill job: %w", err)
	case ready.Err != "":
		return "", &refusal{errSaid, fmt.Sprintf("it says: %.2000s", ready.Err)}
	}
	if _, _, err := net.SplitHostPort(ready.Address); err != nil || len(ready.Address) > 300 {
		return "", fmt.Errorf("it announces the address %.80q, which is not host:port", ready.Address)
	}
	return ready.Address, nil
}

// exchange sends the welcome and reads the answer.
func exchange(p pipes, w Welcome) (r Ready, err error) {
	if err := json.NewEncoder(p.welcomeW).Encode(w); err != nil {
		return r, err
	}
	if err := p.welcomeW.Close(); err != nil {
		return r, err
	}
	return readReady(p.readyR)
}

// hostedEnvironment is what a hosted driver inherits beside its settings: with the daemon's home, checkpoints lie where `driver` looks.
func hostedEnvironment(s Submission, folder string, first bool) []string {
	env := cleanEnvironment()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for _, e := range s.Env {
		// What is meant for one start must not be repeated: --fresh would throw away what was committed since.
		if name, _, _ := strings.Cut(e, "="); first || !onceOnly[name] {
			env = append(env, e)
		}
	}
	env = append(env, "TIDEMILL_MODE=run", "TIDEMILL_JOB_FILE="+s.Job, "TIDEMILL_TELL="+filepath.Join(folder, tellName), "TIDEMILL_HOSTED=true")
	if s.File != nil {
		env = append(env, "TIDEMILL_CONFIG="+filepath.Join(folder, configName))
	}
	if s.Standby {
		env = append(env, "TIDEMILL_STANDBY=true")
	}
	return env
}
