package dstreamtest_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
)

// The property: a random small job gives what a naive evaluator gives that sees the whole input at once, whatever the cut into
// batches and the parallelism. The evaluator knows slices and maps and nothing of the engine. Disorder stays within the delay, so
// that no row is late.

type event struct {
	ID  int64
	Key string
	Val int64
	At  time.Time
}

type result struct {
	Key        string
	Start, End int64 // ms of the window; 0 for none
	Sum, N     int64
	Vals       string
}

// sums is an aggregate with everything in it that has to survive a merge: numbers, a slice, a map.
type sums struct {
	Sum, N int64
	Vals   []int64
	Seen   map[int64]int64
}

func (s *sums) add(e event) {
	s.Sum, s.N, s.Vals = s.Sum+e.Val, s.N+1, append(s.Vals, e.Val)
	if s.Seen == nil {
		s.Seen = map[int64]int64{}
	}
	s.Seen[e.Val%3]++
}

func (s *sums) merge(o sums) {
	s.Sum, s.N, s.Vals = s.Sum+o.Sum, s.N+o.N, append(s.Vals, o.Vals...)
	if s.Seen == nil {
		s.Seen = map[int64]int64{}
	}
	for k, n := range o.Seen {
		s.Seen[k] += n
	}
}

func (s sums) text() string {
	vals := slices.Sorted(slices.Values(s.Vals))
	return fmt.Sprint(vals, s.Seen)
}

// shape is a random job: steps before the key, the window, what is computed.
type shape struct {
	steps    []int // 0 map, 1 filter, 2 flatmap, 3 union with itself, 4 repartition, 5 cache, 6 lookup
	length   time.Duration
	slide    time.Duration
	fold     int // 0 count, 1 reduce, 2 aggregate, 3 group
	onChange bool
	fork     bool
}

func randomShape(r *rand.Rand) shape {
	s := shape{fold: r.IntN(4), fork: r.IntN(3) == 0, onChange: r.IntN(4) == 0}
	for range r.IntN(4) {
		s.steps = append(s.steps, r.IntN(7))
	}
	s.slide = time.Duration(1+r.IntN(4)) * time.Second
	s.length = s.slide
	if r.IntN(2) == 0 {
		s.length = time.Duration(1+r.IntN(9)) * time.Second
	}
	return s
}

type weight struct {
	Key string `col:"key,key"`
	W   int64
}

var weights = []weight{{"a", 2}, {"b", 3}, {"c", 5}}

func (s shape) build(job *dstream.Job) {
	table := job.Table[string, weight]("weights")
	in := job.Source[event]("events").EventTime(func(e event) time.Time { return e.At }, dstream.Watermark{Delay: 10 * time.Second})
	for _, step := range s.steps {
		in = s.step(in, table, step)
	}
	if s.fork {
		in.Filter(func(e event) bool { return e.Val%2 == 0 }).Map(func(e event) result { return result{Key: e.Key, Sum: e.Val} }).WriteTo("fork")
	}
	w := in.KeyBy(func(e event) string { return e.Key }).Window(dstream.Sliding(s.length, s.slide))
	if s.onChange {
		w = w.Emit(dstream.OnChange)
	}
	row := func(k string, w dstream.Window) result {
		return result{Key: k, Start: w.Start.UnixMilli(), End: w.End.UnixMilli()}
	}
	switch s.fold {
	case 0:
		w.Count().Map(func(k string, w dstream.Window, n int64) result { r := row(k, w); r.N = n; return r }).WriteTo("out")
	case 1:
		w.Reduce(func(a, b event) event { return event{Val: a.Val + b.Val} }).
			Map(func(k string, w dstream.Window, e event) result { r := row(k, w); r.Sum = e.Val; return r }).WriteTo("out")
	case 2:
		w.Aggregate((*sums).add, (*sums).merge).
			Map(func(k string, w dstream.Window, a sums) result {
				r := row(k, w)
				r.Sum, r.N, r.Vals = a.Sum, a.N, a.text()
				return r
			}).WriteTo("out")
	case 3:
		w.GroupMap(func(_ string, _ dstream.Window, es []event) sums {
			var a sums
			for _, e := range es {
				a.add(e)
			}
			return a
		}).Map(func(k string, w dstream.Window, a sums) result { r := row(k, w); r.Vals = a.text(); return r }).WriteTo("out")
	}
}

func (s shape) step(in dstream.Stream[event], table dstream.Table[string, weight], step int) dstream.Stream[event] {
	switch step {
	case 0:
		return in.Map(func(e event) event { e.Val += 7; return e })
	case 1:
		return in.Filter(func(e event) bool { return e.Val%3 != 0 })
	case 2:
		return in.FlatMap(func(e event) iter.Seq[event] {
			return func(yield func(event) bool) {
				for i := range e.Val % 3 {
					if !yield(event{e.ID, e.Key, e.Val + i, e.At}) {
						return
					}
				}
			}
		})
	case 3:
		return in.Union(in.Map(func(e event) event { e.Val *= 2; return e }))
	case 4:
		return in.Repartition(3)
	case 5:
		return in.Cache()
	}
	return in.Lookup(table, func(e event) string { return e.Key }, func(e event, w weight) event { e.Val *= w.W; return e })
}

