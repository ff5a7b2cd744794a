package batchlog_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// written makes a log of some segments whose last holds a few records.
func written(t *testing.T) (*crashfs.FS, world) {
	t.Helper()
	fsys, w := crashfs.New(), world{}
	for range 2 {
		d := mustStart(t, fsys, small)
		if err := errors.Join(w.finish(d, 5), w.append(d, entry{plan, d.rec.Next + 5, "left open"}), d.stop()); err != nil {
			t.Fatal(err)
		}
	}
	return fsys, w
}

func logFiles(fsys *crashfs.FS, suffix string) []string {
	return slices.DeleteFunc(fsys.Names(), func(n string) bool { return !strings.HasPrefix(n, "log/") || !strings.HasSuffix(n, suffix) })
}

// One bit is flipped in each byte of each file of a log. Either the log is
// refused and the error names the file, or the last record is dropped as a torn
// tail, or nothing was there to be harmed; a changed record is never accepted.
func TestBitFlips(t *testing.T) {
	fsys, w := written(t)
	refused, dropped := 0, 0
	for _, name := range logFiles(fsys, "") {
		good := fsys.Bytes(name)
		for i := range good {
			for bit := range 8 {
				if os.Getenv("TIDEMILL_NIGHTLY") == "" && bit != i%8 {
					continue
				}
				bad := slices.Clone(good)
				bad[i] ^= 1 << bit
				damaged := fsys.Kill()
				damaged.SetBytes(name, bad)
				d, err := start(damaged, false, small)
				if err != nil {
					var de *batchlog.DamagedError
					if !errors.As(err, &de) || !strings.Contains(err.Error(), "--fresh") || !strings.HasPrefix(de.File, "log/") {
						t.Fatalf("bit %d of byte %d of %s: %v", bit, i, name, err)
					}
					refused++
					continue
				}
				c := w.clone()
				c.acked, c.maybe = c.acked[:len(c.acked)-1], c.acked[len(c.acked)-1:]
				if err := errors.Join(c.check(damaged), d.stop()); err != nil {
					t.Fatalf("bit %d of byte %d of %s: accepted: %v", bit, i, name, err)
				}
				if len(c.acked) == len(w.acked) {
					t.Errorf("bit %d of byte %d of %s: not noticed", bit, i, name)
				}
				dropped++
			}
		}
	}
	t.Logf("%d refused, %d dropped as a torn tail", refused, dropped)
	if refused < 10*dropped || dropped == 0 {
		t.Errorf("only one record should be droppable")
	}
}

