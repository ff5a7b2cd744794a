package batch

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/driver/report"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func small(t *testing.T) Options {
	return Options{Batches: 40, Interval: 2 * time.Millisecond, Dir: t.TempDir()}
}

func TestEmpty(t *testing.T) {
	var out strings.Builder
	if err := Empty(&out, small(t)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "CPU") {
		t.Fatalf("no CPU in\n%s", &out)
	}
}

func TestIntervalSaysWhetherItIsHeld(t *testing.T) {
	var out strings.Builder
	if err := Interval(&out, small(t)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "held") {
		t.Fatalf("not said in\n%s", &out)
	}
}

func TestWrongResultIsSeen(t *testing.T) {
	l, err := ysb.Make(ysb.Shape{Events: 500, Spacing: spacing})
	if err != nil {
		t.Fatal(err)
	}
	got := &views{cells: l.Want()}
	if err := check(500, got); err != nil {
		t.Fatal(err)
	}
	for c := range got.cells {
		got.cells[c]++
		break
	}
	if err := check(500, got); err == nil {
		t.Fatal("a wrong count passed")
	}
}

func TestJudge(t *testing.T) {
	const interval = 5 * time.Millisecond
	reports := func(n int, each report.Batch, last report.Batch) []*report.Batch {
		var out []*report.Batch
		for range n - 1 {
			b := each
			out = append(out, &b)
		}
		return append(out, &last)
	}
	one := func(ticks int64, committed time.Duration) report.Batch {
		return report.Batch{Ticks: ticks, Timeline: report.Timeline{Committed: committed}}
	}
	for _, c := range []struct {
		name    string
		reports []*report.Batch
		holds   bool
	}{
		{"in time", reports(200, one(1, time.Millisecond), one(1, time.Millisecond)), true},
		{"one in two hundred is late", reports(200, one(1, time.Millisecond), one(2, 6*time.Millisecond)), true},
		{"all are late", reports(200, one(1, 6*time.Millisecond), one(1, time.Millisecond)), false},
		{"every batch stands for two ticks", reports(200, one(2, time.Millisecond), one(1, time.Millisecond)), false},
		{"behind at the end", reports(200, one(1, time.Millisecond), one(1, 11*time.Millisecond)), false},
		{"nothing ran", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if h := Judge(c.reports, interval); h.Holds(interval) != c.holds {
				t.Fatalf("%+v: want %v", h, c.holds)
			}
		})
	}
}
