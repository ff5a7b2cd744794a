package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tidemill/tidemill/dstream"
)

// Each of these is a mistake that a user can make, or a thing that can happen to him: the error names it and says what to do.

func TestCheckpointOfAnotherJob(t *testing.T) {
	o := testOptions(t)
	if _, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), o); err != nil {
		t.Fatal(err)
	}
	o.Name = "other"
	_, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), o)
	wants(t, err, "test", "other", o.Checkpoint)
}

func TestCheckpointOfANewerFormat(t *testing.T) {
	o := testOptions(t)
	if _, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), o); err != nil {
		t.Fatal(err)
	}
	meta := filepath.Join(o.Checkpoint, "meta")
	text, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(meta, []byte(strings.Replace(string(text), `"format":1`, `"format":2`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, copies(numbers{n: 1, step: 1}, &kept{}), o)
	wants(t, err, "format 2", o.Checkpoint)
}

func TestTwoDriversOnOneCheckpoint(t *testing.T) {
	o, started := testOptions(t), make(chan struct{})
	o.Ready = func(Started) { close(started) }
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() { first <- Run(ctx, context.Background(), copies(numbers{n: 1 << 40, step: 1}, &kept{}), o) }()
	<-started
	second := o
	second.Ready = nil
	_, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), second)
	wants(t, err, o.Checkpoint, "pid")
	second.Fresh = true
	_, err = run(t, copies(numbers{n: 1, step: 1}, &kept{}), second)
	wants(t, err, "--fresh", "pid")
	cancel()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestFreshStartsOverAndTouchesNothingElse(t *testing.T) {
	o, k := testOptions(t), &kept{}
	if _, err := run(t, copies(numbers{n: 10, step: 5}, k), o); err != nil {
		t.Fatal(err)
	}
	o.Fresh = true
	again := &kept{}
	if _, err := run(t, copies(numbers{n: 10, step: 5}, again), o); err != nil {
		t.Fatal(err)
	}
	if n, _ := again.sum(); n != 10 {
		t.Errorf("%d rows after --fresh, want all 10 again", n)
	}
	o.Checkpoint = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.Checkpoint, "thesis.txt"), []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), o)
	wants(t, err, "no checkpoint", o.Checkpoint)
	if _, err := os.Stat(filepath.Join(o.Checkpoint, "thesis.txt")); err != nil {
		t.Error(err)
	}
}

func TestJobThatHasEndedStaysEnded(t *testing.T) {
	o := testOptions(t)
	if _, err := run(t, copies(numbers{n: 10, step: 5}, &kept{}), o); err != nil {
		t.Fatal(err)
	}
	k := &kept{}
	batches, err := run(t, copies(numbers{n: 10, step: 5}, k), o)
	if err != nil || len(batches) > 0 {
		t.Errorf("%d batches and %v, want none", len(batches), err)
	}
}

func TestBuildThatDiffersEachTime(t *testing.T) {
	calls := 0
	_, err := run(t, func(job *dstream.Job) {
		calls++
		s := job.Read("numbers", numbers{n: 1, step: 1})
		if calls%2 == 0 {
			s = s.Filter(func(int64) bool { return true })
		}
		s.Write("kept", &kept{})
	}, testOptions(t))
	wants(t, err, "two different graphs", "Filter", "refusals_test.go:")
}

func TestWorkerWhoseGraphDiffers(t *testing.T) {
	calls := 0
	_, err := run(t, func(job *dstream.Job) {
		calls++
		s := job.Read("numbers", numbers{n: 1, step: 1})
		if calls > 2 { // the driver's own calls agree
			s = s.Filter(func(int64) bool { return true })
		}
		s.Write("kept", &kept{})
	}, testOptions(t))
	wants(t, err, "worker's graph differs", "build must depend on nothing but its parameters")
}

func TestJobWithoutOutput(t *testing.T) {
	_, err := run(t, func(job *dstream.Job) {
		job.Read("numbers", numbers{n: 1, step: 1}).Map(func(n int64) int64 { return n })
	}, testOptions(t))
	wants(t, err, "no output", "WriteTo")
}

func TestStateThatTheJobNoLongerHas(t *testing.T) {
	o := testOptions(t)
	counting := func(name string, d time.Duration) func(*dstream.Job) {
		return func(job *dstream.Job) {
			job.Read("numbers", numbers{n: 10, step: 5}).KeyBy(dstream.Itself).Window(dstream.Tumbling(d)).Count().Named(name).
				Map(func(k int64, _ dstream.Window, n int64) int64 { return k }).Write("kept", &kept{})
		}
	}
	if _, err := run(t, counting("views", time.Hour), o); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, counting("clicks", time.Hour), o)
	wants(t, err, `"views"`, "it has: clicks", `Named("views")`, "--fresh")
	_, err = run(t, counting("views", time.Minute), o)
	wants(t, err, `"views"`, "another name", "--fresh")
}

