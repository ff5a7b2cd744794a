package supervise

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/executor/node/restart"
)

// stopSignals stop the job; SIGTSTP (Ctrl-Z) only for a while.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTSTP}

// Options says what to run.
type Options struct {
	// Command makes the command of the next start, with its standard files. Run sets SysProcAttr.
	Command func() *exec.Cmd
	// Progress is the last committed batch, asked after a crash. nil, or false, means that it is not known; then a run
	// of a minute counts as progress.
	Progress func() (batch int64, ok bool)
	// Log gets the messages about crashes. Default os.Stderr.
	Log io.Writer

	after func(time.Duration) <-chan time.Time // for tests: time.After
}

func (o Options) withDefaults() Options {
	if o.Progress == nil {
		o.Progress = func() (int64, bool) { return 0, false }
	}
	if o.Log == nil {
		o.Log = os.Stderr
	}
	if o.after == nil {
		o.after = time.After
	}
	return o
}

// Run runs the job until it ends for good, and gives its exit status. An error means that it could not be started.
func Run(o Options) (status int, err error) {
	r := run{Options: o.withDefaults(), signals: make(chan os.Signal, 8)}
	signal.Notify(r.signals, stopSignals...)
	defer signal.Stop(r.signals)
	for {
		e, err := r.once()
		if err != nil {
			return 1, err
		}
		if r.stops > 0 {
			return e.Status, nil
		}
		d := r.policy.Next(e)
		if d.Message != "" {
			fmt.Fprintln(r.Log, "driver:", d.Message)
		}
		if !d.Restart || !r.wait(d.After) {
			return e.Status, nil
		}
	}
}

type run struct {
	Options
	policy  restart.Policy
	signals chan os.Signal
	stops   int // how often a signal said to stop
}

// once runs the job once.
func (r *run) once() (restart.Exit, error) {
	begin := time.Now()
	cmd := r.Command()
	started, ended := make(chan error, 1), make(chan error, 1)
	go startAndWait(cmd, started, ended)
	if err := <-started; err != nil {
		return restart.Exit{}, fmt.Errorf("start the job: %w", err)
	}
	for {
		select {
		case s := <-r.signals:
			r.pass(s, cmd.Process)
		case err := <-ended:
			e, err := restart.ExitOf(cmd.ProcessState, err)
			if e.Ran = time.Since(begin); e.Crash {
				e.Batch, e.Known = r.Progress()
			}
			return e, err
		}
	}
}

// startAndWait keeps to one thread of the system: the kernel sends the signal of parent's death when the thread that
// started the child ends.
func startAndWait(cmd *exec.Cmd, started, ended chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = childAttr()
	err := cmd.Start()
	started <- err
	if err == nil {
		ended <- cmd.Wait()
	}
}

// pass sends the signal to the job. A process that has ended meanwhile is no error.
func (r *run) pass(s os.Signal, job *os.Process) {
	if s == syscall.SIGTSTP {
		// Ctrl-Z stops both; what comes after the stop runs when the shell lets this process go on.
		job.Signal(syscall.SIGSTOP)
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		job.Signal(syscall.SIGCONT)
		return
	}
	r.stops++
	if r.stops > 2 {
		s = syscall.SIGKILL
	}
	job.Signal(s)
}

// wait waits before a restart, and reports whether there is to be one.
func (r *run) wait(d time.Duration) bool {
	timer := r.after(d)
	for {
		select {
		case <-timer:
			return true
		case s := <-r.signals:
			if s != syscall.SIGTSTP {
				return false
			}
			syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		}
	}
}

// Once runs the command like Run, but takes every end as an answer: for what is quick and harmless to start again by hand.
func Once(command func() *exec.Cmd) (status int, err error) {
	r := run{Options: Options{Command: command}.withDefaults(), signals: make(chan os.Signal, 8)}
	signal.Notify(r.signals, stopSignals...)
	defer signal.Stop(r.signals)
	e, err := r.once()
	if err != nil {
		return 1, err
	}
	return e.Status, nil
}
