package batchlog_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// Disk and memory stay flat over very many batches.
func TestManyBatches(t *testing.T) {
	const batches, segment, keep = 200_000, 256 << 10, 1000
	fsys := crashfs.New()
	d := mustStart(t, fsys, batchlog.Options{SegmentSize: segment})
	payload := []byte("a tiny plan or result")
	var early, disk uint64
	if err := d.log.Append(plan, 0, payload); err != nil {
		t.Fatal(err)
	}
	for n := batchlog.Batch(0); n < batches; n++ {
		err := d.log.AppendAll(batchlog.Record{Type: commit, Batch: n, Payload: payload},
			batchlog.Record{Type: plan, Batch: n + 1, Payload: payload})
		if err = errors.Join(err, d.log.Compact(n-keep)); err != nil {
			t.Fatal(err)
		}
		if n == batches/2 {
			early = heap()
		}
		if n%1000 == 0 {
			disk = max(disk, used(fsys))
		}
	}
	late := heap()
	t.Logf("heap %d KiB, then %d KiB; disk at most %d KiB", early>>10, late>>10, disk>>10)
	if late > early+early/4+1<<20 {
		t.Errorf("memory grows: %d, then %d", early, late)
	}
	// What is kept is in at most two segments, and one more is written.
	if disk > 3*segment {
		t.Errorf("disk grows to %d", disk)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d = mustStart(t, fsys, batchlog.Options{})
	if d.rec.Commit.Batch != batches-1 || len(d.rec.Open) != 1 || d.rec.Next != batches+1 {
		t.Errorf("recovered %+v", d.rec)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func used(fsys *crashfs.FS) (n uint64) {
	for _, name := range logFiles(fsys, "") {
		n += uint64(len(fsys.Bytes(name)))
	}
	return n
}

// Drivers that restart all the time leave no files behind either.
func TestManyRestarts(t *testing.T) {
	fsys, w := crashfs.New(), world{}
	for range 60 {
		d := mustStart(t, fsys, batchlog.Options{})
		if err := errors.Join(w.finish(d, 1), w.append(d, entry{plan, d.rec.Next + 1, ""}), w.compact(d, d.rec.Next-3), d.stop()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.check(fsys); err != nil {
		t.Fatal(err)
	}
	if files := logFiles(fsys, ""); len(files) > 8 {
		t.Errorf("files left: %q", files)
	}
}
