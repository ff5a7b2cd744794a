package dstream_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
	"github.com/tidemill/tidemill/rdd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// batches runs a job over the source "ints", a batch for each slice, and returns the rows of its sink "out" batch by batch, as text
// and sorted: what a batch's rows are, not in which partition.
func batches[U any](t *testing.T, build func(*dstream.Job, dstream.Stream[int]) dstream.Stream[U], in ...[]int) string {
	t.Helper()
	run := dstreamtest.Start(t, func(job *dstream.Job) { build(job, job.Source[int]("ints")).WriteTo("out") }, dstreamtest.Options{Parallelism: 3})
	var out []string
	seen := 0
	for _, b := range in {
		run.Send("ints", b...)
		run.Tick(1)
		rows := run.Rows[U]("out")
		var texts []string
		for _, r := range rows[seen:] {
			texts = append(texts, fmt.Sprint(r))
		}
		seen = len(rows)
		slices.Sort(texts)
		out = append(out, strings.Join(texts, " "))
	}
	return strings.Join(out, " | ")
}

type stream = dstream.Stream[int]

// TestPerBatchJoins joins odd and even views of two batches.
func TestPerBatchJoins(t *testing.T) {
	in := [][]int{{1, 2, 3, 13}, {2}, nil}
	pair := func(k int, a, b string) string { return fmt.Sprintf("%d:%s%s", k, a, b) }
	text := func(v *string) string {
		if v == nil {
			return "-"
		}
		return *v
	}
	sides := func(s stream) (a, b dstream.Keyed[int, string]) {
		a = s.Filter(func(v int) bool { return v != 1 }).KeyValue(func(v int) (int, string) { return v % 10, fmt.Sprint("a", v) })
		b = s.Filter(func(v int) bool { return v < 3 }).KeyValue(func(v int) (int, string) { return v % 10, fmt.Sprint("b", v) })
		return a, b
	}
	for name, c := range map[string]struct {
		join func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string]
		want string
	}{
		"Join": {func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string] { return a.Join(b, pair) }, "2:a2b2 | 2:a2b2 | "},
		"LeftJoin": {func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string] {
			return a.LeftJoin(b, func(k int, v string, w *string) string { return pair(k, v, text(w)) })
		}, "2:a2b2 3:a13- 3:a3- | 2:a2b2 | "},
		"RightJoin": {func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string] {
			return a.RightJoin(b, func(k int, v *string, w string) string { return pair(k, text(v), w) })
		}, "1:-b1 2:a2b2 | 2:a2b2 | "},
		"FullJoin": {func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string] {
			return a.FullJoin(b, func(k int, v, w *string) string { return pair(k, text(v), text(w)) })
		}, "1:-b1 2:a2b2 3:a13- 3:a3- | 2:a2b2 | "},
		"CoGroup": {func(a, b dstream.Keyed[int, string]) dstream.Keyed[int, string] {
			return a.CoGroup(b, func(k int, vs, ws []string) string { return fmt.Sprintf("%d:%d/%d", k, len(vs), len(ws)) })
		}, "1:0/1 2:1/1 3:2/0 | 2:1/1 | "},
	} {
		got := batches(t, func(_ *dstream.Job, s stream) dstream.Stream[string] { return c.join(sides(s)).Values() }, in...)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestPerBatchSteps runs the steps that see a batch as a whole over batches, one of them empty.
func TestPerBatchSteps(t *testing.T) {
	in := [][]int{{1, 2, 3, 3}, nil, {5}}
	itself := func(s stream) dstream.Keyed[int, int] { return s.KeyBy(dstream.Itself) }
	times := func(k int, n int64) string { return fmt.Sprintf("%d×%d", k, n) }
	type texts = dstream.Stream[string]
	for name, c := range map[string]struct {
		step func(s stream) texts
		want string
	}{
		"Count":        {func(s stream) texts { return s.Count().Map(func(n int64) string { return fmt.Sprint(n) }) }, "4 | 0 | 1"},
		"Reduce":       {func(s stream) texts { return s.Reduce(dstream.Sum).Map(strconv.Itoa) }, "9 |  | 5"},
		"Distinct":     {func(s stream) texts { return dstream.Distinct(s).Map(strconv.Itoa) }, "1 2 3 |  | 5"},
		"CountByValue": {func(s stream) texts { return dstream.CountByValue(s).Map(times) }, "1×1 2×1 3×2 |  | 5×1"},
		"Keyed.Count":  {func(s stream) texts { return itself(s).Count().Map(times) }, "1×1 2×1 3×2 |  | 5×1"},
		"Keyed.Reduce": {func(s stream) texts {
			return s.KeyBy(func(v int) bool { return v > 2 }).Reduce(dstream.Sum).Values().Map(strconv.Itoa)
		}, "3 6 |  | 5"},
		"Aggregate": {func(s stream) texts {
			return s.KeyBy(func(v int) bool { return v > 2 }).Aggregate(func(a *[]int, v int) { *a = append(*a, v) }, func(a *[]int, b []int) { *a = append(*a, b...) }).
				MapValues(func(a []int) string { slices.Sort(a); return fmt.Sprint(a) }).Values()
		}, "[1 2] [3 3] |  | [5]"},
		"GroupMap": {func(s stream) texts {
			return s.KeyBy(func(v int) bool { return v > 2 }).GroupMap(func(big bool, vs []int) string { return fmt.Sprintf("%v:%d", big, len(vs)) }).Values()
		}, "false:2 true:2 |  | true:1"},
		"Keyed.Distinct": {func(s stream) texts {
			return s.KeyBy(func(v int) int { return v % 2 }).Distinct().Map(func(k, v int) string { return fmt.Sprint(k) })
		}, "0 1 |  | 1"},
		"MapPartitions": {func(s stream) texts {
			return s.Repartition(1).MapPartitions(func(rows iter.Seq[int]) iter.Seq[string] {
				return func(yield func(string) bool) { yield(fmt.Sprint(slices.Sorted(rows))) }
			})
		}, "[1 2 3 3] | [] | [5]"},
		"Glom": {func(s stream) texts {
			return dstream.Glom(s.Repartition(1)).Map(func(all []int) string { return fmt.Sprint(len(all)) })
		}, "4 | 0 | 1"},
		"Transform": {func(s stream) texts {
			return s.Transform(func(c dstream.Context, r rdd.RDD[int]) rdd.RDD[string] {
				return r.Map(func(v int) string { return fmt.Sprintf("%d@%d", v, c.Batch.Second()) })
			})
		}, "1@1 2@1 3@1 3@1 |  | 5@3"},
		"TransformWith": {func(s stream) texts {
			return s.TransformWith(s.Count(), func(_ dstream.Context, r rdd.RDD[int], n rdd.RDD[int64]) rdd.RDD[string] {
				return r.Map(strconv.Itoa).Union(n.Map(func(n int64) string { return fmt.Sprint("n", n) }))
			})
		}, "1 2 3 3 n4 | n0 | 5 n1"},
	} {
		if got := batches(t, func(_ *dstream.Job, s stream) texts { return c.step(s) }, in...); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestLookups(t *testing.T) {
	type number struct {
		N    int `col:"n,key"`
		Name string
	}
	type tables = dstream.Table[int, number]
	name := func(v int, w *number) string {
		if w == nil {
			return fmt.Sprint(v, "?")
		}
		return fmt.Sprint(v, w.Name)
	}
	for kind, c := range map[string]struct {
		step func(stream, tables) dstream.Stream[string]
		want []string
	}{
		"Lookup": {func(s stream, n tables) dstream.Stream[string] {
			return s.Lookup(n, dstream.Itself, func(v int, w number) string { return name(v, &w) })
		}, []string{"1one", "2TWO"}},
		"LeftLookup": {func(s stream, n tables) dstream.Stream[string] { return s.LeftLookup(n, dstream.Itself, name) }, []string{"1one", "2TWO", "3?"}},
		"Keyed.Lookup": {func(s stream, n tables) dstream.Stream[string] {
			return s.KeyBy(dstream.Itself).Lookup(n, func(_, v int, w number) string { return name(v, &w) }).Values()
		}, []string{"1one", "2TWO"}},
		"Keyed.LeftLookup": {func(s stream, n tables) dstream.Stream[string] {
			return s.KeyBy(dstream.Itself).LeftLookup(n, func(_, v int, w *number) string { return name(v, w) }).Values()
		}, []string{"1one", "2TWO", "3?"}},
	} {
		t.Run(kind, func(t *testing.T) {
			run := dstreamtest.Start(t, func(job *dstream.Job) {
				c.step(job.Source[int]("ints"), job.Table[int, number]("numbers")).WriteTo("out")
			}, dstreamtest.Options{})
			run.Table("numbers", number{1, "one"}, number{2, "two"}, number{2, "TWO"}) // the later row of a key counts
			run.Send("ints", 1, 2, 3)
			run.Tick(1)
			run.Expect("out", c.want...)
		})
	}
}

func TestFailuresNameThePlace(t *testing.T) {
	for name, c := range map[string]struct {
		build func(stream)
		want  []string
	}{
		"TryMap": {func(s stream) {
			s.TryMap(func(v int) (int, error) { return 0, fmt.Errorf("no such %d", v) }).WriteTo("out")
		}, []string{"operators_test.go:", "TryMap", "no such 1"}},
		"Map": {func(s stream) {
			s.Map(func(v int) int { return 1 / (v - 1) }).WriteTo("out")
		}, []string{"divide by zero", "operators_test.go:"}},
		"Transform action": {func(s stream) {
			s.Transform(func(c dstream.Context, r rdd.RDD[int]) rdd.RDD[int] {
				r.Count(c) // and the error is not even looked at
				return r
			}).WriteTo("out")
		}, []string{"operators_test.go:", "an action inside Transform"}},
		"Transform panic": {func(s stream) {
			s.Transform(func(dstream.Context, rdd.RDD[int]) rdd.RDD[int] { panic("ouch") }).WriteTo("out")
		}, []string{"operators_test.go:", "Transform", "ouch"}},
		"Transform nothing": {func(s stream) {
			s.Transform(func(dstream.Context, rdd.RDD[int]) rdd.RDD[int] { return rdd.RDD[int]{} }).Map(strconv.Itoa).WriteTo("out")
		}, []string{"operators_test.go:", "returned no dataset"}},
		"Driver outside ForEach": {func(s stream) {
			s.MapContext(func(c dstream.Context, v int) int {
				if err := c.Driver(func() error { return nil }); err != nil {
					panic(err)
				}
				return v
			}).WriteTo("out")
		}, []string{"only ForEach bodies have a driver"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := dstreamtest.Start(t, func(job *dstream.Job) { c.build(job.Source[int]("ints")) }, dstreamtest.Options{})
			run.Send("ints", 1)
			err := run.RunError(1)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v; want %q", err, w)
				}
			}
		})
	}
}

// TestRandomOfARedo runs a batch whose first attempts fail: the rows that count are those of the first one.
func TestRandomOfARedo(t *testing.T) {
	draws := func(failures int) []int64 {
		var mu sync.Mutex
		run := dstreamtest.Start(t, func(job *dstream.Job) {
			job.Source[int]("ints").MapContext(func(c dstream.Context, v int) int64 { return c.Rand().Int64() }).
				TryMap(func(v int64) (int64, error) {
					mu.Lock()
					defer mu.Unlock()
					if failures--; failures >= 0 {
						return 0, errors.New("again")
					}
					return v, nil
				}).WriteTo("out")
		}, dstreamtest.Options{Parallelism: 1})
		run.Send("ints", 1, 2, 3)
		run.Tick(1)
		return run.Rows[int64]("out")
	}
	first, redone := draws(0), draws(2)
	if !slices.Equal(first, redone) {
		t.Errorf("%v, and after two failures %v", first, redone)
	}
	if slices.Sort(first); len(slices.Compact(first)) != 3 {
		t.Errorf("rows share their numbers: %v", first)
	}
}

// counter is a user's source: numbers from 0 on, three at a time, up to 7.
type counter struct {
	mu        sync.Mutex
	committed []string
	closed    bool
}

func (c *counter) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	at, _ := strconv.ParseInt(string(from), 10, 64)
	to := min(at+3, 7)
	return dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10)), Splits: []dstream.Split{{Name: "n", From: at, To: to}}, Ended: to == 7}, nil
}

