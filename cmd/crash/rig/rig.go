package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options say what to run, and where.
type Options struct {
	Dir              string                  // for logs, executors' folders and temporary files; made if it is not there
	Driver, Executor string                  // binaries
	Executors        int                     // how many; 0 = local mode
	Slots            int                     // of each; 0 means 2
	Job              string                  // .go file
	Args             []string                // of the job
	Config           string                  // tidemill.yaml
	Checkpoint       string                  // folder
	Env              []string                // more variables for drivers, NAME=value
	ExecutorEnv      []string                // more variables for executors
	Identity         func(node int) []string // more flags for what runs at a node: where its certificate is
	Ground           Ground                  // nil means Loopback
}

// Rig is the processes.
type Rig struct {
	o         Options
	executors []*Proc // by node; 0 is nil
	addresses []address
	drivers   []*Proc // that run, or have ended and Ended was not asked
	all       []*Proc
	starts    map[string]int
}

// address is where an executor listens.
type address struct{ control, gossip string }

// New finds ports; it starts nothing.
func New(o Options) (*Rig, error) {
	if o.Ground == nil {
		o.Ground = Loopback{}
	}
	o.Slots = max(o.Slots, 2)
	r := &Rig{o: o, executors: make([]*Proc, o.Executors+1), addresses: make([]address, o.Executors+1), starts: map[string]int{}}
	for _, d := range []string{r.logs(), r.tmp()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	for i := 1; i <= o.Executors; i++ {
		for ip, to := range map[string]*string{"": &r.addresses[i].control, "g": &r.addresses[i].gossip} {
			at := o.Ground.Control(i)
			if ip == "g" {
				at = o.Ground.Gossip(i)
			}
			port, err := freePort(o.Ground, i, at)
			if err != nil {
				return nil, fmt.Errorf("find a port for executor %d: %w", i, err)
			}
			*to = net.JoinHostPort(at, strconv.Itoa(port))
		}
	}
	return r, nil
}

func (r *Rig) logs() string { return filepath.Join(r.o.Dir, "logs") }
func (r *Rig) tmp() string  { return filepath.Join(r.o.Dir, "tmp") }

// Cluster are the addresses that drivers, and commands like driver scale, find the cluster by: those of all executors.
func (r *Rig) Cluster() string {
	var out []string
	for _, a := range r.addresses[1:] {
		out = append(out, a.control)
	}
	return strings.Join(out, ",")
}

// others are the addresses of the gossip of all executors but one.
func (r *Rig) others(but int) string {
	var out []string
	for i, a := range r.addresses {
		if i > 0 && i != but {
			out = append(out, a.gossip)
		}
	}
	return strings.Join(out, ",")
}

// StartExecutor starts executor i.
func (r *Rig) StartExecutor(i int) error {
	name := fmt.Sprintf("ex-%d", i)
	dir := filepath.Join(r.o.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"--name", name, "--listen", r.addresses[i].control, "--gossip", r.addresses[i].gossip, "--dir", dir, "--slots", strconv.Itoa(r.o.Slots)}
	if others := r.others(i); others != "" {
		args = append(args, "--join", others)
	}
	p, err := r.start(i, name, r.o.Executor, append(args, r.identity(i)...), r.o.ExecutorEnv)
	r.executors[i] = p
	return err
}

// StartDriver starts a driver: one that takes the job at once, or a standby that waits until nobody has it.
func (r *Rig) StartDriver(standby bool) (*Proc, error) {
	args := []string{"run", "--config", r.o.Config, "--checkpoint", r.o.Checkpoint}
	if r.o.Executors > 0 {
		args = append(append(args, "--cluster", r.Cluster()), r.identity(0)...)
	}
	name := "driver"
	if standby {
		name, args = "standby", append(args, "--standby")
	}
	if args = append(args, r.o.Job); len(r.o.Args) > 0 {
		args = append(append(args, "--"), r.o.Args...)
	}
	p, err := r.start(0, name, r.o.Driver, args, r.o.Env)
	if err == nil {
		r.drivers = append(r.drivers, p)
	}
	return p, err
}

func (r *Rig) start(node int, name, binary string, args, env []string) (*Proc, error) {
	r.starts[name]++
	cmd := exec.Command(binary, args...)
	cmd.Env = append(r.environ(), env...)
	p, err := start(r.o.Ground, node, name, filepath.Join(r.logs(), fmt.Sprintf("%s.%d.log", name, r.starts[name])), cmd)
	if err == nil {
		r.all = append(r.all, p)
	}
	return p, err
}

// environ is this process's, without what a developer has set for jobs of their own.
func (r *Rig) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "TIDEMILL_") && !strings.HasPrefix(v, "TIDEMILL_ENGINE=")
	})
	return append(env, "TMPDIR="+r.tmp())
}

