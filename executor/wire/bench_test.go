package wire

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// done is a report of a task with a few counters.
var done Report = TaskDone{
	Task:   rdd.TaskID{Batch: 123456, Stage: 1, Partition: 1017, Attempt: 1},
	Counts: rdd.Counts{In: 100_000, Out: 3_000, Bytes: 171_000, Folded: map[string]rdd.Folded{"ads/Window#1": {Rows: 100_000, Accepted: 100_000}}},
	Splits: map[string]dstream.SplitCount{"ads": {Fetched: 100_000, Delivered: 100_000}},
	Steps:  map[string]StepSize{"ads/Window#1": {Touched: 100, Keys: 1000, Bytes: 60_000}},
	Busy:   7 * time.Millisecond,
}

// BenchmarkTaskDone is encoding and decoding one report.
func BenchmarkTaskDone(b *testing.B) {
	var r Reader
	var frame []byte
	h := Header{Epoch: 1, Incarnation: 2, Graph: "0123456789abcdef0123456789abcdef"}
	four := []Report{done, done, done, done}
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if frame, _, err = AppendReports(frame[:0], h, 1, four); err == nil {
			_, _, err = r.Reports(frame, h)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(4*b.N), "ns/task")
	b.ReportMetric(float64(len(frame))/4, "B/task")
}
