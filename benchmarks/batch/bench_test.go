package batch

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/report"
)

// BenchmarkEmptyBatch is for profiles: its ns/op include opening the job and waiting for ticks.
func BenchmarkEmptyBatch(b *testing.B) {
	o, err := Options{Interval: time.Millisecond, Dir: b.TempDir()}.withDefaults()
	if err != nil {
		b.Fatal(err)
	}
	src, err := newDue(0, 0, o.Parallelism)
	if err != nil {
		b.Fatal(err)
	}
	from := measure.Now()
	if _, err := run(o, src, int64(b.N), func(*report.Batch) {}); err != nil {
		b.Fatal(err)
	}
	cost := from.To(measure.Now())
	b.ReportMetric(float64(cost.CPU.Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(cost.Allocs)/float64(b.N), "allocs/op")
}
