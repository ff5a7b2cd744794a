package status

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew instead of comparing with it; read the difference before you keep it")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is when the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that stands until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time           { return c.now }
func (c *clock) forward(by time.Duration) { c.now = c.now.Add(by) }

// sample is batch n of an advertising job, committed.
func sample(n int64) *report.Batch {
	at := epoch.Add(time.Duration(n) * time.Second)
	mark := at.Add(-5 * time.Second)
	rows := 1_200_000 + n%7*1000
	views := rows / 3
	return &report.Batch{
		Job: "ads", Epoch: 3, Batch: n, Time: at, Interval: time.Second, Ticks: 1, Outcome: report.Committed,
		Timeline: report.Timeline{
			Planned: 180 * time.Microsecond, Logged: 900 * time.Microsecond, Ran: 41 * time.Millisecond,
			Published: 52 * time.Millisecond, Committed: 53400*time.Microsecond + time.Duration(n%9)*time.Millisecond,
		},
		Sources: []report.Source{{Name: "ads", Splits: 4, Fetched: rows + 2, Delivered: rows, Rejected: 2, Limit: 1_500_000, Lag: 40_000 + n, Note: "a transaction has been open since offset 17"}},
		Rate: &report.Rate{
			Batch: rate.Batch{Time: at, Ticks: 1, Rows: rows + 2, Limited: true, Planning: 180 * time.Microsecond, Processing: 53 * time.Millisecond},
			Limit: 1_500_000, PerSecond: 23_000_000, Next: 3_000_000 + n,
		},
		Stages: []report.Stage{
			{
				Stage: 0, Name: "Source ads → Filter → EventTime → Lookup campaigns → KeyBy → combine", At: "job.go:12",
				Tasks: 4, Attempts: 4, RowsIn: rows, RowsOut: 400, Bytes: 38_400, Busy: 72 * time.Millisecond, Longest: 19 * time.Millisecond,
			},
			{
				Stage: 1, Name: "Window tumbling 10s → Count → Map → WriteTo views", At: "job.go:17",
				Tasks: 4, Attempts: 5, RowsIn: 400, RowsOut: 100, Bytes: 9_600, Spilled: 5 << 20, Busy: 9 * time.Millisecond, Longest: 4 * time.Millisecond,
			},
		},
		Steps: []report.Step{{
			Name: "ads/window#1", Watermark: &mark, Rows: views, Accepted: views - 7, Late: 7, Touched: 100, Keys: 1200, Bytes: 96_000,
		}},
		Sinks: []report.Sink{
			{Name: "views", Guarantee: "exactly once", Offered: 100, Taken: 100, Busy: 8 * time.Millisecond},
			{Name: "dead letters", Guarantee: "at least once", Offered: 2, Taken: 2, Busy: 300 * time.Microsecond},
		},
		Ledger: []report.Edge{
			{Kind: "split", Name: "ads", Left: rows + 2, Right: rows + 2},
			{Kind: "exchange", Name: "stage 0 → stage 1", Left: views, Right: views},
			{Kind: "step", Name: "ads/window#1", Left: views, Right: views},
			{Kind: "sink", Name: "views", Left: 100, Right: 100},
		},
	}
}

// broken is batch n, failed because an edge of its ledger differs.
func broken(n int64) *report.Batch {
	b := sample(n)
	b.Outcome, b.Ticks = report.Failed, 3
	b.Timeline.Published, b.Timeline.Committed = 0, 0
	b.Sources[0].Stalled, b.Rate = true, nil
	b.Sources[0].Lost = []dstream.Lost{{Split: "ads/3", From: 17, To: 40, Reason: "deleted by retention"}}
	b.Sinks = nil
	b.Ledger[1].Right -= 3
	b.Error = "ledger of batch 24: exchange stage 0 → stage 1: sent 401,000 rows, received 400,997\n" +
		"\tat job.go:17 <script>alert('rows')</script>\n" +
		"\x1b[31mthe bad record\x1b[0m"
	return b
}

// adsJob are the facts of the job of the samples.
func adsJob() Job {
	return Job{
		Name: "ads", Interval: time.Second, Started: epoch, Epoch: 3, Checkpoint: "/var/lib/tidemill/ads",
		Sinks: []JobSink{{"views", "exactly once"}, {"dead letters", "at least once"}},
		Explain: "stage 0  Source ads → Filter → EventTime → Lookup campaigns → KeyBy → combine   job.go:12\n" +
			"         └─ exchange by key, 4 partitions\n" +
			"stage 1  Window tumbling 10s → Count → Map → WriteTo views   job.go:17   state ads/window#1\n",
	}
}

// adsBoard has batches 1 to n of the samples, put a second apart.
func adsBoard(n int64) (*Board, *clock) {
	c := &clock{now: epoch}
	b := NewBoard(Options{Now: c.Now})
	b.SetJob(adsJob())
	for i := int64(1); i <= n; i++ {
		c.forward(time.Second)
		b.Put(sample(i))
	}
	return b, c
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run with -rewrite\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
