package store_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

func ads() store.LockOptions {
	return store.LockOptions{Meta: store.Meta{Job: "ads", KeyGroups: 1024, Engine: "0.1.0"}, Machine: "m1"}
}

// noLocks is a file system without flock.
type noLocks struct{ *crashfs.FS }

func (noLocks) Lock(string) (io.Closer, error) { return nil, errors.ErrUnsupported }

func acquire(t *testing.T, s store.Store, o store.LockOptions) *store.Lock {
	t.Helper()
	l, err := store.Acquire(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestHeldLockRefusesAndNamesTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := crashfs.New()
		s := open(t, "/ck", store.DirOptions{FS: fsys})
		l := acquire(t, s, ads())
		defer l.Release()
		start := time.Now()
		_, err := store.Acquire(context.Background(), s, ads())
		var held *store.HeldError
		if !errors.As(err, &held) || held.Holder.Pid != os.Getpid() || held.Holder.Epoch != 1 {
			t.Fatalf("got %v", err)
		}
		host, _ := os.Hostname()
		says(t, err, "/ck", host, `job "ads"`, "pid", start.UTC().Format(time.RFC3339), "--takeover")
		if time.Since(start) != 0 {
			t.Errorf("the refusal took %v", time.Since(start))
		}
	})
}

func TestWhenTheLockIsFree(t *testing.T) {
	for _, c := range []struct {
		name    string
		release bool // the first driver leaves in order
		locks   bool
		machine string // of the second driver
		wait    time.Duration
	}{
		{"killed here", false, true, "m1", 0},
		{"left in order", true, true, "m2", 0},
		{"killed elsewhere", false, true, "m2", 10 * time.Second},
		{"killed here, no locks", false, false, "m1", 10 * time.Second},
		{"left in order, no locks", true, false, "m1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fsys := crashfs.New()
				var f store.FS = fsys
				if !c.locks {
					f = noLocks{fsys}
				}
				l := acquire(t, open(t, "/ck", store.DirOptions{FS: f}), ads())
				if c.release {
					l.Release()
				}
				fsys = fsys.Kill()
				l.Release()
				if f = fsys; !c.locks {
					f = noLocks{fsys}
				}
				o, start := ads(), time.Now()
				o.Machine = c.machine
				l = acquire(t, open(t, "/ck", store.DirOptions{FS: f}), o)
				defer l.Release()
				if got := time.Since(start); got != c.wait {
					t.Errorf("waited %v, want %v", got, c.wait)
				}
				if l.Epoch() != 2 {
					t.Errorf("epoch %d", l.Epoch())
				}
			})
		})
	}
}

func TestMovingBeatRefuses(t *testing.T) {
	for _, machine := range []string{"m1", "m2"} {
		synctest.Test(t, func(t *testing.T) {
			fsys := noLocks{crashfs.New()}
			l := acquire(t, open(t, "/ck", store.DirOptions{FS: fsys}), ads())
			defer l.Release()
			o := ads()
			o.Machine = machine
			_, err := store.Acquire(context.Background(), open(t, "/ck", store.DirOptions{FS: fsys}), o)
			var held *store.HeldError
			if !errors.As(err, &held) {
				t.Fatalf("got %v", err)
			}
			says(t, err, "heartbeat moves", "pid", `"ads"`)
		})
	}
}

func TestTakeoverFencesTheZombie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "/ck", store.DirOptions{FS: crashfs.New()})
		zombie := acquire(t, s, ads())
		o := ads()
		o.Takeover = true
		l := acquire(t, s, o)
		err := zombie.Check()
		var fenced *store.FencedError
		if !errors.As(err, &fenced) || !errors.Is(err, store.ErrFenced) || fenced.Epoch != 1 || fenced.Newer.Epoch != 2 {
			t.Fatalf("got %v", err)
		}
		says(t, err, "epoch 1", "epoch 2", `"ads"`, "pid")
		<-zombie.Lost()
		// The zombie's lock goes with it, and says nothing about its successor.
		zombie.Release()
		_, err = store.Acquire(context.Background(), s, ads())
		var held *store.HeldError
		if !errors.As(err, &held) || held.Holder.Epoch != 2 {
			t.Fatalf("a driver that took over without the lock is not protected: %v", err)
		}
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Release(), l.Release()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWatchingCanBeGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "/ck", store.DirOptions{FS: noLocks{crashfs.New()}})
		l := acquire(t, s, ads())
		defer l.Release()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, err := store.Acquire(ctx, s, ads()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestOneOfManyWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "/ck", store.DirOptions{FS: noLocks{crashfs.New()}})
		type result struct {
			l   *store.Lock
			err error
		}
		results := make(chan result)
		for range 8 {
			go func() {
				l, err := store.Acquire(context.Background(), s, ads())
				results <- result{l, err}
			}()
		}
		var won []*store.Lock
		for range 8 {
			r := <-results
			var held *store.HeldError
			switch {
			case r.err == nil:
				won = append(won, r.l)
			case !errors.As(r.err, &held):
				t.Errorf("got %v", r.err)
			}
		}
		if len(won) != 1 {
			t.Fatalf("%d drivers own the checkpoint", len(won))
		}
		won[0].Release()
	})
}

func TestBeatCostsNoSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := crashfs.New()
		l := acquire(t, open(t, "/ck", store.DirOptions{FS: fsys}), ads())
		from := fsys.Calls()
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		to := fsys.Calls()
		for k := from + 1; k <= to; k++ {
			if strings.HasPrefix(fsys.Call(k), "sync") {
				t.Errorf("a beat made the call %q", fsys.Call(k))
			}
		}
		if n := to - from; n < 10 || n > 40 {
			t.Errorf("10 beats made %d calls", n)
		}
		l.Release()
	})
}

func TestForeignCheckpoints(t *testing.T) {
	s := open(t, "/ck", store.DirOptions{FS: crashfs.New()})
	acquire(t, s, ads()).Release()
	good, err := store.ReadFile(s, "meta")
	if err != nil {
		t.Fatal(err)
	}
	other := ads()
	other.Meta.Job = "clicks"
	for _, c := range []struct {
		name, meta string
		o          store.LockOptions
		words      []string
	}{
		{"another job", string(good), other, []string{"/ck", `"ads"`, `"clicks"`, "--checkpoint"}},
		{"newer format", strings.Replace(string(good), `"format":1`, `"format":7`, 1), ads(), []string{"format 7", "up to 1", "0.1.0", "--fresh"}},
		{"damaged", strings.Replace(string(good), "1024", "1025", 1), ads(), []string{"damaged", "meta", "--fresh"}},
		{"cut short", string(good[:20]), ads(), []string{"damaged", "meta"}},
		{"empty", "", ads(), []string{"damaged", "meta"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := store.WriteFile(s, "meta", []byte(c.meta)); err != nil {
				t.Fatal(err)
			}
			_, err := store.Acquire(context.Background(), s, c.o)
			says(t, err, c.words...)
			if h, err := store.Latest(s); err != nil || h.Epoch != 1 {
				t.Errorf("a refused driver took epoch %d, %v", h.Epoch, err)
			}
		})
	}
}

func TestMetaBitFlips(t *testing.T) {
	fsys := crashfs.New()
	s := open(t, "/ck", store.DirOptions{FS: fsys})
	acquire(t, s, ads()).Release()
	good := fsys.Bytes("meta")
	for i := range good {
		for bit := range 8 {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1 << bit
			fsys.SetBytes("meta", bad)
			if m, err := store.ReadMeta(s); err == nil {
				t.Errorf("bit %d of byte %d flipped: read as %+v", bit, i, m)
			}
		}
	}
}

// A crash at any call of an Acquire never makes the next one refuse.
func TestAcquireAfterCrash(t *testing.T) {
	for k := 1; ; k++ {
		var done bool
		synctest.Test(t, func(t *testing.T) {
			fsys := crashfs.New()
			fsys.Fail(k, crashfs.Crash)
			s, err := store.OpenDir("/ck", store.DirOptions{FS: fsys})
			var first *store.Lock
			if err == nil {
				first, err = store.Acquire(context.Background(), s, ads())
			}
			done = err == nil && fsys.Calls() < k
			for seed := range uint64(6) {
				next := fsys.PowerCut(seed, float64(seed)/5)
				if seed == 5 {
					next = fsys.Kill()
				}
				l := acquire(t, open(t, "/ck", store.DirOptions{FS: next}), ads())
				if first != nil && l.Epoch() <= first.Epoch() {
					t.Errorf("crash at call %d: epoch %d came twice", k, l.Epoch())
				}
				l.Release()
			}
			if first != nil {
				first.Release()
			}
		})
		if done {
			return
		}
	}
}

const helper = "TIDEMILL_STORE_TEST_HOLD"

// A real flock ends with a real process.
func TestKilledDriverFreesTheLock(t *testing.T) {
	dir := os.Getenv(helper)
	if dir != "" {
		acquire(t, open(t, dir, store.DirOptions{}), store.LockOptions{Meta: store.Meta{Job: "ads"}})
		os.Stdout.WriteString("held\n")
		select {}
	}
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledDriverFreesTheLock$")
	cmd.Env = append(os.Environ(), helper+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	s, o := open(t, dir, store.DirOptions{}), store.LockOptions{Meta: store.Meta{Job: "ads"}}
	_, err = store.Acquire(context.Background(), s, o)
	var held *store.HeldError
	if !errors.As(err, &held) || held.Holder.Pid != cmd.Process.Pid {
		t.Errorf("got %v, want a refusal that names pid %d", err, cmd.Process.Pid)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	l := acquire(t, s, o)
	if l.Epoch() != 2 {
		t.Errorf("epoch %d", l.Epoch())
	}
	l.Release()
}
