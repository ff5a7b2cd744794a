package status

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

func numbers(batches []*report.Batch) string {
	var out []int64
	for _, b := range batches {
		out = append(out, b.Batch)
	}
	return fmt.Sprint(out)
}

func TestBoardKeepsTheLast(t *testing.T) {
	b := NewBoard(Options{Keep: 4})
	if got := b.Batches(10, 0); len(got) != 0 || b.Batch(1) != nil {
		t.Fatalf("an empty board has %v", numbers(got))
	}
	b.Recall(sample(1), sample(2))
	for _, n := range []int64{3, 5, 6, 9} {
		b.Put(sample(n))
	}
	for _, c := range []struct {
		n      int
		before int64
		want   string
	}{
		{10, 0, "[9 6 5 3]"}, {2, 0, "[9 6]"}, {10, 9, "[6 5 3]"}, {10, 10, "[9 6 5 3]"}, {1, 6, "[5]"},
		{10, 4, "[3]"}, {10, 3, "[]"}, {0, 0, "[]"}, {-1, 0, "[]"}, {10, 1 << 62, "[9 6 5 3]"},
	} {
		if got := numbers(b.Batches(c.n, c.before)); got != c.want {
			t.Errorf("Batches(%d, %d) = %s, want %s", c.n, c.before, got, c.want)
		}
	}
	for n := int64(0); n < 12; n++ {
		kept := n == 3 || n == 5 || n == 6 || n == 9
		if got := b.Batch(n); (got != nil) != kept || kept && got.Batch != n {
			t.Errorf("Batch(%d) = %v, want kept: %t", n, got, kept)
		}
	}
}

func TestSecondTryHidesTheFirst(t *testing.T) {
	b := NewBoard(Options{})
	b.Recall(broken(2))
	b.Put(sample(2))
	if got := b.Batch(2).Outcome; got != report.Committed {
		t.Errorf("batch 2 is %s, want its second try", got)
	}
}

func TestRunning(t *testing.T) {
	c := &clock{now: epoch}
	b := NewBoard(Options{Now: c.Now})
	b.SetRunning(&report.Batch{Batch: 7, Outcome: report.Running})
	c.forward(time.Second)
	b.SetRunning(&report.Batch{Batch: 7, Outcome: report.Running, Ticks: 2})
	if r, d := b.Running(); r == nil || r.Ticks != 2 || d != time.Second {
		t.Errorf("running %v for %s, want batch 7 anew for 1s", r, d)
	}
	if b.Batch(7) == nil {
		t.Error("batch 7 is running but not found")
	}
	b.Put(sample(7))
	if r, _ := b.Running(); r != nil {
		t.Errorf("batch %d still runs after it was put", r.Batch)
	}
	b.SetRunning(&report.Batch{Batch: 8})
	b.SetRunning(nil)
	if r, _ := b.Running(); r != nil {
		t.Error("something runs after SetRunning(nil)")
	}
}

func TestSummary(t *testing.T) {
	b, c := adsBoard(3)
	redone := sample(4)
	redone.Redone = true
	c.forward(time.Second)
	b.Put(redone)
	b.Put(broken(5))
	rows := int64(4*1_200_000 + 1000 + 2000 + 3000 + 4000)
	got := b.Summary()
	want := Summary{
		Batches: 4, Failed: 1, Redone: 1, LastBatch: 4, Rows: rows, RowsPerSecond: float64(rows) / 4, MeanPerSecond: float64(rows) / 4,
		Lag: redone.Timeline.Committed, LagRows: 40_004, Limit: 3_000_004, Late: 28, DeadLetters: 8, Written: 408, Spilled: 25 << 20, StateKeys: 1200, StateBytes: 96_000,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRateForgets(t *testing.T) {
	m := meter{start: epoch}
	if m.rate(epoch) != 0 || m.mean(0) != 0 {
		t.Error("a meter at rest has a rate")
	}
	for i := range 100 { // 1,000 rows/s for 10 s
		m.add(epoch.Add(time.Duration(i)*100*time.Millisecond), 100)
	}
	for after, want := range map[time.Duration]float64{10 * time.Second: 1000, 15 * time.Second: 500, 20 * time.Second: 0, time.Hour: 0} {
		if got := m.rate(epoch.Add(after)); got < want-15 || got > want+15 {
			t.Errorf("after %s: %.0f rows/s, want %.0f", after, got, want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var all []*report.Batch
	for i := range 100 {
		all = append(all, &report.Batch{Outcome: report.Committed, Timeline: report.Timeline{Committed: time.Duration(100-i) * time.Millisecond}})
	}
	all = append(all, &report.Batch{Outcome: report.Failed})
	p50, p99, n := quantiles(all)
	if p50 != 50*time.Millisecond || p99 != 99*time.Millisecond || n != 100 {
		t.Errorf("p50 %s, p99 %s of %d, want 50ms, 99ms of 100", p50, p99, n)
	}
	if p50, p99, n = quantiles(all[99:100]); p50 != time.Millisecond || p99 != time.Millisecond || n != 1 {
		t.Errorf("of one: p50 %s, p99 %s of %d", p50, p99, n)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	b := NewBoard(Options{})
	for i := range 2 * maxSeries {
		r := sample(int64(i))
		r.Stages[0].Name, r.Sources[0].Name = fmt.Sprintf("stage %d", i), fmt.Sprintf("source %d", i)
		b.Put(r)
	}
	if n := len(b.totals.stages); n != maxSeries+1 {
		t.Errorf("%d stages are told apart, want %d", n, maxSeries+1)
	}
	if s := b.totals.sources["(other)"]; s == nil || s.rows == 0 {
		t.Error("what is beyond the bound is not counted")
	}
}

// Readers of every kind beside a writer: for the race detector.
func TestBoardIsShared(t *testing.T) {
	b := NewBoard(Options{Keep: 8})
	h := routes(b)
	var group sync.WaitGroup
	for _, path := range []string{"/", "/?n=3&before=50", "/batches/40", "/api/v1/batches", "/api/v1/batches/41", "/api/v1/job", "/metrics"} {
		group.Go(func() {
			for range 20 {
				get(h, path)
			}
		})
	}
	for n := int64(1); n <= 500; n++ {
		b.SetRunning(&report.Batch{Batch: n})
		b.SetJob(adsJob())
		b.Put(sample(n))
	}
	group.Wait()
	if s := b.Summary(); s.Batches != 500 {
		t.Errorf("%d batches, want 500", s.Batches)
	}
}

// BenchmarkPut is what a batch pays. An engine with a batch every 5 ms pays it 200 times a second.
func BenchmarkPut(b *testing.B) {
	empty := sample(1)
	for i := range empty.Stages {
		empty.Stages[i] = report.Stage{Name: empty.Stages[i].Name, Tasks: 1, Attempts: 1}
	}
	for _, c := range []struct {
		name  string
		batch *report.Batch
	}{{"full", sample(1)}, {"empty", empty}} {
		b.Run(c.name, func(b *testing.B) {
			board := NewBoard(Options{})
			p := NewProgress(board, ProgressOptions{Mode: Plain})
			b.ReportAllocs()
			for b.Loop() {
				board.SetRunning(c.batch)
				board.Put(c.batch)
				p.Put(c.batch)
			}
		})
	}
}
