package dstream_test

import (
	"errors"
	"iter"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

var anywhere = dstream.Settings{Default: "test://"}

// mistakes are the build errors of a job, each on its own.
func mistakes(t *testing.T, build func(*dstream.Job), s dstream.Settings) []*rdd.BuildError {
	t.Helper()
	_, err := dstream.Build(build, "job", s)
	var out []*rdd.BuildError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			var b *rdd.BuildError
			if !errors.As(e, &b) {
				t.Fatalf("not a build error: %v", e)
			}
			out = append(out, b)
		}
	}
	return out
}

type floats struct{ A, B float64 }

type twice struct {
	A int `col:"x"`
	B int `col:"x"`
}

type withFunc struct{ F func() }

type noKey struct{ ID string }

// TestMistakes checks what is said about each mistake, and that it is said of the line that it was made in.
func TestMistakes(t *testing.T) {
	ints := func(job *dstream.Job) dstream.Stream[int] { return job.Source[int]("ints") }
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	var other dstream.Stream[int]
	var otherTable dstream.Table[string, campaign]
	if _, err := dstream.Build(func(job *dstream.Job) {
		other, otherTable = ints(job), job.Table[string, campaign]("campaigns")
		other.Print(1)
	}, "other", anywhere); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string // the line of the mistake contains it
		want  string // the message contains it
		build func(job *dstream.Job)
	}{
		{"Source[*int]", "rows are pointers", func(job *dstream.Job) { job.Source[*int]("x").Print(1) }},
		{"Source[twice]", "a second column named \"x\"", func(job *dstream.Job) { job.Source[twice]("x").Print(1) }},
		{"Map(toFunc", "withFunc.F", func(job *dstream.Job) { ints(job).Map(toFunc).Filter(func(withFunc) bool { return true }).Print(1) }},
		{"KeyBy(toFloat", "key: ", func(job *dstream.Job) { ints(job).KeyBy(toFloat).Count().Print(1) }},
		{"KeyBy(toFloats", "floats.A", func(job *dstream.Job) { ints(job).KeyBy(toFloats).Values().Print(1) }},
		{"KeyBy(toAny", "interface", func(job *dstream.Job) { ints(job).KeyBy(toAny).Values().Print(1) }},
		{"KeyBy(toPointer", "pointer", func(job *dstream.Job) { ints(job).KeyBy(toPointer).Values().Print(1) }},
		{"Tumbling(-", "positive", func(job *dstream.Job) { ints(job).Window(dstream.Tumbling(-time.Second)).Count().Print(1) }},
		{"Tumbling(0", "positive", func(job *dstream.Job) { ints(job).Window(dstream.Tumbling(0)).Count().Print(1) }},
		{"Sliding(1", "microseconds", func(job *dstream.Job) { ints(job).Window(dstream.Sliding(10, 1500)).Count().Print(1) }},
		{"Lateness(-1)", "0 or more", func(job *dstream.Job) { ints(job).Window(dstream.Tumbling(time.Second)).Lateness(-1).Count().Print(1) }},
		{"Emit(7)", "no mode 7", func(job *dstream.Job) { ints(job).Window(dstream.Tumbling(time.Second)).Emit(7).Count().Print(1) }},
		{"Delay: -1", "negative", func(job *dstream.Job) { ints(job).EventTime(at, dstream.Watermark{Delay: -1}).Print(1) }},
		{"Repartition(0)", "at least one", func(job *dstream.Job) { ints(job).Repartition(0).Print(1) }},
		{"Print(0)", "at least one", func(job *dstream.Job) { ints(job).Print(0) }},
		{"Source[string](\"ints\")", "is used at", func(job *dstream.Job) { ints(job).Print(1); job.Source[string]("ints").Print(1) }},
		{"WriteTo(\"a\") //", "is written at", func(job *dstream.Job) {
			ints(job).WriteTo("a")
			job.Source[int]("more").WriteTo("a") //
		}},
		{"ForEach(\"a\", body) //", "is taken by the one at", func(job *dstream.Job) {
			ints(job).ForEach("a", body)
			job.Source[int]("more").ForEach("a", body) //
		}},
		{"Table[string, campaign](\"a\") //", "is used at", func(job *dstream.Job) {
			job.Table[string, campaign]("a")
			job.Table[string, campaign]("a") //
			ints(job).Print(1)
		}},
		{"Table[string, noKey]", "are tagged as key", func(job *dstream.Job) { job.Table[string, noKey]("a"); ints(job).Print(1) }},
		{"Named(\"n\").Print(1) //", "the name \"n\" is taken", func(job *dstream.Job) {
			w := ints(job).KeyBy(dstream.Itself).Window(dstream.Tumbling(time.Second))
			w.Count().Named("n").Print(1)
			w.Count().Named("n").Print(1) //
		}},
		{"Named(\"\")", "is not a name", func(job *dstream.Job) { ints(job).Named("").Print(1) }},
		{"Source[int](\"\")", "needs a name", func(job *dstream.Job) { job.Source[int]("").Print(1) }},
		{"WriteTo(\"dead_letters\")", "the sink for bad records", func(job *dstream.Job) { ints(job).WriteTo("dead_letters") }},
		{"Read[int](\"x\", nil)", "no source given", func(job *dstream.Job) { job.Read[int]("x", nil).Print(1) }},
		{"Write(\"x\", nil)", "no sink given", func(job *dstream.Job) { ints(job).Write("x", nil) }},
		{"Union(other)", "different jobs", func(job *dstream.Job) { ints(job).Union(other).Print(1) }},
		{"Lookup(otherTable", "different jobs", func(job *dstream.Job) { ints(job).Lookup(otherTable, strconv.Itoa, keepInt).Print(1) }},
		{"Lookup(dstream.Table", "no table", func(job *dstream.Job) {
			ints(job).Lookup(dstream.Table[string, campaign]{}, strconv.Itoa, keepInt).Print(1)
		}},
		{"Window(dstream.Tumbling(time.Second)) // lost", "is lost in the MapPartitions at build_test.go:", func(job *dstream.Job) {
			ints(job).EventTime(at, dstream.Watermark{}).
				MapPartitions(func(rows iter.Seq[int]) iter.Seq[int] { return rows }).
				Window(dstream.Tumbling(time.Second)) // lost
			other := job.Source[int]("more")
			other.Print(1)
		}},
		{"Int(\"n\", 2", "is declared at", func(job *dstream.Job) {
			job.Int("n", 1, "")
			job.Int("n", 2, "")
			ints(job).Print(1)
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			got := mistakes(t, c.build, anywhere)
			if len(got) != 1 {
				t.Fatalf("%d mistakes, want one: %v", len(got), got)
			}
			if !strings.Contains(got[0].Error(), c.want) {
				t.Errorf("%v; want %q", got[0], c.want)
			}
			if line := sourceLine(t, got[0].At); !strings.Contains(line, c.what) {
				t.Errorf("%v: that line is %q, the mistake is in %q", got[0], line, c.what)
			}
		})
	}
}

