package dstream_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

type pageView struct {
	Page string
	At   time.Time
}

// named is a job with state in every place that a name is made for.
func named(job *dstream.Job) {
	views := job.Source[pageView]("views").EventTime(func(v pageView) time.Time { return v.At }, dstream.Watermark{})
	clicks := job.Source[pageView]("clicks").EventTime(func(v pageView) time.Time { return v.At }, dstream.Watermark{})
	byPage := views.Filter(func(v pageView) bool { return v.Page != "" }).KeyBy(func(v pageView) string { return v.Page })
	counts := byPage.Window(dstream.Tumbling(10 * time.Second)).Count()
	counts.Print(1)
	byPage.Window(dstream.Sliding(20*time.Second, 10*time.Second)).Count().Named("often").Print(1)
	counts.Keyed().Window(dstream.Tumbling(time.Minute)).Reduce(dstream.Sum).Print(1)
	clicks.Union(views).Window(dstream.Tumbling(10 * time.Second)).Lateness(time.Second).Count().Print(1)
	byPage.Window(dstream.Tumbling(time.Hour)).Count().Print(1)
	counts.Rekey(func(p string, n int64) (int64, string) { return n, p }).Aggregate(dstream.Top(3, strings.Compare)).Print(1)
}

// movedNamed is the same job after its author has moved things about and named a step that has no state.
func movedNamed(job *dstream.Job) {
	at := func(v pageView) time.Time { return v.At }

	views := job.Source[pageView]("views").
		EventTime(at, dstream.Watermark{})
	clicks := job.Source[pageView]("clicks").EventTime(at, dstream.Watermark{})
	byPage := views.
		Filter(func(v pageView) bool { return v.Page != "" }).Named("pages").
		KeyBy(func(v pageView) string { return v.Page })
	byPage.Window(dstream.Sliding(20*time.Second, 10*time.Second)).
		Count().Named("often").
		Print(1)
	counts := byPage.Window(dstream.Tumbling(10 * time.Second)).Count()
	counts.Keyed().Window(dstream.Tumbling(time.Minute)).Reduce(dstream.Sum).Print(1)
	counts.Rekey(func(p string, n int64) (int64, string) { return n, p }).Aggregate(dstream.Top(3, strings.Compare)).Print(1)

	byPage.Window(dstream.Tumbling(time.Hour)).Count().Print(1)
	clicks.Union(views).Window(dstream.Tumbling(10 * time.Second)).Lateness(time.Second).Count().Print(1)
	counts.Print(1)
}

func TestStateNames(t *testing.T) {
	want := map[string]string{
		"views/count#1":     "windows of 10s every 10s + 0s of (value utf8) → (value int64)",
		"often":             "windows of 20s every 10s + 0s of (value utf8) → (value int64)",
		"views/reduce#1":    "windows of 1m0s every 1m0s + 0s of (value utf8) → (Val int64, Set bool)",
		"clicks/count#1":    "windows of 10s every 10s + 1s of () → (value int64)",
		"views/count#2":     "windows of 1h0m0s every 1h0m0s + 0s of (value utf8) → (value int64)",
		"views/aggregate#1": "rekeyed windows of 10s every 10s + 0s of (value int64) → (value list<item: utf8>)",
	}
	var digests []string
	for _, build := range []func(*dstream.Job){named, movedNamed, named} {
		g, err := dstream.Build(build, "job", anywhere)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, g.Digest())
		got := g.Fingerprint()
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got[name] != want[name] {
				t.Errorf("%s: %q, want %q", name, got[name], want[name])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d names, want %d: %v", len(got), len(want), got)
		}
	}
	if digests[0] != digests[2] || digests[0] == digests[1] {
		t.Errorf("digests %v: equal for equal graphs only", digests)
	}
}

// TestShapeSeesColumns: state is told apart by its columns, not by what its Go types are called.
func TestShapeSeesColumns(t *testing.T) {
	type one struct{ A, B int64 }
	type renamed struct{ A, B int64 }
	type swapped struct{ B, A int64 }
	if shapeOf[one](t) != shapeOf[renamed](t) {
		t.Error("another name of the type is another shape")
	}
	if shapeOf[one](t) == shapeOf[swapped](t) {
		t.Error("columns in another order are the same shape: a restart would swap them")
	}
}

func shapeOf[A any](t *testing.T) string {
	g, err := dstream.Build(func(job *dstream.Job) {
		job.Source[int64]("ints").KeyBy(dstream.Itself).Window(dstream.Tumbling(time.Second)).
			Aggregate(func(*A, int64) {}, func(*A, A) {}).Print(1)
	}, "job", anywhere)
	if err != nil {
		t.Fatal(err)
	}
	return g.Fingerprint()["ints/aggregate#1"]
}
