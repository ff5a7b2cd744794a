package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
	"github.com/tidemill/tidemill/cmd/crash/netns"
	"github.com/tidemill/tidemill/cmd/crash/rig"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// run is one run under way. It belongs to one goroutine.
type run struct {
	s     *settings
	p     plan
	dir   string
	truth ledger.Truth

	rig  *rig.Rig
	net  *netns.Network // nil but with -netns
	tail *tail.Tail

	due      []chore
	deeds    []Deed
	frozen   []rig.Pid          // by the zombie fault at hand
	killed   map[*rig.Proc]bool // executors
	done     bool               // the job has ended in order
	credit   int                // ends of drivers that a fault explains
	restarts int                // of drivers, without those by their supervisors
	progress time.Time          // of the last commit, or when something began that takes time
	commits  int                // that were there then
	verdict  ledger.Verdict
	seen     ledger.Verdict // while the job ran, the first time that something was amiss
	phases   phases
	since    time.Time // when the phase at hand began
}

// phase ends one: its length goes to to.
func (r *run) phase(to *time.Duration) {
	now := time.Now()
	*to, r.since = now.Sub(r.since), now
}

// chore is something to do at a time: to let go on what was stopped, to start what was killed.
type chore struct {
	at   time.Time
	hold bool // what waits for it is not a hang
	do   func() error
}

// hang says that a run does not get on.
type hang struct{ what string }

func (h *hang) Error() string { return "hang: " + h.what }

// newRun prepares a run's folder: its input and its configuration.
func newRun(s *settings, p plan) (*run, error) {
	r := &run{s: s, p: p, dir: filepath.Join(s.reports, p.Name), killed: map[*rig.Proc]bool{}, since: time.Now()}
	if err := os.RemoveAll(r.dir); err != nil {
		return nil, err
	}
	if err := ledger.WriteInput(filepath.Join(r.dir, "in"), p.Size); err != nil {
		return nil, err
	}
	for _, d := range []string{"out", "scratch"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	r.truth = ledger.TruthOf(p.Size)
	r.tail = tail.Open(filepath.Join(r.dir, "checkpoint"))
	return r, os.WriteFile(filepath.Join(r.dir, "tidemill.yaml"), []byte(r.config()), 0o644)
}

func (r *run) place() ledger.Place {
	return ledger.Place{Dir: filepath.Join(r.dir, "out"), SQLite: r.p.SQLite}
}

func (r *run) config() string {
	var sinks strings.Builder
	for name, url := range r.place().Sinks() {
		fmt.Fprintf(&sinks, "  %s: %q\n", name, url)
	}
	return fmt.Sprintf(`interval: %v
ui: "off"
sources:
  entries: "files://%s?format=csv&bounded=true&split=8192"
sinks:
%slimits:
  rows_per_batch: %d
rate:
  control: false
scratch: %s
`, r.s.interval, filepath.Join(r.dir, "in"), sinks.String(), r.s.perBatch, filepath.Join(r.dir, "scratch"))
}

// begin starts the processes.
func (r *run) begin() error {
	o := rig.Options{
		Dir: r.dir, Driver: r.s.driver, Executor: r.s.executor, Executors: r.s.executors(), Job: filepath.Join(r.s.job, "ledger", "ledger.go"),
		Args:   []string{"-delay", (r.p.Size.Disorder + time.Second).String(), "-window", r.p.Size.Window.String()},
		Config: filepath.Join(r.dir, "tidemill.yaml"), Checkpoint: filepath.Join(r.dir, "checkpoint"),
	}
	if r.p.Schedule.Frames != "" {
		o.Env = []string{"GOFLAGS=" + strings.TrimSpace(os.Getenv("GOFLAGS")+" -tags=faults")}
		o.ExecutorEnv = []string{"TIDEMILL_FAULTS=" + r.p.Schedule.Frames}
	}
	if r.s.netns {
		var err error
		if r.net, err = netns.New(o.Executors + 1); err != nil {
			return err
		}
		o.Ground = r.net
		certs, err := issue(r.s.driver, filepath.Join(r.dir, "certs"), r.net, o.Executors)
		if err != nil {
			return err
		}
		o.Identity = certs.flags
	}
	var err error
	if r.rig, err = rig.New(o); err != nil {
		return err
	}
	for i := 1; i <= o.Executors; i++ {
		if err := r.rig.StartExecutor(i); err != nil {
			return err
		}
	}
	if _, err := r.rig.StartDriver(false); err != nil {
		return err
	}
	if err := r.await("the first commit", func() bool { return r.tail.Last() > 0 }); err != nil {
		return err
	}
	r.phase(&r.phases.Start)
	if r.p.Schedule.Standby {
		_, err = r.rig.StartDriver(true)
	}
	return err
}

// do runs the job to its end, and everything that the schedule has in the way. The processes are gone afterwards.
func (r *run) do() (err error) {
	defer func() {
		if !r.done {
			r.verdict.Add(r.seen)
		}
		if h := (*hang)(nil); errors.As(err, &h) && r.rig != nil {
			r.rig.Dump()
		}
		err = errors.Join(err, r.close())
		settle(r.deeds, r.tail.Commits())
	}()
	if err := r.begin(); err != nil {
		return err
	}
	for _, f := range r.p.Schedule.Faults {
		if err := r.strike(f); err != nil || r.done {
			return errors.Join(err, r.finish())
		}
	}
	if err := r.await("the end of the job", func() bool { return r.done }); err != nil {
		return err
	}
	return r.finish()
}

// finish waits for what is still held, lets everybody leave in order, and judges. Zombies that go on after the end must change nothing
// either.
func (r *run) finish() error {
	if !r.done {
		return nil
	}
	if err := r.await("the end of the last stop", func() bool { return !slices.ContainsFunc(r.due, func(c chore) bool { return c.hold }) }); err != nil {
		return err
	}
	r.due = nil
	r.phase(&r.phases.Job)
	for _, d := range r.rig.Drivers() {
		if err := d.Signal(sigterm); err != nil {
			return err
		}
		if ended, _ := d.Wait(leave); !ended {
			return &hang{fmt.Sprintf("%s has not ended %v after SIGTERM", d.Name, leave)}
		}
	}
	if err := r.rig.StopExecutors(leave); err != nil {
		return &hang{err.Error()}
	}
	r.phase(&r.phases.Leave)
	defer r.phase(&r.phases.Judge)
	return r.judge()
}

// leave is how long somebody may take who is asked to end.
const leave = 30 * time.Second

func (r *run) judge() error {
	got, err := ledger.Read(r.place())
	if err != nil {
		return fmt.Errorf("read the outputs: %w", err)
	}
	r.verdict.Add(ledger.Judge(r.truth, got, true))
	if r.verdict.Good() { // else it says the same
		r.verdict.Add(r.seen)
	}
	if err := r.keepOutputs(got); err != nil {
		return err
	}
	return r.auditLog()
}

// peek judges what a reader sees now.
func (r *run) peek() error {
	if !r.seen.Good() {
		return nil
	}
	got, err := ledger.Read(r.place())
	if err != nil {
		return fmt.Errorf("read the outputs while the job runs: %w", err)
	}
	r.seen = ledger.Judge(r.truth, got, false)
	for i, f := range r.seen.Findings {
		r.seen.Findings[i] = "while the job ran: " + f
	}
	return nil
}

func (r *run) close() error {
	errs := []error{r.tail.Close()}
	if r.rig != nil {
		errs = append(errs, r.rig.Close())
	}
	if r.net != nil {
		errs = append(errs, r.net.Close())
	}
	return errors.Join(errs...)
}