func TestMissingFiles(t *testing.T) {
	fsys, w := written(t)
	segs := logFiles(fsys, ".log")
	if len(segs) < 3 {
		t.Fatalf("too few segments: %q", segs)
	}
	for _, name := range segs {
		damaged := fsys.Kill()
		if err := damaged.Remove(name); err != nil {
			t.Fatal(err)
		}
		_, err := start(damaged, false, small)
		var de *batchlog.DamagedError
		if !errors.As(err, &de) || de.File != name || !strings.Contains(err.Error(), "missing") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, name := range logFiles(fsys, ".manifest") {
		damaged := fsys.Kill()
		if err := damaged.Remove(name); err != nil {
			t.Fatal(err)
		}
		c := w.clone()
		if err := errors.Join(mustStart(t, damaged, small).stop(), c.check(damaged)); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// A file that was cut anywhere: in the newest segment behind its head this is a
// torn tail; elsewhere damage.
func TestCutFiles(t *testing.T) {
	fsys, w := written(t)
	segs := logFiles(fsys, ".log")
	for _, name := range segs {
		good := fsys.Bytes(name)
		taken := 0
		for n := range good {
			damaged := fsys.Kill()
			damaged.SetBytes(name, good[:n])
			d, err := start(damaged, false, small)
			if err != nil {
				if !errors.Is(err, batchlog.ErrDamaged) {
					t.Fatalf("%s cut to %d: %v", name, n, err)
				}
				continue
			}
			taken++
			c := w.clone()
			c.acked, c.maybe = nil, c.acked
			if err := errors.Join(c.check(damaged), d.stop()); err != nil {
				t.Fatalf("%s cut to %d: %v", name, n, err)
			}
		}
		if newest := name == segs[len(segs)-1]; newest != (taken > 0) {
			t.Errorf("%s: taken %d times", name, taken)
		}
	}
}

func TestTornTailIsSetAside(t *testing.T) {
	fsys, w := written(t)
	segs := logFiles(fsys, ".log")
	last := segs[len(segs)-1]
	good := fsys.Bytes(last)
	// Half of the last record again, and zeros as a log may have.
	half := good[len(good)-40 : len(good)-10]
	fsys.SetBytes(last, slices.Concat(good, half, make([]byte, 500)))
	d := mustStart(t, fsys, small)
	if d.rec.Torn != last+".torn-3" || string(fsys.Bytes(d.rec.Torn)) != string(half) {
		t.Fatalf("torn tail is in %q", d.rec.Torn)
	}
	if err := errors.Join(w.check(fsys), w.finish(d, 30), w.compact(d, 100)); err != nil {
		t.Fatal(err)
	}
	if torn := slices.Contains(fsys.Names(), d.rec.Torn); torn {
		t.Error("the torn tail outlives its segment")
	}
	if err := errors.Join(w.check(fsys), d.stop()); err != nil {
		t.Fatal(err)
	}
}

// A record that looks good but was not written here does not prove damage, and
// is not taken: its checksum covers its place.
func TestCopiedRecordIsNone(t *testing.T) {
	fsys, w := written(t)
	segs := logFiles(fsys, ".log")
	last := segs[len(segs)-1]
	good := fsys.Bytes(last)
	fsys.SetBytes(last, slices.Concat(good, []byte("torn"), good))
	d := mustStart(t, fsys, small)
	if err := errors.Join(w.check(fsys), d.stop()); err != nil {
		t.Fatal(err)
	}
}

// A payload that holds the bytes of whole logs is only a payload.
func TestPayloadsMayHoldLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, _ := written(t)
		body := string(slices.Concat(other.Bytes(logFiles(other, ".log")[0]), other.Bytes(logFiles(other, ".log")[1])))
		fsys, w := crashfs.New(), world{}
		d := mustStart(t, fsys, batchlog.Options{})
		defer d.stop()
		if err := w.append(d, entry{plan, 1, body}); err != nil {
			t.Fatal(err)
		}
		fsys.Fail(fsys.Calls()+3, crashfs.Crash) // after the write, before the sync
		if err := w.append(d, entry{commit, 1, body}); !errors.Is(err, crashfs.ErrCrashed) {
			t.Fatal(err)
		}
		for seed := range uint64(50) {
			c := w.clone()
			if err := recoverFrom(fsys.PowerCut(seed, 0.9), c, seed); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	})
}

func TestReadOfAnEmptyCheckpoint(t *testing.T) {
	st, err := store.OpenDir("/ck", store.DirOptions{FS: crashfs.New(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := batchlog.Read(st)
	if err != nil || !rec.Fresh || rec.Commit != nil || len(rec.Open) != 0 {
		t.Fatalf("%+v, %v", rec, err)
	}
	for r, err := range batchlog.History(st) {
		t.Fatalf("%v, %v", r, err)
	}
}

// Of two records in one unsynced write the disk may keep the second alone. That
// is a torn tail, not damage: the first was never durable.
func TestTornGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, w := crashfs.New(), world{}
		d := mustStart(t, fsys, batchlog.Options{})
		defer d.stop()
		if err := w.append(d, entry{plan, 1, "p1"}); err != nil {
			t.Fatal(err)
		}
		fsys.Fail(fsys.Calls()+3, crashfs.Crash) // after the write, before the sync
		if err := w.append(d, entry{commit, 1, strings.Repeat("long", 50)}, entry{plan, 2, ""}); !errors.Is(err, crashfs.ErrCrashed) {
			t.Fatal(err)
		}
		for seed := range uint64(100) {
			if err := recoverFrom(fsys.PowerCut(seed, 0.9), w.clone(), seed); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	})
}
