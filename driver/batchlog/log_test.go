package batchlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

const (
	plan   = batchlog.Plan
	abort  = batchlog.Abort
	commit = batchlog.Commit
	note   = batchlog.Note
)

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name string
		good []entry // appended in order
		bad  entry   // then refused
		why  string
	}{
		{"commit without plan", nil, entry{commit, 1, ""}, "oldest open"},
		{"abort without plan", nil, entry{abort, 1, ""}, "newest open"},
		{"plan twice", []entry{{plan, 1, ""}}, entry{plan, 1, ""}, "next batch to plan is 2"},
		{"gap", []entry{{plan, 7, ""}}, entry{plan, 9, ""}, "next batch to plan is 8"},
		{"back", []entry{{plan, 7, ""}, {commit, 7, ""}}, entry{plan, 7, ""}, "next batch to plan is 8"},
		{"three open", []entry{{plan, 7, ""}, {plan, 8, ""}}, entry{plan, 9, ""}, "7 and 8 are still open"},
		{"younger first", []entry{{plan, 7, ""}, {plan, 8, ""}}, entry{commit, 8, ""}, "open: 7 8"},
		{"abort below an open plan", []entry{{plan, 7, ""}, {plan, 8, ""}}, entry{abort, 7, ""}, "newest open"},
		{"commit twice", []entry{{plan, 7, ""}, {commit, 7, ""}}, entry{commit, 7, ""}, "open: none"},
		{"commit after abort", []entry{{plan, 7, ""}, {abort, 7, ""}}, entry{commit, 7, ""}, "oldest open"},
		{"next after abort", []entry{{plan, 7, ""}, {abort, 7, ""}}, entry{plan, 8, ""}, "next batch to plan is 7"},
		{"unknown type", nil, entry{9, 1, ""}, "no such type"},
		{"a segment head", nil, entry{4, 1, ""}, "no such type"},
		{"too large", nil, entry{note, 1, strings.Repeat("x", batchlog.MaxPayload+1)}, "over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys, w := crashfs.New(), world{}
			d := mustStart(t, fsys, batchlog.Options{})
			for _, e := range c.good {
				if err := w.append(d, e); err != nil {
					t.Fatal(err)
				}
			}
			// Alone, and behind a good one, which must not be written either.
			for _, rs := range [][]batchlog.Record{{c.bad.record()}, {entry{note, 0, ""}.record(), c.bad.record()}} {
				err := d.log.AppendAll(rs...)
				if !errors.Is(err, batchlog.ErrOrder) || !strings.Contains(err.Error(), c.why) {
					t.Fatalf("got %v, want %q", err, c.why)
				}
			}
			if err := w.append(d, entry{note, 0, "the log goes on"}); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.check(fsys), d.stop()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []entry
		commit  string
		open    string
		next    batchlog.Batch
	}{
		{"nothing", nil, "", "", 0},
		{"plan", []entry{{plan, 5, "p5"}}, "", "p5", 6},
		{"commit", []entry{{plan, 5, "p5"}, {commit, 5, "c5"}}, "c5", "", 6},
		{"abort", []entry{{plan, 5, "p5"}, {abort, 5, ""}}, "", "", 5},
		{"new plan", []entry{{plan, 5, "p5"}, {abort, 5, ""}, {plan, 5, "q5"}}, "", "q5", 6},
		{"two open", []entry{{plan, 5, "p5"}, {commit, 5, "c5"}, {plan, 6, "p6"}, {plan, 7, "p7"}}, "c5", "p6 p7", 8},
		{"second aborted", []entry{{plan, 5, "p5"}, {plan, 6, "p6"}, {abort, 6, ""}, {commit, 5, "c5"}}, "c5", "", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys, w := crashfs.New(), world{}
			d := mustStart(t, fsys, batchlog.Options{})
			if err := w.append(d, c.entries...); err != nil {
				t.Fatal(err)
			}
			// After one restart, and after another that finds only a head.
			for range 2 {
				if err := d.stop(); err != nil {
					t.Fatal(err)
				}
				d = mustStart(t, fsys, batchlog.Options{})
				got := ""
				if d.rec.Commit != nil {
					got = string(d.rec.Commit.Payload)
				}
				var open []string
				for _, r := range d.rec.Open {
					open = append(open, string(r.Payload))
				}
				if got != c.commit || strings.Join(open, " ") != c.open || d.rec.Next != c.next || d.rec.Epoch != d.lk.Epoch() || d.rec.Torn != "" {
					t.Fatalf("got %+v", d.rec)
				}
				if err := w.check(fsys); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestOneWriteOneSync(t *testing.T) {
	fsys := crashfs.New()
	d := mustStart(t, fsys, batchlog.Options{})
	d.log.Append(plan, 1, nil)
	for _, rs := range [][]batchlog.Record{{{Type: note}}, {{Type: commit, Batch: 1}, {Type: plan, Batch: 2}, {Type: plan, Batch: 3}}} {
		from := fsys.Calls()
		if err := d.log.AppendAll(rs...); err != nil {
			t.Fatal(err)
		}
		var calls []string
		for k := from + 1; k <= fsys.Calls(); k++ {
			calls = append(calls, fsys.Call(k))
		}
		want := "size epoch/2, write tmp, sync tmp, size epoch/2"
		got := strings.Join(calls, ", ")
		for _, s := range calls {
			if op, name, _ := strings.Cut(s, " "); strings.HasPrefix(name, "tmp/") {
				got = strings.Replace(got, s, op+" tmp", 1)
			}
		}
		if got != want {
			t.Errorf("%d records made the calls %s, want %s", len(rs), got, want)
		}
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
}

// A reader without the lock sees everything acknowledged at any moment of a
// session that rotates and compacts, and never an error.
func TestReadersNeedNoLock(t *testing.T) {
	fsys, w := crashfs.New(), world{}
	d := mustStart(t, fsys, small)
	ro, err := store.OpenDir("/ck", store.DirOptions{FS: fsys, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for _, err := range batchlog.History(ro) {
				if err != nil {
					done <- fmt.Errorf("history: %w", err)
					return
				}
			}
			if _, err := batchlog.Read(ro); err != nil {
				done <- fmt.Errorf("read: %w", err)
				return
			}
		}
	}()
	for n := batchlog.Batch(0); n < 300; n++ {
		err := errors.Join(w.append(d, entry{plan, n, "some plan"}), w.append(d, entry{commit, n, "some result"}), w.compact(d, n-20))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.check(fsys); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := errors.Join(<-done, d.stop()); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryStopsEarly(t *testing.T) {
	fsys, w := crashfs.New(), world{}
	if err := w.session(fsys); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenDir("/ck", store.DirOptions{FS: fsys, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range batchlog.History(st) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Fatalf("saw %d", n)
	}
}

func TestClosedLog(t *testing.T) {
	d := mustStart(t, crashfs.New(), batchlog.Options{})
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := d.log.Append(plan, 1, nil); !errors.Is(err, batchlog.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if err := d.log.Compact(1); !errors.Is(err, batchlog.ErrClosed) {
		t.Errorf("compact: %v", err)
	}
	if err := d.log.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestLogIsDeadAfterAnError(t *testing.T) {
	fsys := crashfs.New()
	d := mustStart(t, fsys, batchlog.Options{})
	if err := d.log.Append(plan, 1, nil); err != nil {
		t.Fatal(err)
	}
	fsys.Fail(fsys.Calls()+2, crashfs.NoSpace)
	err := d.log.Append(commit, 1, nil)
	var full *store.FullError
	if !errors.As(err, &full) {
		t.Fatalf("got %v", err)
	}
	if again := d.log.Append(commit, 1, nil); again != err {
		t.Errorf("got %v, then %v", err, again)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
}