func TestBadRecordFailsTheBatchAndNamesIt(t *testing.T) {
	_, err := run(t, func(job *dstream.Job) { job.Source[int64]("bad").Write("kept", &kept{}) }, withConnector(t, badRecords{}))
	wants(t, err, "batch 1", `"bad"`, "feed.ndjson:2", "not a number", `"x7"`, "dead_letters")
}

// badRecords gives one good record and one bad one.
type badRecords struct{}

func (badRecords) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	r := dstream.Range{To: dstream.Offsets("1"), Ended: true}
	if len(from) == 0 {
		r.Splits = []dstream.Split{{Name: "feed", To: 2}}
	}
	return r, nil
}

func (badRecords) Read(_ context.Context, _ dstream.Split, to *dstream.Reader) (int64, error) {
	*(*int64)(to.Row()) = 7
	if err := to.Add(); err != nil {
		return 0, err
	}
	return 2, to.Reject(dstream.BadRecord{Position: "feed.ndjson:2", Bytes: []byte("x7"), Reason: "not a number"})
}

func withConnector(t *testing.T, c dstream.Connector) Options {
	o := testOptions(t)
	o.Settings.Default = "test://"
	o.Place.Sources = map[string]dstream.Connector{"bad": c}
	return o
}

func TestBadRecordGoesToTheDeadLetters(t *testing.T) {
	o, k, dead := withConnector(t, badRecords{}), &kept{}, &deadSink{}
	o.Place.Sinks = map[string]dstream.RecordSink{dstream.DeadLetters: dead}
	batches, err := run(t, func(job *dstream.Job) { job.Source[int64]("bad").Write("kept", k) }, o)
	if err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 1 || sum != 7 {
		t.Errorf("%d good rows, sum %d", n, sum)
	}
	if got := strings.Join(dead.all(), " "); !strings.Contains(got, "feed.ndjson:2") || !strings.Contains(got, "not a number") {
		t.Errorf("dead letters: %s", got)
	}
	if s := batches[0].Sources[0]; s.Fetched != 2 || s.Delivered != 1 || s.Rejected != 1 {
		t.Errorf("the ledger of the source: %+v", s)
	}
}

// lossy says that it fetched one more than it delivered.
type lossy struct{ badRecords }

func (lossy) Read(_ context.Context, _ dstream.Split, to *dstream.Reader) (int64, error) {
	*(*int64)(to.Row()) = 7
	return 2, to.Add()
}

func TestLedgerCatchesASourceThatLosesRows(t *testing.T) {
	k := &kept{}
	_, err := run(t, func(job *dstream.Job) { job.Source[int64]("bad").Write("kept", k) }, withConnector(t, lossy{}))
	wants(t, err, "ledger", "split", "2 rows on one side, 1 on the other")
	if n, _ := k.sum(); n != 0 {
		t.Errorf("%d rows of a batch that does not balance were published", n)
	}
}

func TestLedgerCatchesASinkThatLosesRows(t *testing.T) {
	_, err := run(t, copies(numbers{n: 10, step: 10}, &kept{short: 1}), testOptions(t))
	wants(t, err, "ledger", "sink kept", "10 rows on one side")
}

func TestSinkThatFailsKeepsThePlan(t *testing.T) {
	o, k, writes := testOptions(t), &kept{}, atomic.Int64{}
	k.write = func(id dstream.WriteID) error {
		writes.Add(1)
		return errors.New("disk quota")
	}
	_, err := run(t, copies(numbers{n: 10, step: 10}, k), o)
	wants(t, err, "disk quota", `sink "kept"`)
	if writes.Load() != 5 {
		t.Errorf("%d writes, want one and four retries", writes.Load())
	}
	k.write = nil
	batches, err := run(t, copies(numbers{n: 10, step: 10}, k), o)
	if err != nil {
		t.Fatal(err)
	}
	if !batches[0].Redone {
		t.Error("the open plan was not redone")
	}
	if n, sum := k.sum(); n != 10 || sum != 45 {
		t.Errorf("%d rows, sum %d", n, sum)
	}
}

