package batchlog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// sleeper is a fence whose driver falls asleep right after its k-th check.
type sleeper struct {
	*store.Lock
	k     int
	sleep func()
}

func (s *sleeper) Check() error {
	err := s.Lock.Check()
	if s.k--; s.k == 0 {
		s.sleep()
	}
	return err
}

// A driver sleeps after each of its checks in turn while another takes over and
// works, then wakes and goes on as if nothing were. It is told before it
// believes anything that its successor did not see, and it changes nothing.
func TestZombieAtEveryCheck(t *testing.T) { synctest.Test(t, zombieAtEveryCheck) }

func zombieAtEveryCheck(t *testing.T) {
	slept := true
	for k := 1; slept; k++ {
		slept = false
		fsys := crashfs.New()
		var zombie, heir world
		var d2 *driver
		var err error
		z := &driver{}
		if z.st, err = store.OpenDir("/ck", store.DirOptions{FS: fsys}); err != nil {
			t.Fatal(err)
		}
		if z.lk, err = store.Acquire(context.Background(), z.st, lockOptions(false)); err != nil {
			t.Fatal(err)
		}
		fence := &sleeper{Lock: z.lk, k: k, sleep: func() {
			slept = true
			if d2, err = start(fsys, true, small); err != nil {
				t.Fatalf("check %d: %v", k, err)
			}
			heir = zombie.clone()
			if err := errors.Join(heir.check(fsys), heir.finish(d2, 9), heir.compact(d2, heir.keep+2)); err != nil {
				t.Fatalf("check %d: the heir: %v", k, err)
			}
		}}
		if z.log, z.rec, err = batchlog.Open(z.st, fence, small); err == nil {
			err = errors.Join(zombie.part(z, 0), z.log.Close())
		}
		if slept && !errors.Is(err, store.ErrFenced) && !slices.Equal(zombie.acked, heir.acked[:min(len(zombie.acked), len(heir.acked))]) {
			t.Fatalf("check %d: the zombie ends with %v", k, err)
		}
		if slept {
			checkHeir(t, k, fsys, d2, zombie, heir)
		}
		if err := z.lk.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

func checkHeir(t *testing.T, k int, fsys *crashfs.FS, d2 *driver, zombie, heir world) {
	t.Helper()
	if n := len(zombie.acked); n > len(heir.acked) || !slices.Equal(zombie.acked, heir.acked[:n]) {
		t.Fatalf("check %d: the zombie believes in\n%v\nits heir in\n%v", k, zombie.acked, heir.acked)
	}
	d2.rec, _ = batchlog.Read(d2.st)
	if err := errors.Join(heir.check(fsys), heir.finish(d2, 2)); err != nil {
		t.Fatalf("check %d: after the zombie woke: %v", k, err)
	}
	for _, im := range images()[:4] {
		c := heir.clone()
		c.keep = max(c.keep, zombie.keep)
		if err := recoverFrom(im.fsys(fsys), c, uint64(k)); err != nil {
			t.Fatalf("check %d, then %s: %v", k, im.name, err)
		}
	}
	if err := d2.stop(); err != nil {
		t.Fatal(err)
	}
}

// racing is a store whose k-th call is preceded by something else.
type racing struct {
	store.Store
	k  int
	do func()
}

func (r *racing) step() {
	if r.k--; r.k == 0 {
		r.do()
	}
}

func (r *racing) Create(n string, b []byte) error { r.step(); return r.Store.Create(n, b) }
func (r *racing) Publish(n string, w func(io.Writer) error) error {
	r.step()
	return r.Store.Publish(n, w)
}
func (r *racing) List(n string) ([]store.Entry, error)           { r.step(); return r.Store.List(n) }
func (r *racing) Stat(n string) (store.Entry, error)             { r.step(); return r.Store.Stat(n) }
func (r *racing) Open(n string) (store.Reader, error)            { r.step(); return r.Store.Open(n) }
func (r *racing) Remove(n string) error                          { r.step(); return r.Store.Remove(n) }
func (r *racing) Log(n string, h []byte) (store.Appender, error) { r.step(); return r.Store.Log(n, h) }
func (r *racing) Settle(n string, from, length int64) error {
	r.step()
	return r.Store.Settle(n, from, length)
}
func (r *racing) Beat(n string, b []byte) error { r.step(); return r.Store.Beat(n, b) }

// A driver that is about to be fenced commits at each step of its successor's
// start. What it was told is durable, the successor finds.
func TestCommitDuringTakeover(t *testing.T) {
	acked, fenced := 0, 0
	raced := true
	for k := 1; raced; k++ {
		raced = false
		fsys, w := crashfs.New(), world{}
		z := mustStart(t, fsys, batchlog.Options{})
		if err := w.append(z, entry{plan, 1, "p1"}); err != nil {
			t.Fatal(err)
		}
		st, err := store.OpenDir("/ck", store.DirOptions{FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		r := &racing{Store: st, k: k, do: func() {
			raced = true
			switch err := w.append(z, entry{commit, 1, "c1"}); {
			case err == nil:
				acked++
			case errors.Is(err, store.ErrFenced):
				fenced++
			default:
				t.Fatal(err)
			}
		}}
		lk, err := store.Acquire(context.Background(), r, lockOptions(true))
		if err != nil {
			t.Fatal(err)
		}
		l, rec, err := batchlog.Open(r, lk, batchlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		wasAcked := len(w.acked) == 2
		if wasAcked && rec.Commit == nil {
			t.Fatalf("call %d: the zombie's commit was acknowledged and is lost", k)
		}
		if err := w.check(fsys); err != nil {
			t.Fatalf("call %d: %v", k, err)
		}
		if err := errors.Join(l.Close(), lk.Release(), z.stop(), st.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if acked < 3 || fenced < 3 {
		t.Errorf("%d commits acknowledged, %d fenced: the takeover was not covered", acked, fenced)
	}
}

func TestFencedErrorNamesTheNewer(t *testing.T) {
	fsys := crashfs.New()
	z := mustStart(t, fsys, batchlog.Options{})
	d, err := start(fsys, true, batchlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = z.log.Append(plan, 1, nil)
	var fe *store.FencedError
	if !errors.As(err, &fe) || fe.Newer.Epoch != d.lk.Epoch() || fe.Newer.Pid == 0 {
		t.Fatalf("got %v", err)
	}
	if want := fmt.Sprint(fe.Newer.Pid); !slices.Contains([]byte(err.Error()), want[0]) {
		t.Errorf("%v does not name pid %s", err, want)
	}
	if err := errors.Join(d.stop(), z.stop()); err != nil {
		t.Fatal(err)
	}
}
