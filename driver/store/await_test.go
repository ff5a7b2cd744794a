package store_test

import (
	"context"
	"errors"
	"fmt"
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
		driver  func(t *testing.T, s store.Store) (end func())
		least   time.Duration // after its end
		most    time.Duration
	}{
		{"leaves, here", true, "m1", leaving, 0, 60 * time.Millisecond},
		{"leaves, elsewhere", true, "m2", leaving, 0, 600 * time.Millisecond},
		{"leaves, no locks", false, "m1", leaving, 0, 600 * time.Millisecond},
		{"is killed, here", true, "m1", killed, 0, 60 * time.Millisecond},
		{"is killed, elsewhere", true, "m2", killed, 9 * time.Second, 11 * time.Second},
		{"is killed, no locks", false, "m1", killed, 9 * time.Second, 11 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fsys store.FS = crashfs.New()
				if !c.locks {
					fsys = noLocks{fsys.(*crashfs.FS)}
				}
				s := open(t, "/ck", store.DirOptions{FS: fsys})
				end := c.driver(t, s)
				o := ads()
				o.Machine = c.machine
				var told []store.Epoch
				got := make(chan *store.Lock, 1)
				go func() {
					l, err := store.Await(context.Background(), open(t, "/ck", store.DirOptions{FS: fsys}), o, func(h store.Holder) { told = append(told, h.Epoch) })
					if err != nil {
						t.Error(err)
					}
					got <- l
				}()
				time.Sleep(time.Minute)
				if len(got) > 0 {
					t.Fatal("the standby took the checkpoint from a driver that lives")
				}
				end()
				start := time.Now()
				l := <-got
				if d := time.Since(start); d < c.least || d > c.most {
					t.Errorf("it took %v, want %v to %v", d, c.least, c.most)
				}
				if l.Epoch() != 2 || len(told) != 1 || told[0] != 1 {
					t.Errorf("epoch %d, told of %v", l.Epoch(), told)
				}
				l.Release()
			})
		})
	}
}

// leaving is a driver that ends in order.
func leaving(t *testing.T, s store.Store) (end func()) {
	l := acquire(t, s, ads())
	return func() {
		if err := errors.Join(l.Check(), l.Release()); err != nil {
			t.Error(err)
		}
	}
}

// killed is a driver that ends without a word; the kernel frees its lock.
func killed(t *testing.T, s store.Store) (end func()) {
	lock, err := s.Lock("lock")
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	holder := fmt.Sprintf(`{"job":"ads","machine":"m1","flock":%v,"pid":7}`, err == nil)
	if err := s.Create("epoch/1", []byte(holder)); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			if err := s.Beat("beat/1", fmt.Appendf(nil, "%020d %10s\n", n, "beating")); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		if lock != nil {
			lock.Close()
		}
	}
}

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
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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
