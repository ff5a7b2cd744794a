package rdd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

// numbers is a source of n rows in chunks that counts how many it has given, and fails after failAt of them (0 = never).
func numbers(n, failAt int, given *int) rdd.RDD[int64] {
	return rdd.As[int64](rdd.Custom[rdd.None, int64]("Numbers", 2, nil, func(t *rdd.Task, _ int, _ []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			out := &rdd.Rows[rdd.None, int64]{}
			for from := 0; from < n; from += t.ChunkRows {
				out.Vals = out.Vals[:0]
				for v := from; v < min(from+t.ChunkRows, n); v++ {
					out.Vals = append(out.Vals, int64(v))
				}
				if failAt > 0 && from >= failAt {
					yield(nil, io.ErrUnexpectedEOF)
					return
				}
				*given += len(out.Vals)
				if !yield(out, nil) {
					return
				}
			}
		}
	}))
}

func identity(rows iter.Seq[int64]) iter.Seq[int64] { return rows }
func once(v int64) iter.Seq[int64]                  { return func(yield func(int64) bool) { yield(v) } }

// wholes are operators that read a whole partition, by name.
func everyOperator(r rdd.RDD[int64]) map[string]*rdd.Node {
	k := r.KeyBy(rdd.Itself)
	sum := func(_, v, w int64) int64 { return v + w }
	return map[string]*rdd.Node{
		"Map": r.Map(double).Node(), "Filter": r.Filter(even).Node(), "FlatMap": r.FlatMap(once).Node(),
		"MapPartitions": r.MapPartitions(identity).Node(), "Glom": rdd.Glom(r).Node(), "Repartition": r.Repartition(3).Node(),
		"Union": r.Union(ints(2)).Node(), "Cache": r.Cache().Node(), "Distinct": rdd.Distinct(r).Node(),
		"Count": k.Count().Node(), "Reduce": k.Reduce(add).Node(), "PartitionBy": k.PartitionBy(rdd.NewPartitioner(0, 3)).Node(),
		"GroupMap": k.GroupMap(func(_ int64, vs []int64) int64 { return vs[0] }).Node(), "FlatMapValues": k.FlatMapValues(once).Node(),
		"Join left": k.Join(byKeys(2), sum).Node(), "Join right": byKeys(2).Join(k, sum).Node(),
	}
}

func TestAnErrorInTheMiddleStopsEverything(t *testing.T) {
	given := 0
	for name, n := range everyOperator(numbers(100, 40, &given)) {
		given = 0
		s := newStore(false)
		err := runAll(compile(t, n), s, 10)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if given != 40 {
			t.Errorf("%s read %d rows, want 40", name, given)
		}
	}
}

func TestAnErrorOfTheBlockStoreStopsTheTask(t *testing.T) {
	given := 0
	for _, n := range []*rdd.Node{numbers(100, 0, &given).Map(double).Node(), numbers(100, 0, &given).Repartition(1).Node()} {
		given = 0
		s := newStore(false)
		full := errors.New("disk full")
		s.fail = func(_ rdd.Block, n int) error {
			if n == 3 {
				return full
			}
			return nil
		}
		if err := runAll(compile(t, n), s, 10); !errors.Is(err, full) || given != 30 {
			t.Errorf("%v after %d rows, want disk full after 30", err, given)
		}
	}
}

func TestCanceledTasksEndWithinAChunk(t *testing.T) {
	given := 0
	for name, n := range everyOperator(numbers(1000, 0, &given)) {
		p := compile(t, n)
		for _, st := range p.Stages {
			if !slices.ContainsFunc(st.Nodes, func(n *rdd.Node) bool { return n.Kind == "Numbers" }) {
				continue
			}
			given = 0
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := p.Run(&rdd.Task{Context: ctx, ID: rdd.TaskID{Stage: st.ID}, Blocks: newStore(false), ChunkRows: 10}, st.ID)
			if !errors.Is(err, context.Canceled) || given > 10 {
				t.Errorf("%s: %v after %d rows", name, err, given)
			}
		}
	}
}

func TestFetchErrorsPassThrough(t *testing.T) {
	for name, n := range everyOperator(ints(2)) {
		p, s := compile(t, n), newStore(false)
		if err := runAll(p, s, 2); err != nil {
			t.Fatal(name, err)
		}
		last := p.Stages[len(p.Stages)-1]
		for _, parent := range last.Parents {
			want := rdd.Block{Stage: parent, Partition: 1, Bucket: 0}
			s.gone[want] = true
			err := p.Run(&rdd.Task{Context: t.Context(), ID: rdd.TaskID{Stage: last.ID, Attempt: 1}, Blocks: s}, last.ID)
			delete(s.gone, want)
			var f *rdd.FetchError
			if !errors.As(err, &f) || f.Block != want {
				t.Errorf("%s: %v, want a FetchError of %v", name, err, want)
			}
		}
	}
}

