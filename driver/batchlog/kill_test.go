package batchlog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
)

const (
	killEnv  = "TIDEMILL_BATCHLOG_TEST_DIR"
	killKeep = 40
)

// realDriver opens a checkpoint on disk as a driver does.
func realDriver(dir string) (*driver, error) {
	d := &driver{}
	var err error
	if d.st, err = store.OpenDir(dir, store.DirOptions{}); err != nil {
		return nil, err
	}
	if d.lk, err = store.Acquire(context.Background(), d.st, store.LockOptions{Meta: store.Meta{Job: "kill"}}); err != nil {
		return nil, err
	}
	d.log, d.rec, err = batchlog.Open(d.st, d.lk, batchlog.Options{SegmentSize: 4 << 10})
	return d, err
}

// victim runs batches and says what is durable, until it is killed.
func victim(dir string) error {
	d, err := realDriver(dir)
	if err != nil {
		return err
	}
	step := func(typ batchlog.Type, n batchlog.Batch) error {
		if err := d.log.Append(typ, n, fmt.Appendf(nil, "payload %d", n)); err != nil {
			return err
		}
		_, err := fmt.Printf("%d %d\n", typ, n)
		return err
	}
	for _, p := range d.rec.Open {
		if err := step(commit, p.Batch); err != nil {
			return err
		}
	}
	for n := d.rec.Next; ; n++ {
		if err := errors.Join(step(plan, n), step(commit, n), d.log.Compact(n-killKeep)); err != nil {
			return err
		}
	}
}

// A real process is killed with SIGKILL 30 times while it appends. Everything
// it said was durable is there, and its successor goes on at once.
func TestKill9(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		fmt.Println("victim:", victim(dir))
		os.Exit(1)
	}
	dir, r := t.TempDir(), rand.New(rand.NewPCG(3, 1))
	total := 0
	for kill := range 30 {
		said := killOnce(t, dir, 1+r.IntN(120))
		total += len(said)
		checkSaid(t, kill, dir, said)
	}
	t.Logf("30 kills, %d records", total)
}

// killOnce runs a victim, kills it when it has said n lines, and returns all
// that it said.
func killOnce(t *testing.T, dir string, n int) []entry {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), killEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []entry
	for s := bufio.NewScanner(out); s.Scan(); {
		var e entry
		if _, err := fmt.Sscanf(s.Text(), "%d %d", &e.typ, &e.n); err != nil {
			t.Errorf("the victim says %q", s.Text())
			break
		}
		e.payload = fmt.Sprintf("payload %d", e.n)
		if said = append(said, e); len(said) == n {
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(said) < n {
		t.Fatalf("the victim ended by itself after %d lines", len(said))
	}
	return said
}

func checkSaid(t *testing.T, kill int, dir string, said []entry) {
	t.Helper()
	st, err := store.OpenDir(dir, store.DirOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	have := map[entry]bool{}
	var last batchlog.Batch
	for rec, err := range batchlog.History(st) {
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		have[entryOf(rec)] = true
		last = rec.Batch
	}
	for _, e := range said {
		if !have[e] && e.n >= last-killKeep {
			t.Fatalf("kill %d: %v was durable and is lost", kill, e)
		}
	}
}