// identity are the flags by which a node finds its certificate.
func (r *Rig) identity(node int) []string {
	if r.o.Identity == nil {
		return nil
	}
	return r.o.Identity(node)
}

// Executor is executor i, nil if it was not started.
func (r *Rig) Executor(i int) *Proc { return r.executors[i] }

// Workers are the processes that executor i has started.
func (r *Rig) Workers(i int) []Pid {
	if p := r.executors[i]; p != nil {
		return below(p.id.Number)
	}
	return nil
}

// Drivers are those that have not ended.
func (r *Rig) Drivers() []*Proc {
	var out []*Proc
	for _, p := range r.drivers {
		if ended, _ := p.Ended(); !ended {
			out = append(out, p)
		}
	}
	return out
}

// Ended are the drivers that have ended since it was asked last.
func (r *Rig) Ended() []*Proc {
	var out []*Proc
	r.drivers = slices.DeleteFunc(r.drivers, func(p *Proc) bool {
		ended, _ := p.Ended()
		if ended {
			out = append(out, p)
		}
		return ended
	})
	return out
}

// Leader is the driver's process that owns the checkpoint, and the command that runs it, if it is alive.
func (r *Rig) Leader() (leader Pid, of *Proc, ok bool) {
	number, err := holder(r.o.Checkpoint)
	if err != nil {
		return Pid{}, nil, false
	}
	for _, d := range r.Drivers() {
		for _, p := range below(d.id.Number) {
			if p.Number == number {
				return p, d, true
			}
		}
	}
	return Pid{}, nil, false
}

// holder is the pid in the newest epoch's file, see driver/store.
func holder(checkpoint string) (pid int, err error) {
	entries, err := os.ReadDir(filepath.Join(checkpoint, "epoch"))
	if err != nil {
		return 0, err
	}
	newest := uint64(0)
	for _, e := range entries {
		if n, err := strconv.ParseUint(e.Name(), 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	text, err := os.ReadFile(filepath.Join(checkpoint, "epoch", strconv.FormatUint(newest, 10)))
	if err != nil {
		return 0, err
	}
	var h struct{ Pid int }
	return h.Pid, json.Unmarshal(text, &h)
}

// Dump has every process print its goroutines into its log, and ends it so.
func (r *Rig) Dump() {
	pids := r.pids()
	for _, s := range []syscall.Signal{syscall.SIGCONT, syscall.SIGQUIT} {
		for _, p := range slices.Backward(pids) { // workers and drivers before who would kill them
			_ = p.Signal(s)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for _, p := range pids {
		for p.Alive() && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// pids are all processes that live: those started here, each with its descendants behind it.
func (r *Rig) pids() (out []Pid) {
	for _, p := range r.all {
		if ended, _ := p.Ended(); !ended {
			out = append(append(out, p.id), below(p.id.Number)...)
		}
	}
	return out
}

// Close kills whatever runs, and waits for it. It may be called again.
func (r *Rig) Close() error {
	pids := r.pids()
	var errs []error
	for _, p := range r.all {
		errs = append(errs, p.Kill())
	}
	for _, p := range pids { // what was not killed with its parent
		if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, ErrGone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// StopExecutors lets executors end in order, at most for a time each.
func (r *Rig) StopExecutors(most time.Duration) error {
	for _, p := range r.executors[1:] {
		if p != nil {
			if err := p.Signal(syscall.SIGTERM); err != nil {
				return err
			}
		}
	}
	for _, p := range r.executors[1:] {
		if p == nil {
			continue
		}
		if ended, _ := p.Wait(most); !ended {
			return fmt.Errorf("%s has not ended %v after SIGTERM", p.Name, most)
		}
	}
	return nil
}
