package dstreamtest_test

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
)

// TestOfTheDocumentation is the sketch in doc.go, with the job that belongs to it.
func TestOfTheDocumentation(t *testing.T) {
	type Ad struct {
		ID, Event string
		At        time.Time
	}
	type Campaign struct {
		Ad string `col:"ad,key"`
		ID string
	}
	type Views struct {
		Campaign string
		Window   time.Time
		N        int64
	}
	build := func(job *dstream.Job) {
		campaigns := job.Table[string, Campaign]("campaigns")
		job.Source[Ad]("ads").
			EventTime(func(a Ad) time.Time { return a.At }, dstream.Watermark{}).
			Lookup(campaigns, func(a Ad) string { return a.ID }, func(_ Ad, c Campaign) string { return c.ID }).
			KeyBy(dstream.Itself).Window(dstream.Tumbling(10 * time.Second)).Count().
			Map(func(c string, w dstream.Window, n int64) Views { return Views{c, w.Start, n} }).
			WriteTo("views")
	}
	at := start.Add(3 * time.Second)

	run := dstreamtest.Start(t, build, dstreamtest.Options{})
	run.Table("campaigns", Campaign{"ad-1", "c-1"})
	run.Send("ads", Ad{"ad-1", "view", at})
	run.Tick(1)
	run.End()
	run.Expect("views", Views{"c-1", start, 1})
}

// recorder is a test that is expected to fail.
type recorder struct {
	testing.TB
	failed []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.failed = append(r.failed, format) }

func TestExpectSeesDifferences(t *testing.T) {
	for _, c := range []struct {
		want []int
		ok   bool
	}{{[]int{2, 1, 2}, true}, {[]int{1, 2}, false}, {[]int{1, 2, 2, 2}, false}, {[]int{1, 2, 3}, false}, {nil, false}} {
		r := &recorder{TB: t}
		run := dstreamtest.Start(r, func(job *dstream.Job) { job.Source[int]("ints").WriteTo("out") }, dstreamtest.Options{})
		run.Send("ints", 1, 2, 2)
		run.Tick(1)
		run.Expect("out", c.want...)
		if (len(r.failed) == 0) != c.ok {
			t.Errorf("%v: %q", c.want, r.failed)
		}
	}
}

// TestAnotherRunGoesOn starts a Run of its own on the checkpoint of another: offsets and state are there, rows are not.
func TestAnotherRunGoesOn(t *testing.T) {
	build := func(job *dstream.Job) {
		job.Source[int]("ints").Window(dstream.Tumbling(10 * time.Second)).Reduce(dstream.Sum).
			Map(func(_ struct{}, _ dstream.Window, n int) int { return n }).WriteTo("sums")
	}
	o := dstreamtest.Options{Checkpoint: t.TempDir()}
	first := dstreamtest.Start(t, build, o)
	first.Send("ints", 1, 2, 3)
	first.Tick(2)
	first.Stop()

	o.Start = start.Add(2 * time.Second)
	second := dstreamtest.Start(t, build, o)
	second.Send("ints", 10)
	second.Tick(1)
	second.End()
	second.Expect("sums", 16)
}
