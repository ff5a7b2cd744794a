package dstreamtest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
)

type word struct {
	Word string
	N    int64
}

func TestWordCount(t *testing.T) {
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		job.Source[string]("lines").FlatMap(strings.FieldsSeq).KeyBy(dstream.Itself).Count().
			Map(func(w string, n int64) word { return word{w, n} }).WriteTo("counts")
	}, dstreamtest.Options{})
	run.Send("lines", "a b a", "c")
	run.Tick(1)
	run.Send("lines", "a")
	run.End()
	got := run.Rows[word]("counts")
	slices.SortFunc(got, func(a, b word) int { return strings.Compare(a.Word, b.Word) })
	if want := []word{{"a", 2}, {"a", 1}, {"b", 1}, {"c", 1}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

type view struct {
	Ad string
	At time.Time
}

type views struct {
	Campaign string
	Window   time.Time
	N        int64
}

type campaign struct {
	Ad string `col:"ad,key"`
	ID string
}

func TestWindows(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		campaigns := job.Table[string, campaign]("campaigns")
		job.Source[view]("ads").
			EventTime(func(v view) time.Time { return v.At }, dstream.Watermark{Delay: time.Second}).
			Lookup(campaigns, func(v view) string { return v.Ad }, func(_ view, c campaign) string { return c.ID }).
			KeyBy(dstream.Itself).
			Window(dstream.Tumbling(10 * time.Second)).
			Count().
			Map(func(c string, w dstream.Window, n int64) views { return views{c, w.Start, n} }).
			WriteTo("views")
	}, dstreamtest.Options{})
	run.Table("campaigns", campaign{"x", "X"}, campaign{"y", "Y"})
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	run.Send("ads", view{"x", at(1)}, view{"x", at(2)}, view{"y", at(3)}, view{"z", at(3)})
	run.Tick(1)
	run.Send("ads", view{"x", at(9)}, view{"x", at(25)})
	run.Tick(2)
	if got := run.Rows[views]("views"); len(got) != 2 {
		t.Errorf("after the watermark has passed the first window: %v", got)
	}
	run.Send("ads", view{"x", at(4)})
	run.End()
	got := run.Rows[views]("views")
	want := []views{{"X", start, 3}, {"Y", start, 1}, {"X", start.Add(20 * time.Second), 1}}
	slices.SortFunc(got, func(a, b views) int {
		return strings.Compare(a.Window.String()+a.Campaign, b.Window.String()+b.Campaign)
	})
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	late := int64(0)
	for _, b := range run.Reports() {
		late += b.Late()
	}
	if late != 1 {
		t.Errorf("%d late rows, want 1", late)
	}
}
