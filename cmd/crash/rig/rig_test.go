package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test's binary stand in for the commands: it starts a child of its own, as executors and drivers do, and both wait
// for what they were told.
func TestMain(m *testing.M) {
	if os.Getenv("RIG_TEST") == "" {
		goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/tidemill/tidemill/cmd/crash/rig.init.0.func1")) // the thread that lasts
	}
	if os.Getenv("RIG_TEST") == "parent" {
		fmt.Println(strings.Join(os.Args[1:], " "), os.Getenv("RIG_MORE"), os.Getenv("TIDEMILL_X"))
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RIG_TEST=child")
		cmd.SysProcAttr = dieWithUs()
		if err := cmd.Start(); err != nil {
			panic(err)
		}
	}
	<-time.After(time.Minute)
}

func newRig(t *testing.T, executors int) *Rig {
	t.Setenv("RIG_TEST", "parent")
	t.Setenv("TIDEMILL_X", "not passed on")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Dir: t.TempDir(), Driver: self, Executor: self, Executors: executors, Job: "job.go", Args: []string{"-delay", "1s"},
		Config: "c.yaml", Checkpoint: t.TempDir(), Env: []string{"RIG_MORE=more"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// until waits for what a process does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("not within 30 s: " + what)
		}
	}
}

func TestCommands(t *testing.T) {
	r := newRig(t, 2)
	if err := r.StartExecutor(2); err != nil {
		t.Fatal(err)
	}
	d, err := r.StartDriver(true)
	if err != nil {
		t.Fatal(err)
	}
	a, b := r.addresses[1], r.addresses[2]
	if !strings.HasPrefix(a.control, "127.0.0.1:") || !strings.HasPrefix(b.gossip, "127.0.0.2:") {
		t.Errorf("addresses %v", r.addresses)
	}
	for p, want := range map[*Proc]string{
		r.Executor(2): fmt.Sprintf("--name ex-2 --listen %s --gossip %s --dir %s --slots 2 --join %s  \n", b.control, b.gossip, filepath.Join(r.o.Dir, "ex-2"), a.gossip),
		d:             fmt.Sprintf("run --config c.yaml --checkpoint %s --cluster %s,%s --standby job.go -- -delay 1s more \n", r.o.Checkpoint, a.control, b.control),
	} {
		until(t, p.Name+" prints", func() bool { text, _ := os.ReadFile(p.Log); return strings.Contains(string(text), "\n") })
		if text, _ := os.ReadFile(p.Log); string(text) != want {
			t.Errorf("%s printed %q, want %q", p.Name, text, want)
		}
	}
}

func TestKill(t *testing.T) {
	r := newRig(t, 1)
	if err := r.StartExecutor(1); err != nil {
		t.Fatal(err)
	}
	until(t, "a worker", func() bool { return len(r.Workers(1)) == 1 })
	w := r.Workers(1)[0]
	if err := w.Signal(syscall.SIGSTOP); err != nil || !w.Alive() {
		t.Fatalf("stopped: %v, alive %v", err, w.Alive())
	}
	if err := r.Executor(1).Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the worker dies with its executor", func() bool { return !w.Alive() })
	if err := w.Signal(syscall.SIGCONT); !errors.Is(err, ErrGone) {
		t.Errorf("a signal to a worker that is gone: %v", err)
	}
	if (Pid{os.Getpid(), 1, 1}).Alive() {
		t.Error("another process of the same number counts as the one that was meant")
	}
	if err := r.StartExecutor(1); err != nil {
		t.Fatal(err)
	}
	until(t, "another worker", func() bool { return len(r.Workers(1)) == 1 })
	if p := r.Executor(1); filepath.Base(p.Log) != "ex-1.2.log" {
		t.Errorf("the second start prints to %s", p.Log)
	}
}

func TestLeader(t *testing.T) {
	r := newRig(t, 0)
	d, err := r.StartDriver(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := r.Leader(); ok {
		t.Error("a leader without an epoch")
	}
	until(t, "a child", func() bool { return len(below(d.ID().Number)) == 1 })
	child := below(d.ID().Number)[0]
	if err := os.Mkdir(filepath.Join(r.o.Checkpoint, "epoch"), 0o755); err != nil {
		t.Fatal(err)
	}
	for epoch, pid := range map[string]int{"9": 1, "10": child.Number} {
		if err := os.WriteFile(filepath.Join(r.o.Checkpoint, "epoch", epoch), fmt.Appendf(nil, `{"epoch":%s,"pid":%d}`, epoch, pid), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if leader, of, ok := r.Leader(); !ok || leader != child || of != d {
		t.Errorf("leader %v of %v, %v; want %v", leader, of, ok, child)
	}
	r.Dump() // the child and then its parent end with their goroutines in the log
	if ended, _ := d.Wait(10 * time.Second); !ended {
		t.Fatal("SIGQUIT did not end it")
	}
	if text, _ := os.ReadFile(d.Log); !strings.Contains(string(text), "goroutine 1 ") {
		t.Errorf("no goroutines in %s, which has %d bytes", d.Log, len(text))
	}
	if len(r.Drivers()) != 0 {
		t.Error("a driver that has ended is still listed")
	}
}
