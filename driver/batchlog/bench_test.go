package batchlog_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
)

// BenchmarkAppend measures one record of 200 bytes, synced.
func BenchmarkAppend(b *testing.B) {
	d, err := realDriver(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer d.stop()
	payload := make([]byte, 200)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := d.log.Append(note, 1, payload); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// unsynced is a store whose logs do not wait for the disk.
type unsynced struct{ store.Store }

func (u unsynced) Log(name string, head []byte) (store.Appender, error) {
	a, err := u.Store.Log(name, head)
	return unsyncedLog{a}, err
}

type unsyncedLog struct{ store.Appender }

func (unsyncedLog) Sync() error { return nil }

// BenchmarkEmptyBatch measures the CPU of a batch: PLAN, COMMIT and four
// checks of the epoch, all but the sync.
func BenchmarkEmptyBatch(b *testing.B) {
	d, err := realDriver(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer d.stop()
	l, rec, err := batchlog.Open(unsynced{d.st}, later{d.lk}, batchlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	payload := make([]byte, 200)
	n, before := rec.Next, cpu(b)
	for b.Loop() {
		if err := l.Append(plan, n, payload); err != nil {
			b.Fatal(err)
		}
		if err := l.Append(commit, n, payload); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(n-rec.Next), "cpu-ns/batch")
}

// later lets a second log be opened under the same lock.
type later struct{ *store.Lock }

func (l later) Epoch() store.Epoch { return l.Lock.Epoch() + 1 }

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