func (c *counter) Read(_ context.Context, s dstream.Split) iter.Seq2[[]int, error] {
	return func(yield func([]int, error) bool) {
		for n := s.From; n < s.To; n++ {
			if !yield([]int{int(n)}, nil) {
				return
			}
		}
	}
}

func (c *counter) Committed(_ context.Context, to dstream.Offsets) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.committed = append(c.committed, string(to))
	return nil
}

func (c *counter) Close() error {
	c.closed = true
	return nil
}

// ledger is a user's sink.
type ledger struct {
	mu   sync.Mutex
	rows map[int64][]int // by batch
}

func (l *ledger) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[[]int, error]) (dstream.Receipt, error) {
	var all []int
	for chunk, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		all = append(all, chunk...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[id.Batch] = append(l.rows[id.Batch], all...)
	return dstream.Receipt{Rows: int64(len(all))}, nil
}

func (l *ledger) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

func TestUsersOwnSourceAndSink(t *testing.T) {
	source, sink := &counter{}, &ledger{rows: map[int64][]int{}}
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		job.Read[int]("numbers", source).Write("ledger", sink)
	}, dstreamtest.Options{Real: true, Parallelism: 1})
	if err := run.RunError(10); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sink.rows); got != "map[1:[0 1 2] 2:[3 4 5] 3:[6] 4:[]]" {
		t.Error(got)
	}
	run.Tick(1) // has ended already
	if !source.closed {
		t.Error("the source was not closed")
	}
	if got := fmt.Sprint(slices.Compact(source.committed)); got != "[3 6 7]" { // the last batch has nothing but the end
		t.Errorf("committed %s", got)
	}
}