// naiveSteps are the steps before the key.
func (s shape) naiveSteps(events []event) []event {
	in := slices.Clone(events)
	for _, step := range s.steps {
		var next []event
		for _, e := range in {
			switch step {
			case 0:
				e.Val += 7
				next = append(next, e)
			case 1:
				if e.Val%3 != 0 {
					next = append(next, e)
				}
			case 2:
				for i := range e.Val % 3 {
					next = append(next, event{e.ID, e.Key, e.Val + i, e.At})
				}
			case 3:
				d := e
				d.Val *= 2
				next = append(next, e, d)
			case 4, 5:
				next = append(next, e)
			case 6:
				for _, w := range weights {
					if w.Key == e.Key {
						e.Val *= w.W
						next = append(next, e)
					}
				}
			}
		}
		in = next
	}
	return in
}

// naive is the same job over the whole input.
func (s shape) naive(events []event) (out, fork []result) {
	in := s.naiveSteps(events)
	for _, e := range in {
		if s.fork && e.Val%2 == 0 {
			fork = append(fork, result{Key: e.Key, Sum: e.Val})
		}
	}
	type at struct {
		key   string
		start int64
	}
	windows := map[at][]event{}
	for _, e := range in {
		ms, slide, length := e.At.UnixMilli(), s.slide.Milliseconds(), s.length.Milliseconds()
		for start := ms - ms%slide; start > ms-length; start -= slide {
			windows[at{e.Key, start}] = append(windows[at{e.Key, start}], e)
		}
	}
	for w, es := range windows {
		var a sums
		for _, e := range es {
			a.add(e)
		}
		r := result{Key: w.key, Start: w.start, End: w.start + s.length.Milliseconds()}
		switch s.fold {
		case 0:
			r.N = a.N
		case 1:
			r.Sum = a.Sum
		case 2:
			r.Sum, r.N, r.Vals = a.Sum, a.N, a.text()
		case 3:
			r.Vals = a.text()
		}
		out = append(out, r)
	}
	return out, fork
}

func randomEvents(r *rand.Rand, n int) []event {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	keys := []string{"a", "b", "c", "d", "a long key that is no letter"}
	out := make([]event, n)
	for i := range out {
		at := start.Add(time.Duration(i)*137*time.Millisecond + time.Duration(r.IntN(9000))*time.Millisecond)
		out[i] = event{int64(i), keys[r.IntN(len(keys))], int64(r.IntN(50)), at}
	}
	return out
}

func byAll(a, b result) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Sum, b.Sum), cmp.Compare(a.N, b.N), cmp.Compare(a.Vals, b.Vals))
}

// latest keeps the last result of each window, since on change they replace each other.
func latest(rows []result) []result {
	m := map[[3]string]result{}
	for _, r := range rows {
		m[[3]string{r.Key, fmt.Sprint(r.Start)}] = r
	}
	return slices.Collect(maps.Values(m))
}

func TestRandomJobsAgreeWithNaiveEvaluator(t *testing.T) {
	runs := 150
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			s, events := randomShape(r), randomEvents(r, 20+r.IntN(200))
			want, wantFork := s.naive(events)
			got, gotFork := s.engine(t, r, events)
			if s.onChange {
				got = latest(got)
			}
			for _, c := range []struct {
				name      string
				got, want []result
			}{{"out", got, want}, {"fork", gotFork, wantFork}} {
				slices.SortFunc(c.got, byAll)
				slices.SortFunc(c.want, byAll)
				if !slices.Equal(c.got, c.want) {
					t.Errorf("seed %d, %+v: %s\n got %v\nwant %v", seed, s, c.name, c.got, c.want)
				}
			}
		})
	}
}

// engine runs the job over a random cut, with restarts in between.
func (s shape) engine(t *testing.T, r *rand.Rand, events []event) (out, fork []result) {
	o := dstreamtest.Options{Parallelism: 1 + r.IntN(4), ChunkRows: []int{3, 64, 4096}[r.IntN(3)], Checkpoint: t.TempDir()}
	if r.IntN(3) == 0 {
		o.BlockMemory = 1 // everything spills
	}
	if r.IntN(4) == 0 {
		o.Workers = 2 + r.IntN(2)
	}
	run := dstreamtest.Start(t, s.build, o)
	run.Table("weights", weights...)
	for len(events) > 0 {
		n := min(1+r.IntN(60), len(events))
		run.Send("events", events[:n]...)
		if events = events[n:]; r.IntN(3) > 0 {
			run.Tick(1 + r.IntN(2))
		}
	}
	run.End()
	if s.fork {
		fork = run.Rows[result]("fork")
	}
	return run.Rows[result]("out"), fork
}
