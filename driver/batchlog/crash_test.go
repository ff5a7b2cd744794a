package batchlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"

	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// image is what a disk or a page cache may hold after a crash.
type image struct {
	name string
	fsys func(*crashfs.FS) *crashfs.FS
}

func images() []image {
	is := []image{
		{"killed", (*crashfs.FS).Kill},
		{"power cut, all unsynced lost", func(f *crashfs.FS) *crashfs.FS { return f.PowerCut(0, 0) }},
	}
	for seed := uint64(1); seed <= 6; seed++ {
		is = append(is, image{fmt.Sprintf("power cut, seed %d", seed), func(f *crashfs.FS) *crashfs.FS { return f.PowerCut(seed, 0.5) }})
	}
	return is
}

// sessionCalls counts the I/O calls of a session without faults.
func sessionCalls(t *testing.T) int {
	fsys, w := crashfs.New(), world{}
	if err := w.session(fsys); err != nil {
		t.Fatal(err)
	}
	calls := fsys.Calls()
	if err := w.check(fsys); err != nil {
		t.Fatal(err)
	}
	if len(w.acked) < 20 || w.keep < 5 {
		t.Fatalf("the script did too little: %d records", len(w.acked))
	}
	return calls
}

// At each I/O call of a session the call fails in every way, or everything
// stops there; then the machine restarts from every image. Nothing that was
// acknowledged is lost, nothing else appears, recovery never refuses; and what
// the recovered driver then does survives a second crash.
//
// Time is false: a driver that died while it claimed its epoch left no name, so
// its successor watches its beat.
func TestCrashEverywhere(t *testing.T) { synctest.Test(t, crashEverywhere) }

func crashEverywhere(t *testing.T) {
	total := sessionCalls(t)
	runs := 0
	for k := 1; k <= total; k += stride {
		for _, fault := range []crashfs.Fault{crashfs.Crash, crashfs.IOError, crashfs.NoSpace, crashfs.ShortWrite} {
			fsys, w := crashfs.New(), world{}
			fsys.Fail(k, fault)
			err := w.session(fsys)
			if fault == crashfs.Crash && !errors.Is(err, crashfs.ErrCrashed) {
				t.Fatalf("call %d of %d (%s): crashed, but the session says %v", k, total, fsys.Call(k), err)
			}
			ims := images()
			if fault != crashfs.Crash {
				ims = ims[:4]
			}
			for _, im := range ims {
				runs++
				if err := recoverFrom(im.fsys(fsys), w.clone(), uint64(k)); err != nil {
					t.Fatalf("fault %d at call %d (%s), then %s: %v", fault, k, fsys.Call(k), im.name, err)
				}
			}
		}
	}
	t.Logf("%d calls, %d recoveries", total, runs)
}

// recoverFrom recovers, works on, and crashes again at once, without a sync
// that the log did not make itself.
func recoverFrom(fsys *crashfs.FS, w world, seed uint64) error {
	d, err := start(fsys, false, small)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	defer d.stop()
	if err := w.check(fsys); err != nil {
		return err
	}
	if err := w.finish(d, 2); err != nil {
		return err
	}
	for _, cut := range []*crashfs.FS{fsys.Kill(), fsys.PowerCut(seed, 0), fsys.PowerCut(seed, 0.5)} {
		c := w.clone()
		if err := c.check(cut); err != nil {
			return fmt.Errorf("after a second crash: %w", err)
		}
	}
	return nil
}

// The recovery itself crashes at every call, after a kill or a power cut at
// sampled (or, with TIDEMILL_NIGHTLY set, all) calls of the session.
func TestCrashInRecovery(t *testing.T) { synctest.Test(t, crashInRecovery) }

func crashInRecovery(t *testing.T) {
	total := sessionCalls(t)
	r := rand.New(rand.NewPCG(1, 2))
	step := func() int { return 1 + r.IntN(240*stride) }
	if os.Getenv("TIDEMILL_NIGHTLY") != "" {
		step = func() int { return 1 }
	}
	runs := 0
	for k := step(); k <= total; k += step() {
		fault := []crashfs.Fault{crashfs.Crash, crashfs.IOError}[r.IntN(2)]
		fsys, w := crashfs.New(), world{}
		fsys.Fail(k, fault)
		_ = w.session(fsys) // its error is the fault
		for _, im := range images()[:3] {
			for k2 := 1; ; k2++ {
				again, w2 := im.fsys(fsys), w.clone()
				again.Fail(k2, crashfs.Crash)
				d, err := start(again, false, small)
				if err == nil {
					err = w2.check(again) // adopts what is there: it may be built upon
					if err == nil {
						err = w2.finish(d, 1)
					}
					_ = d.stop()
				}
				if err != nil && !errors.Is(err, crashfs.ErrCrashed) {
					t.Fatalf("call %d, %s, call %d of recovery: %v", k, im.name, k2, err)
				}
				for _, im2 := range images()[:3] {
					runs++
					if err := recoverFrom(im2.fsys(again), w2.clone(), uint64(k2)); err != nil {
						t.Fatalf("fault %d at call %d (%s), %s, crash at call %d of recovery (%s), %s: %v",
							fault, k, fsys.Call(k), im.name, k2, again.Call(min(k2, again.Calls())), im2.name, err)
					}
				}
				if again.Calls() < k2 {
					break
				}
			}
		}
	}
	t.Logf("%d recoveries", runs)
}