type account struct {
	ID      string `col:"id,key"`
	Balance int64
}

// Deleted tells that the account is closed.
func (a account) Deleted() bool { return a.Balance < 0 }

func TestDeletedRowsAreMarked(t *testing.T) {
	run := dstreamtest.Start(t, func(job *dstream.Job) { job.Source[account]("changes").WriteTo("accounts") }, dstreamtest.Options{Parallelism: 1})
	run.Send("changes", account{"a", 1}, account{"b", -1}, account{"c", 2})
	run.Tick(1)
	if got := run.Deleted[account]("accounts"); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("%v", got)
	}
	run.Expect("accounts", account{"a", 1}, account{"b", -1}, account{"c", 2})
}

func TestPrint(t *testing.T) {
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		s := job.Source[int]("ints")
		s.Print(3)
		s.KeyBy(dstream.Itself).Count().Print(3)
		s.KeyBy(dstream.Itself).Window(dstream.Tumbling(time.Second)).Count().Print(3)
	}, dstreamtest.Options{})
	run.Send("ints", 4, 4)
	run.Tick(1)
	run.Expect("print#1", 4, 4)
	run.Expect("print#2", dstream.Printed[int, int64]{Key: 4, Value: 2})
	run.Expect("print#3", dstream.PrintedPane[int, int64]{Window: "00:00:00–00:00:01", Key: 4, Value: 2})
}