func TestPanicsShowTheUsersFrames(t *testing.T) {
	boom := func(v int64) int64 { panic(fmt.Sprintf("boom %d", v)) }
	var none []int64
	programs := map[string]rdd.RDD[int64]{
		"Map":     ints(1).Map(boom),
		"fused":   ints(1).Map(boom).Filter(even).Map(double),
		"index":   ints(1).Map(func(v int64) int64 { return none[v] }),
		"FlatMap": ints(1).FlatMap(func(v int64) iter.Seq[int64] { return func(yield func(int64) bool) { yield(boom(v)) } }),
		"below MapPartitions": ints(1).Map(boom).MapPartitions(func(rows iter.Seq[int64]) iter.Seq[int64] {
			return func(yield func(int64) bool) {
				for v := range rows {
					yield(v)
				}
			}
		}),
		"Reduce": ints(1).KeyBy(func(int64) int64 { return 0 }).Reduce(func(a, b int64) int64 { return boom(a) }).Values(),
		"join":   byKeys(1).Join(byKeys(1), func(_, v, w int64) int64 { return boom(v) }).Values(),
		//lint:ignore SA5000 the panic is the point
		"map": ints(1).Map(func(v int64) int64 { var m map[string]int64; m[strings.Repeat("x", int(v))]++; return 0 }),
	}
	for name, r := range programs {
		_, err := r.Collect(t.Context())
		var p *rdd.PanicError
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		frames := strings.Split(rdd.UserFrames(p.Stack), "\n")
		if !strings.Contains(frames[0], "run_test.go:") {
			t.Errorf("%s: the first frame is %q", name, frames[0])
		}
		for _, f := range frames {
			if strings.Contains(f, "tidemill/rdd.") || strings.Contains(f, "runtime.") {
				t.Errorf("%s shows a frame of the engine: %s", name, f)
			}
		}
	}
}

func TestPanicErrorUnwraps(t *testing.T) {
	_, err := ints(1).Map(func(int64) int64 { panic(io.ErrClosedPipe) }).Collect(t.Context())
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestTryMapNamesThePlace(t *testing.T) {
	_, err := ints(1).TryMap(func(v int64) (int64, error) { return v, io.ErrNoProgress }).Collect(t.Context())
	if !errors.Is(err, io.ErrNoProgress) || !strings.Contains(err.Error(), "run_test.go:") {
		t.Error(err)
	}
}

// Times of a union's parts that have none must not get mixed up with those that have.
func TestEventTimesOfMixedUnions(t *testing.T) {
	chunks := []*rdd.Rows[rdd.None, int64]{
		{Vals: []int64{1, 2, 3}, Times: []int64{10, 20, 30}},
		{Vals: []int64{4, 5}, Times: []int64{40, 50}},
	}
	timed := rdd.As[int64](rdd.Custom[rdd.None, int64]("Timed", 2, nil, func(_ *rdd.Task, p int, _ []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) { yield(chunks[p], nil) }
	}))
	mixed := timed.Union(ints(2).Map(func(v int64) int64 { return -v })).Repartition(1).FlatMap(once).KeyBy(rdd.Itself).
		Filter(func(k, _ int64) bool { return k != 2 }).FlatMapValues(once).PartitionBy(rdd.NewPartitioner(0, 1))
	for _, chunk := range []int{1, 2, 4096} {
		p, s := compile(t, mixed.Node()), newStore(true)
		if err := runAll(p, s, chunk); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, c := range output(p, s, 0) {
			r := c.(*rdd.Rows[int64, int64])
			for i, v := range r.Vals {
				rows++
				if (v > 0) != (r.Times != nil) || v > 0 && r.Times[i] != 10*v {
					t.Errorf("chunks of %d: row %d has times %v", chunk, v, r.Times)
				}
			}
		}
		if rows != 10 {
			t.Errorf("chunks of %d: %d rows", chunk, rows)
		}
	}
}

// One row that becomes many, or one key with many pairs, must not become one huge chunk.
func TestChunksStayOfTheirSize(t *testing.T) {
	many := func(int64) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			for i := range int64(1000) {
				if !yield(i) {
					return
				}
			}
		}
	}
	wide := ints(1).FlatMap(many)
	k := wide.KeyBy(func(v int64) int64 { return v % 2 })
	for name, n := range map[string]*rdd.Node{
		"FlatMap": wide.Node(), "Join": k.Join(byKeys(1), func(_, v, w int64) int64 { return v }).Node(),
		"Count": wide.KeyBy(rdd.Itself).Count().Node(), "GroupMap": wide.KeyBy(rdd.Itself).GroupMap(func(k int64, _ []int64) int64 { return k }).Node(),
	} {
		p, s := compile(t, n), newStore(false)
		if err := runAll(p, s, 64); err != nil {
			t.Fatal(err)
		}
		for _, c := range output(p, s, 0) {
			if c.Len() > 64 {
				t.Errorf("%s: a chunk of %d rows", name, c.Len())
			}
		}
	}
}

// A merge or reduction that writes into its first argument must not reach the rows that others read.
func TestReduceDoesNotWriteIntoRows(t *testing.T) {
	rows := [][]int64{append(make([]int64, 0, 8), 1), append(make([]int64, 0, 8), 2), append(make([]int64, 0, 8), 3)}
	r := rdd.Of(1, rows...).Cache()
	joined := r.KeyBy(func([]int64) int64 { return 0 }).Reduce(func(a, b []int64) []int64 { return append(a, b...) }).Values()
	for range 2 {
		got, err := joined.Collect(t.Context())
		if err != nil || len(got) != 1 || !slices.Equal(got[0], []int64{1, 2, 3}) {
			t.Fatal(got, err)
		}
	}
	if got := rows[0][:2]; got[1] != 0 {
		t.Errorf("Reduce wrote into the user's row: %v", got)
	}
}
