package store_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

func TestAwait(t *testing.T) {
	for _, c := range []struct {
		name    string
		locks   bool
		machine string // of the standby
		end     func(fsys *crashfs.FS, l *store.Lock) *crashfs.FS
		within  time.Duration // after the end
		least   time.Duration
	}{
		{"leaves, here", true, "m1", leave, 60 * time.Millisecond, 0},
		{"leaves, elsewhere", true, "m2", leave, 600 * time.Millisecond, 0},
		{"leaves, no locks", false, "m1", leave, 600 * time.Millisecond, 0},
		{"is killed, here", true, "m1", kill, 60 * time.Millisecond, 0},
		{"is killed, elsewhere", true, "m2", kill, 11 * time.Second, 9 * time.Second},
		{"is killed, no locks", false, "m1", kill, 11 * time.Second, 9 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fsys := crashfs.New()
				at := func() store.FS {
					if c.locks {
						return fsys
					}
					return noLocks{fsys}
				}
				l := acquire(t, open(t, "/ck", store.DirOptions{FS: at()}), ads())
				o := ads()
				o.Machine = c.machine
				s := &moving{open(t, "/ck", store.DirOptions{FS: at()})}
				var told []store.Epoch
				got := make(chan *store.Lock, 1)
				go func() {
					l, err := store.Await(context.Background(), s, o, func(h store.Holder) { told = append(told, h.Epoch) })
					if err != nil {
						t.Error(err)
					}
					got <- l
				}()
				time.Sleep(time.Minute)
				if len(got) > 0 || l.Check() != nil {
					t.Fatal("the standby disturbed a driver that lives")
				}
				fsys = c.end(fsys, l)
				s.Store = open(t, "/ck", store.DirOptions{FS: at()})
				start := time.Now()
				next := <-got
				if d := time.Since(start); d > c.within || d < c.least {
					t.Errorf("it took %v, want %v to %v", d, c.least, c.within)
				}
				if next.Epoch() != 2 || len(told) != 1 || told[0] != 1 {
					t.Errorf("epoch %d, told of %v", next.Epoch(), told)
				}
				next.Release()
				l.Release()
			})
		})
	}
}

// moving is a store that a test replaces, by what a crash left of it. A test in
// a bubble replaces it while nobody looks.
type moving struct{ store.Store }

func leave(fsys *crashfs.FS, l *store.Lock) *crashfs.FS { l.Release(); return fsys }
func kill(fsys *crashfs.FS, l *store.Lock) *crashfs.FS  { return fsys.Kill() }

// A driver that hangs with its lock is replaced when its beat has stood still, and
// its beat alone says nothing as long as it moves.
func TestAwaitPassesOneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := crashfs.New()
		s := open(t, "/ck", store.DirOptions{FS: fsys})
		hung, err := s.Lock("lock")
		if err != nil {
			t.Fatal(err)
		}
		defer hung.Close()
		if err := errors.Join(s.Create("epoch/1", []byte(`{"job":"ads","machine":"m1","flock":true,"pid":7}`)), s.Beat("beat/1", []byte("1"))); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		l, err := store.Await(context.Background(), s, ads(), nil)
		if err != nil || l.Epoch() != 2 || time.Since(start) < 10*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		l.Release()
	})
}

func TestAwaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := crashfs.New()
		s := open(t, "/ck", store.DirOptions{FS: fsys})
		l := acquire(t, s, ads())
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_, err := store.Await(ctx, s, ads(), nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		says(t, err, "/ck", "pid")
		l.Release()
		o := ads()
		o.Meta.Job = "clicks"
		_, err = store.Await(context.Background(), s, o, nil)
		says(t, err, `"ads"`, `"clicks"`)
		fsys.Fail(fsys.Calls()+1, crashfs.Crash)
		if _, err := store.Await(context.Background(), s, ads(), nil); err == nil {
			t.Error("a store that fails at the first look is waited for")
		}
	})
}

// A standby in this process takes over from a process that is killed, in no time.
func TestAwaitAfterAKill(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledDriverFreesTheLock$")
	cmd.Env = append(os.Environ(), helper+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = io.ReadFull(out, make([]byte, 5))
	}
	if err != nil {
		t.Fatal(err)
	}
	told, got := make(chan store.Holder, 1), make(chan error, 1)
	s := open(t, dir, store.DirOptions{})
	go func() {
		l, err := store.Await(context.Background(), s, ads2(), func(h store.Holder) { told <- h })
		if err == nil {
			err = l.Release()
		}
		got <- err
	}()
	if h := <-told; h.Pid != cmd.Process.Pid {
		t.Errorf("waits for %v", h)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second): // Patience is 10 s
		t.Error("the standby waits for the beat of a driver whose lock is free")
		<-got
	}
}

func ads2() store.LockOptions { return store.LockOptions{Meta: store.Meta{Job: "ads"}} }