func TestTop(t *testing.T) {
	type page struct {
		Name string
		N    int
	}
	add, merge := dstream.Top(3, func(a, b page) int { return cmp.Compare(a.N, b.N) })
	var a, b []page
	for _, p := range []page{{"x", 1}, {"y", 5}, {"z", 5}, {"w", 0}, {"v", 3}} {
		add(&a, p)
	}
	if got := fmt.Sprint(a); got != "[{y 5} {z 5} {v 3}]" {
		t.Error(got)
	}
	add(&b, page{"u", 5})
	kept := slices.Clone(b)
	merge(&a, b)
	if got := fmt.Sprint(a); got != "[{y 5} {z 5} {u 5}]" || !slices.Equal(b, kept) {
		t.Error(got, b)
	}
	none, _ := dstream.Top(0, strings.Compare)
	var nothing []string
	if none(&nothing, "x"); len(nothing) > 0 {
		t.Error(nothing)
	}
}

// TestEventTimeBelowAnotherUse puts EventTime where its tasks do not read the source: its stream is used twice, or comes out of an
// exchange. The watermark must move all the same.
func TestEventTimeBelowAnotherUse(t *testing.T) {
	at := func(v int) time.Time { return time.Unix(int64(v), 0) }
	for name, above := range map[string]func(stream) stream{
		"used twice": func(s stream) stream { s.WriteTo("raw"); return s },
		"cached":     func(s stream) stream { return s.Cache() },
		"exchanged":  func(s stream) stream { return s.Repartition(2) },
		"reduced": func(s stream) stream {
			return s.KeyBy(dstream.Itself).Reduce(func(a, b int) int { return max(a, b) }).Values()
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := dstreamtest.Start(t, func(job *dstream.Job) {
				above(job.Source[int]("ints")).EventTime(at, dstream.Watermark{}).Window(dstream.Tumbling(10 * time.Second)).Count().
					Map(func(_ struct{}, w dstream.Window, n int64) string { return fmt.Sprint(w.Start.Unix(), " ", n) }).WriteTo("out")
			}, dstreamtest.Options{})
			run.Send("ints", 1, 2, 3, 4)
			run.Tick(1)
			run.Send("ints", 25, 26, 27, 28)
			run.Tick(2)
			run.Expect("out", "0 4")
		})
	}
}

