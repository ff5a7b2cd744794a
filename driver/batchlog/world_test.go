package batchlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entry is a record as these tests compare them.
type entry struct {
	typ     batchlog.Type
	n       batchlog.Batch
	payload string
}

func entryOf(r batchlog.Record) entry { return entry{r.Type, r.Batch, string(r.Payload)} }

func (e entry) record() batchlog.Record {
	return batchlog.Record{Type: e.typ, Batch: e.n, Payload: []byte(e.payload)}
}

// driver is one life of a driver on a checkpoint, with a real lock.
type driver struct {
	st  *store.Dir
	lk  *store.Lock
	log *batchlog.Log
	rec batchlog.Recovery
}

// lockOptions beat so rarely that only the calls of the log are seen.
func lockOptions(takeover bool) store.LockOptions {
	return store.LockOptions{Meta: store.Meta{Job: "ads", KeyGroups: 64}, Machine: "m", Takeover: takeover,
		Interval: time.Hour, Patience: 3 * time.Hour}
}

// start opens everything or nothing.
func start(fsys store.FS, takeover bool, o batchlog.Options) (*driver, error) {
	d := &driver{}
	var err error
	if d.st, err = store.OpenDir("/ck", store.DirOptions{FS: fsys}); err != nil {
		return nil, err
	}
	if d.lk, err = store.Acquire(context.Background(), d.st, lockOptions(takeover)); err != nil {
		return nil, err
	}
	if d.log, d.rec, err = batchlog.Open(d.st, d.lk, o); err != nil {
		_ = d.lk.Release()
		return nil, err
	}
	return d, nil
}

func mustStart(t *testing.T, fsys store.FS, o batchlog.Options) *driver {
	t.Helper()
	d, err := start(fsys, false, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *driver) stop() error {
	return errors.Join(d.log.Close(), d.lk.Release(), d.st.Close())
}

// world knows what was promised to be durable.
type world struct {
	acked []entry        // in order
	maybe []entry        // appended in one call that failed
	keep  batchlog.Batch // batches below may be compacted away
}

func (w *world) append(d *driver, es ...entry) error {
	rs := make([]batchlog.Record, len(es))
	for i, e := range es {
		rs[i] = e.record()
	}
	w.maybe = es
	if err := d.log.AppendAll(rs...); err != nil {
		return err
	}
	w.acked, w.maybe = append(w.acked, es...), nil
	return nil
}

func (w *world) compact(d *driver, keep batchlog.Batch) error {
	w.keep = max(w.keep, keep)
	return d.log.Compact(keep)
}

// check compares what is on a file system with what was promised, and takes
// the records of a failed append that are there as promised from now on.
func (w *world) check(fsys store.FS) error {
	st, err := store.OpenDir("/ck", store.DirOptions{FS: fsys, ReadOnly: true})
	if err != nil {
		return err
	}
	var got []entry
	for r, err := range batchlog.History(st) {
		if err != nil {
			return fmt.Errorf("history: %w", err)
		}
		got = append(got, entryOf(r))
	}
	for extra := range len(w.maybe) + 1 {
		want := slices.Concat(w.acked, w.maybe[:extra])
		lost := len(want) - len(got)
		if lost < 0 || !slices.Equal(want[lost:], got) {
			continue
		}
		if slices.ContainsFunc(want[:lost], func(e entry) bool { return e.typ < batchlog.Note && e.n >= w.keep }) {
			continue
		}
		w.acked, w.maybe = want, nil
		return w.checkRecovery(st)
	}
	return fmt.Errorf("history is\n%v\nbut this was acknowledged:\n%v\nand this perhaps:\n%v", got, w.acked, w.maybe)
}

// checkRecovery compares the recovery with a replay of all that was promised.
func (w *world) checkRecovery(st store.Store) error {
	rec, err := batchlog.Read(st)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	var commit *entry
	var open []entry
	for _, e := range w.acked {
		switch e.typ {
		case batchlog.Plan:
			open = append(open, e)
		case batchlog.Abort:
			open = open[:len(open)-1]
		case batchlog.Commit:
			open, commit = open[1:], &e
		}
	}
	var gotOpen []entry
	for _, r := range rec.Open {
		gotOpen = append(gotOpen, entryOf(r))
	}
	if !slices.Equal(gotOpen, open) {
		return fmt.Errorf("open plans %v, want %v", gotOpen, open)
	}
	if (commit == nil) != (rec.Commit == nil) || commit != nil && entryOf(*rec.Commit) != *commit {
		return fmt.Errorf("last commit %v, want %v", rec.Commit, commit)
	}
	planned := slices.ContainsFunc(w.acked, func(e entry) bool { return e.typ == batchlog.Plan })
	if rec.Fresh == planned {
		return fmt.Errorf("fresh is %v after %d records", rec.Fresh, len(w.acked))
	}
	return nil
}

func (w world) clone() world {
	return world{slices.Clone(w.acked), slices.Clone(w.maybe), w.keep}
}

// finish redoes open plans and runs a few batches more.
func (w *world) finish(d *driver, batches int) error {
	for _, p := range d.rec.Open {
		if err := w.append(d, entry{batchlog.Commit, p.Batch, "redone"}); err != nil {
			return err
		}
	}
	n := d.rec.Next
	for range batches {
		if err := w.append(d, entry{batchlog.Plan, n, "p"}); err != nil {
			return err
		}
		if err := w.append(d, entry{batchlog.Commit, n, "c"}); err != nil {
			return err
		}
		n++
	}
	return nil
}

// small segments, so that a short script rotates.
var small = batchlog.Options{SegmentSize: 700}

// session is the script of the crash tests: all kinds of append, rotation,
// compaction, and an orderly restart in the middle.
func (w *world) session(fsys *crashfs.FS) error {
	for part := range 2 {
		d, err := start(fsys, false, small)
		if err != nil {
			return err
		}
		if err = w.part(d, part); err != nil {
			_ = d.stop()
			return err
		}
		if err := d.stop(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) part(d *driver, part int) error {
	plan := func(n batchlog.Batch, s string) entry {
		return entry{batchlog.Plan, n, fmt.Sprintf("plan %d of part %d: %s", n, part, s)}
	}
	commit := func(n batchlog.Batch) entry {
		return entry{batchlog.Commit, n, fmt.Sprintf("commit %d of part %d", n, part)}
	}
	if err := w.finish(d, 1); err != nil {
		return err
	}
	n := d.rec.Next + 1
	for _, group := range [][]entry{
		{plan(n, "a")},
		{plan(n+1, "b")},
		{commit(n)},
		{{batchlog.Abort, n + 1, ""}},
		{plan(n+1, "c"), {batchlog.Note, n, "a note"}},
		{commit(n + 1), plan(n+2, "d, longer than the others by some words")},
		{plan(n+3, "e")},
		{commit(n + 2), commit(n + 3)},
		{plan(n+4, "f")},
	} {
		if err := w.append(d, group...); err != nil {
			return err
		}
		if err := w.compact(d, n); err != nil {
			return err
		}
	}
	return nil
}
