package dstream

import (
	"testing"
	"time"
)

func second(n int) time.Time { return time.Unix(int64(n), 0).UTC() }

func sec(n int64) int64 { return n * 1_000_000 }

// timedGraph is a job with one event-time window over the given number of sources.
func timedGraph(t *testing.T, w Watermark, sources ...string) *Graph {
	t.Helper()
	g, err := Build(func(job *Job) {
		in := job.Source[int64](sources[0])
		for _, s := range sources[1:] {
			in = in.Union(job.Source[int64](s))
		}
		in.EventTime(func(n int64) time.Time { return second(int(n)) }, w).Named("times").
			KeyBy(Itself).Window(Tumbling(10 * time.Second)).Count().Named("counts").Print(1)
	}, "job", Settings{Default: "test://"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range g.job.moments {
		m.fused = true
	}
	return g
}

// step is a batch: the splits that its plan lists, what its tasks saw, and the watermark that the batch after it runs under.
type step struct {
	at     int
	splits map[string][]string
	seen   map[string]int64
	ended  []string
	idle   []string
	mark   int64 // of the next batch, 1 s later
}

func TestWatermarks(t *testing.T) {
	one := map[string][]string{"a": {"a/0"}}
	two := map[string][]string{"a": {"a/0", "a/1"}}
	for _, c := range []struct {
		name    string
		w       Watermark
		sources []string
		steps   []step
	}{
		{"delay", Watermark{Delay: 2 * time.Second}, []string{"a"}, []step{
			{at: 1, mark: MinTime},
			{at: 2, splits: one, seen: map[string]int64{"a/0": sec(10)}, mark: sec(8)},
			{at: 3, mark: sec(8)},
		}},
		{"never back", Watermark{}, []string{"a"}, []step{
			{at: 1, splits: one, seen: map[string]int64{"a/0": sec(10)}, mark: sec(10)},
			{at: 2, splits: one, seen: map[string]int64{"a/0": sec(4)}, mark: sec(10)},
			{at: 3, splits: two, seen: map[string]int64{"a/0": sec(20)}, mark: sec(10)}, // a/1 gave no row that lived
			{at: 4, splits: two, seen: map[string]int64{"a/1": sec(3)}, mark: sec(10)},
			{at: 5, splits: two, seen: map[string]int64{"a/1": sec(15)}, mark: sec(15)},
		}},
		{"idle", Watermark{Delay: 1 * time.Second, Idle: 3 * time.Second}, []string{"a"}, []step{
			{at: 101, splits: two, seen: map[string]int64{"a/0": sec(100), "a/1": sec(90)}, mark: sec(89)},
			{at: 102, splits: one, seen: map[string]int64{"a/0": sec(101)}, mark: sec(89)},
			{at: 103, splits: one, seen: map[string]int64{"a/0": sec(102)}, mark: sec(101)}, // a/1 follows 104 − 1, a/0 is behind it
			{at: 104, splits: one, seen: map[string]int64{"a/0": sec(200)}, mark: sec(104)},
		}},
		{"idle source", Watermark{Delay: 1 * time.Second}, []string{"a"}, []step{
			{at: 11, splits: one, seen: map[string]int64{"a/0": sec(5)}, mark: sec(4)},
			{at: 12, idle: []string{"a"}, mark: sec(12)},
			{at: 13, mark: sec(12)},
		}},
		{"one of two ended", Watermark{}, []string{"a", "b"}, []step{
			{at: 1, splits: map[string][]string{"a": {"a"}, "b": {"b"}}, seen: map[string]int64{"a": sec(5), "b": sec(50)}, mark: sec(5)},
			{at: 2, ended: []string{"a"}, mark: sec(50)},
			{at: 3, ended: []string{"b"}, mark: MaxTime},
			{at: 4, mark: MaxTime},
		}},
		{"before the epoch", Watermark{Delay: time.Second}, []string{"a"}, []step{
			{at: 1, splits: one, seen: map[string]int64{"a/0": sec(-100)}, mark: sec(-101)},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, p := timedGraph(t, c.w, c.sources...), &Progress{}
			for _, s := range c.steps {
				p = g.Advance(p, s.plan(), map[string]map[string]int64{"times": s.seen})
				next := &Plan{Time: second(s.at + 1)}
				if got := g.Marks(p, next)["counts"]; got != s.mark {
					t.Errorf("after the batch at %d s: watermark %d, want %d; %+v", s.at, got, s.mark, p.Seen)
				}
				if again := g.Marks(p, next)["counts"]; again != s.mark {
					t.Errorf("after the batch at %d s: not a function of the progress: %d, then %d", s.at, s.mark, again)
				}
			}
		})
	}
}

func (s step) plan() *Plan {
	p := &Plan{Time: second(s.at), Sources: map[string]SourcePlan{}}
	for name, splits := range s.splits {
		var parts [][]Split
		for _, split := range splits {
			parts = append(parts, []Split{{Name: split}})
		}
		p.Sources[name] = SourcePlan{Parts: parts}
	}
	for _, name := range s.ended {
		p.Sources[name] = SourcePlan{Ended: true}
	}
	for _, name := range s.idle {
		p.Sources[name] = SourcePlan{Idle: true}
	}
	return p
}

func TestAdvanceLeavesWhatWasBefore(t *testing.T) {
	g := timedGraph(t, Watermark{}, "a")
	s := step{at: 1, splits: map[string][]string{"a": {"a"}}, seen: map[string]int64{"a": 1}}
	before := g.Advance(&Progress{}, s.plan(), map[string]map[string]int64{"times": s.seen})
	s.seen["a"] = 99
	g.Advance(before, s.plan(), map[string]map[string]int64{"times": s.seen})
	if before.Seen["times"]["a"].Max != 1 {
		t.Errorf("the progress of the batch before changed: %+v", before)
	}
}