func toFunc(int) withFunc                      { return withFunc{} }
func toFloat(n int) float64                    { return float64(n) }
func toFloats(int) floats                      { return floats{} }
func toAny(n int) any                          { return n }
func toPointer(n int) *int                     { return &n }
func keepInt(n int, _ campaign) int            { return n }
func body(dstream.Context, rdd.RDD[int]) error { return nil }

type campaign struct {
	Ad string `col:"ad,key"`
	ID string
}

// sourceLine returns the line of this package's file that a place like "x_test.go:12" names.
func sourceLine(t *testing.T, at string) string {
	t.Helper()
	file, line, _ := strings.Cut(at, ":")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("%q is no place: %v", at, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")[n-1]
}

// keeping says which steps keep event time and which drop it.
var keeping = map[string]struct {
	keeps bool
	step  func(stream) stream
}{
	"Map":         {true, func(s stream) stream { return s.Map(func(n int) int { return n }) }},
	"TryMap":      {true, func(s stream) stream { return s.TryMap(func(n int) (int, error) { return n, nil }) }},
	"MapContext":  {true, func(s stream) stream { return s.MapContext(func(_ dstream.Context, n int) int { return n }) }},
	"Filter":      {true, func(s stream) stream { return s.Filter(func(int) bool { return true }) }},
	"FilterMap":   {true, func(s stream) stream { return s.FilterMap(func(n int) (int, bool) { return n, true }) }},
	"FlatMap":     {true, func(s stream) stream { return s.FlatMap(func(n int) iter.Seq[int] { return func(func(int) bool) {} }) }},
	"Union":       {true, func(s stream) stream { return s.Union(s) }},
	"Repartition": {true, func(s stream) stream { return s.Repartition(2) }},
	"Cache":       {true, func(s stream) stream { return s.Cache() }},
	"KeyBy":       {true, func(s stream) stream { return s.KeyBy(dstream.Itself).MapValues(dstream.Itself).Values() }},
	"Rekey": {true, func(s stream) stream {
		return s.KeyBy(dstream.Itself).Rekey(func(k, v int) (int, int) { return v, k }).Values()
	}},
	"Panes":         {true, func(s stream) stream { return s.Window(dstream.Tumbling(1e9)).Reduce(dstream.Sum).Keyed().Values() }},
	"MapPartitions": {false, func(s stream) stream { return s.MapPartitions(func(rows iter.Seq[int]) iter.Seq[int] { return rows }) }},
	"Transform":     {false, func(s stream) stream { return s.Transform(sameRows) }},
	"Reduce":        {false, func(s stream) stream { return s.Reduce(dstream.Sum) }},
	"Count":         {false, func(s stream) stream { return s.Count().Map(func(n int64) int { return int(n) }) }},
	"Glom":          {false, func(s stream) stream { return dstream.Glom(s).Map(func(ns []int) int { return len(ns) }) }},
	"Distinct":      {false, func(s stream) stream { return dstream.Distinct(s) }},
	"Keyed.Reduce":  {false, func(s stream) stream { return s.KeyBy(dstream.Itself).Reduce(dstream.Sum).Values() }},
	"GroupMap": {false, func(s stream) stream {
		return s.KeyBy(dstream.Itself).GroupMap(func(_ int, ns []int) int { return len(ns) }).Values()
	}},
	"Join": {false, func(s stream) stream {
		k := s.KeyBy(dstream.Itself)
		return k.Join(k, func(_, a, b int) int { return a + b }).Values()
	}},
}

func sameRows(_ dstream.Context, r rdd.RDD[int]) rdd.RDD[int] { return r }

func TestLostEventTime(t *testing.T) {
	for name, c := range keeping {
		for _, timed := range []bool{true, false} {
			build := func(job *dstream.Job) {
				s := job.Source[int]("ints")
				if timed {
					s = s.EventTime(func(n int) time.Time { return time.Unix(int64(n), 0) }, dstream.Watermark{})
				}
				c.step(s).Window(dstream.Tumbling(time.Second)).Count().Print(1)
			}
			if got := mistakes(t, build, anywhere); len(got) > 0 != (timed && !c.keeps) {
				t.Errorf("%s, event time %v: %v", name, timed, got)
			}
		}
	}
	again := func(job *dstream.Job) {
		at := func(n int) time.Time { return time.Unix(int64(n), 0) }
		job.Source[int]("ints").EventTime(at, dstream.Watermark{}).Reduce(dstream.Sum).EventTime(at, dstream.Watermark{}).
			Window(dstream.Tumbling(time.Second)).Count().Print(1)
	}
	if got := mistakes(t, again, anywhere); len(got) > 0 {
		t.Errorf("with a new EventTime: %v", got)
	}
	mixed := func(job *dstream.Job) {
		at := func(n int) time.Time { return time.Unix(int64(n), 0) }
		a := job.Source[int]("a").EventTime(at, dstream.Watermark{})
		a.Union(job.Source[int]("b")).Window(dstream.Tumbling(time.Second)).Count().Print(1)
	}
	if got := mistakes(t, mixed, anywhere); len(got) != 1 || !strings.Contains(got[0].Error(), "is lost in the Union at") {
		t.Errorf("a union of rows with and without event time: %v", got)
	}
}

func TestAllMistakesTogether(t *testing.T) {
	got := mistakes(t, func(job *dstream.Job) {
		job.Interval = -1
		job.Source[*int]("a").Map(func(*int) int { return 0 })
		job.Source[twice]("b").Filter(func(twice) bool { return true }).Filter(func(twice) bool { return true })
	}, dstream.Settings{Sources: map[string]string{"ads": "files:///secret-path", "clicks": "x:"}})
	var kinds []string
	for _, m := range got {
		kinds = append(kinds, m.Kind)
		if strings.Contains(m.Error(), "secret") {
			t.Errorf("a URL is shown: %v", m)
		}
	}
	if text := strings.Join(kinds, " "); text != "Source Source Source Source job job" {
		t.Errorf("%s: %v", text, got)
	}
	if !strings.Contains(got[0].Error(), "there are: ads, clicks") {
		t.Errorf("%v", got[0])
	}
}

func TestNamesThatAreNotConfigured(t *testing.T) {
	s := dstream.Settings{
		Sources: map[string]string{"s1": "u", "s2": "u"}, Sinks: map[string]string{"k1": "u"}, Tables: map[string]string{},
	}
	got := mistakes(t, func(job *dstream.Job) {
		campaigns := job.Table[string, campaign]("campaigns")
		job.Source[int]("ints").Lookup(campaigns, strconv.Itoa, keepInt).WriteTo("out")
	}, s)
	want := []string{`"campaigns" is not configured: tidemill.yaml has no tables`, "under sources; there are: s1, s2", "under sinks; there are: k1"}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i, w := range want {
		if !strings.Contains(got[i].Error(), w) {
			t.Errorf("%v, want %q", got[i], w)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for _, raw := range []string{"kafka://user:pa%ss@host/x", "kafka://host:hunter2/x", "kafka://[hunter2/x", "kafka://u:hunter2 @h/x", "\x7fhunter2"} {
		g, err := dstream.Build(func(job *dstream.Job) { job.Source[int]("a").Print(1) }, "job", dstream.Settings{Sources: map[string]string{"a": "${env:X}"}})
		if err != nil {
			t.Fatal(err)
		}
		err = g.Open(dstream.Place{Resolve: func(string) (string, error) { return raw, nil }})
		if err == nil || strings.Contains(err.Error(), "pa%ss") || strings.Contains(err.Error(), "%ss") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", raw, err)
		}
		if cerr := g.Close(); cerr != nil {
			t.Error(cerr)
		}
	}
}

func TestParameters(t *testing.T) {
	type params struct {
		topic string
		n     int
		on    bool
		every time.Duration
	}
	var got params
	build := func(job *dstream.Job) {
		got = params{
			job.String("topic", "ads", "the topic"), job.Int("n", 3, "how many"),
			job.Bool("on", false, "whether"), job.Duration("every", time.Second, "how often"),
		}
		job.Source[int](got.topic).Print(1)
	}
	for _, c := range []struct {
		args map[string]string
		want params
	}{
		{nil, params{"ads", 3, false, time.Second}},
		{map[string]string{"topic": "clicks", "n": "-7", "on": "true", "every": "1m30s"}, params{"clicks", -7, true, 90 * time.Second}},
	} {
		s := anywhere
		s.Args = c.args
		g, err := dstream.Build(build, "job", s)
		if err != nil || got != c.want {
			t.Errorf("%v: %+v, %v", c.args, got, err)
		}
		if p := g.Params(); len(p) != 4 || p[3].Value != "1s" || p[3].Usage != "how often" {
			t.Errorf("%+v", p)
		}
	}
	s := anywhere
	s.Args = map[string]string{"n": "many", "on": "perhaps", "every": "5", "tpoic": "x"}
	errs := mistakes(t, build, s)
	want := []string{`-n: "many" is not a int, as its default 3 is`, `-on: "perhaps" is not a bool`, `-every: "5" is not a time.Duration, as its default 1s is`, "-tpoic: the job has no such parameter; it has -topic, -n, -on, -every"}
	if len(errs) != len(want) {
		t.Fatalf("%v", errs)
	}
	for i, w := range want {
		if !strings.Contains(errs[i].Error(), w) {
			t.Errorf("%v, want %q", errs[i], w)
		}
	}
}

func TestJobThatRunsTakesNoSteps(t *testing.T) {
	var kept dstream.Stream[int]
	g, err := dstream.Build(func(job *dstream.Job) {
		kept = job.Source[int]("ints")
		kept.Print(1)
	}, "job", anywhere)
	if err != nil {
		t.Fatal(err)
	}
	before := g.Digest()
	kept.Map(toFloat).WriteTo("x")
	kept.ForEach("y", body)
	if g.Digest() != before {
		t.Error("the graph has grown")
	}
	_, err = g.Batch(&dstream.Plan{Parts: 1, Groups: 16})
	if err == nil || !strings.Contains(err.Error(), "Map: the job is already running") || !strings.Contains(err.Error(), "build_test.go:") {
		t.Errorf("%v", err)
	}
}

func TestBuildThatPanics(t *testing.T) {
	_, err := dstream.Build(func(*dstream.Job) {
		var none dstream.Stream[int]
		none.Map(toFloat)
	}, "job", anywhere)
	if err == nil || !strings.Contains(err.Error(), "build_test.go:") || strings.Contains(err.Error(), "goroutine") {
		t.Errorf("%v", err)
	}
}

func TestNoOutput(t *testing.T) {
	got := mistakes(t, func(job *dstream.Job) { job.Source[int]("ints").Map(toFloat) }, anywhere)
	if len(got) != 1 || !strings.Contains(got[0].Error(), "end a stream with WriteTo, Write, Print or ForEach") {
		t.Errorf("%v", got)
	}
}