func TestPlanOfAnotherBinary(t *testing.T) {
	o, k := testOptions(t), &kept{write: func(dstream.WriteID) error { return errors.New("no") }}
	o.Binary = "aaaaaaaaaaaaaaaa"
	if _, err := run(t, copies(numbers{n: 10, step: 10}, k), o); err == nil {
		t.Fatal("the sink did not fail")
	}
	k.write = nil
	o.Binary = "bbbbbbbbbbbbbbbb"
	_, err := run(t, copies(numbers{n: 10, step: 10}, k), o)
	wants(t, err, "aaaaaaaaaaaa", "bbbbbbbbbbbb", "--replan")
	o.Replan = true
	var warned []string
	o.Warn = func(text string) { warned = append(warned, text) }
	batches, err := run(t, copies(numbers{n: 10, step: 10}, k), o)
	if err != nil {
		t.Fatal(err)
	}
	if batches[0].Redone || len(warned) != 1 {
		t.Errorf("redone %v, warnings %q; want a new plan and a warning", batches[0].Redone, warned)
	}
}

func TestStopAtOnceRedoesTheOpenBatch(t *testing.T) {
	o, k, reached := testOptions(t), &kept{}, make(chan struct{}, 100)
	now, leave := context.WithCancel(context.Background())
	s := numbers{n: 100, step: 50, read: func(dstream.Split) error { reached <- struct{}{}; <-now.Done(); return nil }}
	go func() { <-reached; leave() }()
	if err := Run(context.Background(), now, copies(s, k), o); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("%v, want ErrInterrupted", err)
	}
	batches, err := run(t, copies(numbers{n: 100, step: 50}, k), o)
	if err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 100 || sum != 4950 || !batches[0].Redone {
		t.Errorf("%d rows, sum %d, redone %v", n, sum, batches[0].Redone)
	}
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("cannot mount a small file system here:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	o := testOptions(t)
	o.Scratch, o.BlockMemory = dir, 1 // everything spills, and there is no room
	_, err := run(t, copies(numbers{n: 1 << 20, step: 1 << 20}, &kept{}), o)
	wants(t, err, "no space left on device", dir, "raise memory.blocks")
	o = testOptions(t)
	o.Checkpoint = dir
	_, err = run(t, copies(numbers{n: 1 << 20, step: 1 << 10}, &kept{}), o)
	wants(t, err, dir, "no space left", "start again")
}

func TestIntervalMayChangeWhileAPlanIsOpen(t *testing.T) {
	for _, other := range []time.Duration{2 * time.Millisecond, 30 * time.Millisecond} {
		o, k := testOptions(t), &kept{write: func(dstream.WriteID) error { return errors.New("no") }}
		if _, err := run(t, copies(numbers{n: 30, step: 10}, k), o); err == nil {
			t.Fatal("the sink did not fail")
		}
		k.write = nil
		o.Interval = other
		batches, err := run(t, copies(numbers{n: 30, step: 10}, k), o)
		if err != nil {
			t.Fatal(err)
		}
		if n, sum := k.sum(); n != 30 || sum != 435 || !batches[0].Redone {
			t.Errorf("%v: %d rows, sum %d, redone %v", other, n, sum, batches[0].Redone)
		}
		for i, b := range batches {
			if b.Ticks < 1 || b.Ticks > 10_000 || i > 0 && !b.Time.After(batches[i-1].Time) {
				t.Errorf("%v: batch %d at %v stands for %d ticks", other, b.Batch, b.Time, b.Ticks)
			}
		}
	}
}

// TestReplanOfThisBinary gives up a plan whose input is gone: the same binary could redo it, and never will.
func TestReplanOfThisBinary(t *testing.T) {
	o, k := testOptions(t), &kept{}
	gone := numbers{n: 10, step: 10, read: func(dstream.Split) error { return fmt.Errorf("its records are gone: %w", dstream.ErrPermanent) }}
	k.write = func(dstream.WriteID) error { return fmt.Errorf("no: %w", dstream.ErrPermanent) } // after the grant: the plan stays open
	if _, err := run(t, copies(numbers{n: 10, step: 10}, k), o); err == nil {
		t.Fatal("the sink did not fail")
	}
	k.write = nil
	for range 2 {
		if _, err := run(t, copies(gone, k), o); err == nil {
			t.Fatal("a batch was redone without its input")
		}
	}
	o.Replan = true
	batches, err := run(t, copies(numbers{n: 5, step: 5}, k), o)
	if err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 5 || sum != 10 || batches[0].Redone {
		t.Errorf("%d rows, sum %d, redone %v", n, sum, batches[0].Redone)
	}
}