// splits is a source of two splits a batch, read by one task: the second is far ahead of the first.
type splits struct{}

func (splits) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	r := dstream.Range{To: dstream.Offsets("1"), Ended: len(from) > 0}
	if len(from) == 0 {
		r.Splits = []dstream.Split{{Name: "slow", From: 1, To: 2}, {Name: "fast", From: 1000, To: 1001}}
	}
	return r, nil
}

func (splits) Read(_ context.Context, s dstream.Split) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) { yield([]int64{s.From}, nil) }
}

// TestFlatMapKeepsSplitsApart shows that an EventTime below a FlatMap notes each row under the split that it came from: else
// the slow one would seem to have none and hold everything back.
func TestFlatMapKeepsSplitsApart(t *testing.T) {
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		job.Read("numbers", splits{}).
			FlatMap(func(n int64) iter.Seq[int64] { return func(yield func(int64) bool) { yield(n) } }).
			EventTime(func(n int64) time.Time { return time.Unix(n, 0) }, dstream.Watermark{}).
			Window(dstream.Tumbling(time.Second)).Count().
			Map(func(_ struct{}, w dstream.Window, n int64) int64 { return w.Start.Unix() }).WriteTo("out")
	}, dstreamtest.Options{Real: true, Parallelism: 1})
	run.Tick(2)
	for _, s := range run.Reports()[1].Steps {
		if s.Watermark == nil || s.Watermark.Unix() != 1 {
			t.Errorf("the watermark is %v, want that of the slow split's row", s.Watermark)
		}
	}
}
