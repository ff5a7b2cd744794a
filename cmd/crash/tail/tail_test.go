package tail

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
)

// TestFollows compares what is seen with what a driver's log has, over segments, epochs and batches that are run again.
func TestFollows(t *testing.T) {
	dir := t.TempDir()
	f := Open(dir)
	defer f.Close()
	clock := time.Unix(0, 0)
	look := func(want string) {
		t.Helper()
		clock = clock.Add(time.Second)
		if err := f.Poll(clock); err != nil {
			t.Fatal(err)
		}
		n, open := f.Planned()
		if got := fmt.Sprintf("epoch %d, last %d of %d, planned %d %v", f.Epoch(), f.Last(), len(f.Commits()), n, open); got != want {
			t.Fatalf("%s; want %s", got, want)
		}
	}
	look("epoch 0, last 0 of 0, planned 0 false")
	first := startLog(t, dir)
	first.append(batchlog.Plan, 1)
	look("epoch 1, last 0 of 0, planned 1 true")
	first.append(batchlog.Commit, 1)
	first.append(batchlog.Plan, 2)
	look("epoch 1, last 1 of 1, planned 2 true")
	first.append(batchlog.Commit, 2)
	look("epoch 1, last 2 of 2, planned 2 false")
	first.append(batchlog.Plan, 3)
	first.append(batchlog.Abort, 3)
	look("epoch 1, last 2 of 2, planned 3 false")
	for n := batchlog.Batch(3); n < 60; n++ { // some segments
		first.append(batchlog.Plan, n)
		first.append(batchlog.Commit, n)
	}
	first.append(batchlog.Plan, 60)
	look("epoch 1, last 59 of 59, planned 60 true")
	first.stop()
	second := startLog(t, dir)
	look("epoch 2, last 59 of 59, planned 60 true")
	second.append(batchlog.Commit, 60)
	look("epoch 2, last 60 of 60, planned 60 false")
	for i, c := range f.Commits() {
		if c.Batch != int64(i+1) || c.Epoch != map[bool]uint64{true: 1, false: 2}[i < 59] {
			t.Errorf("commit %d: %+v", i, c)
		}
	}
	if at := f.Commits()[59].At; !at.Equal(clock) {
		t.Errorf("seen at %v, now is %v", at, clock)
	}
	second.stop()
}

// log is a driver's end of it.
type log struct {
	t    *testing.T
	st   store.Store
	lock *store.Lock
	log  *batchlog.Log
}

func startLog(t *testing.T, dir string) *log {
	t.Helper()
	st, err := store.OpenDir(dir, store.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := store.Acquire(context.Background(), st, store.LockOptions{Meta: store.Meta{Job: "x", KeyGroups: 16}})
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := batchlog.Open(st, lock, batchlog.Options{SegmentSize: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return &log{t, st, lock, l}
}

func (l *log) append(typ batchlog.Type, n batchlog.Batch) {
	l.t.Helper()
	if err := l.log.Append(typ, n, make([]byte, 300)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) stop() {
	for _, end := range []func() error{l.log.Close, l.lock.Release, l.st.Close} {
		if err := end(); err != nil {
			l.t.Error(err)
		}
	}
}
