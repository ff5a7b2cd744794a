package dstream

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd"
)

// tally is an accumulator with something to share by mistake: a slice, a map, text.
type tally struct {
	N    int64
	Vals []int64
	By   map[string]int64
	Last string
}

func (t *tally) add(v int64) {
	t.merge(tally{1, []int64{v}, map[string]int64{fmt.Sprint(v % 3): 1}, fmt.Sprint(v)})
}

func (t *tally) merge(o tally) {
	t.N, t.Vals, t.Last = t.N+o.N, append(t.Vals, o.Vals...), o.Last
	if t.By == nil {
		t.By = map[string]int64{}
	}
	for k, n := range o.By {
		t.By[k] += n
	}
}

func partials(vals ...int64) (keys []string, out []rdd.Partial[tally]) {
	for _, v := range vals {
		p := rdd.Partial[tally]{Rows: 1}
		p.Acc.add(v)
		keys, out = append(keys, fmt.Sprint("k", v%5)), append(out, p)
	}
	return keys, out
}

// content is a copy of all that a state holds.
func content(s *paneState[string, tally], o *paneOverlay[string, tally]) map[string]string {
	out := map[string]string{}
	for _, pane := range s.starts(o) {
		s.view(o, pane).each(func(key string, a *tally, rows int64) bool {
			out[fmt.Sprint(pane, key)] = fmt.Sprintf("%+v %d", *a, rows)
			return true
		})
	}
	return out
}

func newTallies() *paneState[string, tally] {
	return newPaneState[string, tally]().(*paneState[string, tally])
}

func foldInto(t *testing.T, s *paneState[string, tally], pane int64, vals ...int64) *paneOverlay[string, tally] {
	o := newPaneOverlay[string, tally]()
	ks, ps := partials(vals...)
	s.fold(o, (*tally).merge, pane, ks, ps)
	if err := o.settle(); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTaskLeavesCommittedStateAlone(t *testing.T) {
	s := newTallies()
	s.Commit(foldInto(t, s, 0, 1, 2, 3, 6))
	before := content(s, nil)

	first := foldInto(t, s, 0, 1, 7, 6) // aborted
	one := content(s, first)
	second := foldInto(t, s, 0, 1, 7, 6) // the same task again
	two := content(s, second)
	if !maps.Equal(one, two) {
		t.Errorf("run twice, a task sees\n%v\nand then\n%v", one, two)
	}
	if got := content(s, nil); !maps.Equal(got, before) {
		t.Errorf("a task changed the committed state from\n%v\nto\n%v", before, got)
	}
	s.Commit(second)
	if got := content(s, nil); !maps.Equal(got, two) {
		t.Errorf("committed\n%v\nwant\n%v", got, two)
	}
}

// TestResultsShareNothing changes all that comes out of windows, and looks at what is left: the merge of the job breaks the rule and
// keeps its second argument.
func TestResultsShareNothing(t *testing.T) {
	careless := func(into *tally, from tally) {
		if into.N == 0 {
			*into = from
			return
		}
		into.merge(from)
	}
	for _, at := range []panes{{length: 10, slide: 10, size: 10}, {length: 20, slide: 10, size: 10}} {
		s := newTallies()
		s.Commit(foldInto(t, s, 0, 1, 2))
		s.Commit(foldInto(t, s, 10, 1, 3))
		o := foldInto(t, s, 10, 3, 4)
		committed, seen := content(s, nil), content(s, o)
		m := &paneMerger[string, tally]{at: &at, fold: careless, state: s, over: o, prev: 0, mark: MaxTime}
		for _, end := range m.ends() {
			m.window(end, func(_ string, a tally) {
				for i := range a.Vals {
					a.Vals[i] = -1
				}
				clear(a.By)
			})
		}
		if got := content(s, nil); !maps.Equal(got, committed) {
			t.Errorf("length %d: the committed state changed from\n%v\nto\n%v", at.length, committed, got)
		}
		if got := content(s, o); !maps.Equal(got, seen) {
			t.Errorf("length %d: the overlay changed from\n%v\nto\n%v", at.length, seen, got)
		}
	}
}

// yielded is the records that a snapshot or a delta yields.
func yielded(t *testing.T, seq iter.Seq2[arrow.Record, error]) (out []arrow.Record) {
	t.Helper()
	for rec, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

func restored(t *testing.T, recs []arrow.Record) *paneState[string, tally] {
	t.Helper()
	s := newTallies()
	for _, rec := range recs {
		if err := s.Apply(rec); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// randomOverlay touches some keys of some panes, and drops a pane at times.
func randomOverlay(t *testing.T, r *rand.Rand, s *paneState[string, tally]) *paneOverlay[string, tally] {
	t.Helper()
	o := newPaneOverlay[string, tally]()
	for range r.IntN(4) {
		ks, ps := partials(r.Int64N(20), r.Int64N(20), r.Int64N(20))
		s.fold(o, (*tally).merge, 10*r.Int64N(6), ks, ps)
	}
	if starts := s.starts(o); len(starts) > 0 && r.IntN(3) == 0 {
		o.dropped = append(o.dropped, starts[r.IntN(len(starts))])
	}
	if err := o.settle(); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStateIsBaseAndDeltas lives through batches, and restores each version from a snapshot and deltas, with the same order of keys.
func TestStateIsBaseAndDeltas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newTallies()
	var log []arrow.Record // a snapshot, and the deltas since
	for batch := range 200 {
		o := randomOverlay(t, r, s)
		want, keys := content(s, o), s.Keys(o)
		snapshot, delta := yielded(t, s.Snapshot(o)), yielded(t, s.Delta(o))
		s.Commit(o)
		if got := content(s, nil); !maps.Equal(got, want) || s.Keys(nil) != keys || len(want) != keys {
			t.Fatalf("batch %d: committed\n%v\nwant\n%v, of %d keys", batch, got, want, keys)
		}
		if log = append(log, delta...); r.IntN(10) == 0 {
			log = snapshot
		}
		for name, again := range map[string]*paneState[string, tally]{"snapshot": restored(t, snapshot), "deltas": restored(t, log)} {
			if got := content(again, nil); !maps.Equal(got, want) {
				t.Fatalf("batch %d: restored from %s\n%v\nwant\n%v", batch, name, got, want)
			}
			if !slices.EqualFunc(yielded(t, again.Snapshot(nil)), yielded(t, s.Snapshot(nil)), array.RecordEqual) {
				t.Fatalf("batch %d: restored from %s, the state has its keys in another order", batch, name)
			}
			if r.IntN(8) == 0 {
				s = again // goes on from there
			}
		}
	}
}

// TestPiecesAreBounded looks at a state larger than a record.
func TestPiecesAreBounded(t *testing.T) {
	s := newPaneState[int64, int64]().(*paneState[int64, int64])
	o := newPaneOverlay[int64, int64]()
	n := 2*pieceRows + 7
	ks, ps := make([]int64, n), make([]rdd.Partial[int64], n)
	for i := range ks {
		ks[i], ps[i] = int64(i), rdd.Partial[int64]{Acc: int64(i), Rows: 1}
	}
	s.fold(o, func(into *int64, from int64) { *into += from }, 0, ks, ps)
	recs := yielded(t, s.Delta(o))
	if len(recs) != 3 || recs[0].NumRows() != pieceRows || recs[2].NumRows() != 7 {
		t.Fatalf("%d records", len(recs))
	}
	for range s.Delta(o) {
		break // a consumer may have enough
	}
	again := newPaneState[int64, int64]().(*paneState[int64, int64])
	for _, rec := range recs {
		if err := again.Apply(rec); err != nil {
			t.Fatal(err)
		}
	}
	if again.Keys(nil) != n || *again.view(nil, 0).find(int64(n - 1)) != int64(n-1) {
		t.Errorf("%d keys", again.Keys(nil))
	}
}

// TestTextOutlivesItsFrame overwrites the memory that a record was read into.
func TestTextOutlivesItsFrame(t *testing.T) {
	s := newTallies()
	s.Commit(foldInto(t, s, 0, 1, 2, 3))
	want := content(s, nil)
	var again *paneState[string, tally]
	for rec := range s.Snapshot(nil) {
		again = restored(t, []arrow.Record{rec})
		for _, col := range rec.Columns() {
			for _, b := range col.Data().Buffers() {
				if b != nil {
					clear(b.Bytes())
				}
			}
		}
	}
	if got := content(again, nil); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestApplyRefusesOtherRows(t *testing.T) {
	rec, err := (&rdd.Rows[string, int64]{Keys: []string{"a"}, Vals: []int64{1}, Times: []int64{0}}).Record()
	if err != nil {
		t.Fatal(err)
	}
	if err := newTallies().Apply(rec); err == nil {
		t.Error("rows of another type were taken")
	}
	rec, err = (&rdd.Rows[string, rdd.Partial[tally]]{Keys: []string{"a"}, Vals: make([]rdd.Partial[tally], 1)}).Record()
	if err != nil {
		t.Fatal(err)
	}
	if err := newTallies().Apply(rec); err == nil {
		t.Error("rows without the panes' starts were taken")
	}
	two := make([]rdd.Partial[tally], 2)
	two[1].Rows = droppedRows
	rec, err = (&rdd.Rows[string, rdd.Partial[tally]]{Keys: []string{"a", "b"}, Vals: two, Times: []int64{0, 0}}).Record()
	if err != nil {
		t.Fatal(err)
	}
	if err := newTallies().Apply(rec); err == nil {
		t.Error("a pane was dropped and kept")
	}
}

// TestWindowArithmetic compares panes and their windows with the definition, over all small shapes.
func TestWindowArithmetic(t *testing.T) {
	for length := int64(1); length <= 7; length++ {
		for slide := int64(1); slide <= 7; slide++ {
			p := panes{length: length, slide: slide, size: gcd(length, slide)}
			for row := int64(-20); row <= 20; row++ {
				pane, from, to := p.pane(row)
				if row < from || row >= to || pane != from {
					t.Fatalf("%d/%d: row %d is in pane %d of [%d, %d)", length, slide, row, pane, from, to)
				}
				var want, got []int64
				for start := int64(-60); start <= 60; start++ {
					if start%slide == 0 && start <= row && row < start+length {
						want = append(want, start+length)
					}
				}
				for end := p.first(pane); end <= p.last(pane); end += slide {
					got = append(got, end)
				}
				if !slices.Equal(got, want) || p.none(pane) != (len(want) == 0) {
					t.Fatalf("%d/%d: row %d is in windows that end at %v, want %v", length, slide, row, got, want)
				}
				for behind := int64(-30); behind <= 30; behind++ {
					i := slices.IndexFunc(want, func(end int64) bool { return end > behind })
					if i >= 0 && p.after(pane, behind) != want[i] {
						t.Fatalf("%d/%d: row %d: the first window behind %d ends at %d, want %d", length, slide, row, behind, p.after(pane, behind), want[i])
					}
				}
			}
		}
	}
}

func TestWholePanes(t *testing.T) {
	p := panes{length: 10, slide: 5, size: 10, whole: true}
	pane, from, to := p.pane(14) // of the window [5, 15)
	if got := []int64{pane, from, to, p.first(pane), p.last(pane)}; !reflect.DeepEqual(got, []int64{5, 14, 15, 15, 15}) {
		t.Errorf("%v", got)
	}
}

func TestFoldAllocatesNothingForKnownKeys(t *testing.T) {
	s := newPaneState[int64, int64]().(*paneState[int64, int64])
	o := newPaneOverlay[int64, int64]()
	ks, ps := make([]int64, 1000), make([]rdd.Partial[int64], 1000)
	for i := range ks {
		ks[i], ps[i] = int64(i%100), rdd.Partial[int64]{Acc: 1, Rows: 1}
	}
	add := func(into *int64, from int64) { *into += from }
	fold := func() { s.fold(o, add, 0, ks, ps) }
	fold()
	if n := testing.AllocsPerRun(10, fold); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestCombineSeesEveryOrder folds rows in every order of their times: the same panes come out, with rows of a pane in order.
func TestCombineSeesEveryOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, disorder := range []int64{0, 3, 50} {
		rows, want := &rdd.Rows[int64, int64]{}, map[int64]map[int64][]int64{}
		for i := range int64(200) {
			at, key := i/4+r.Int64N(disorder+1), r.Int64N(3)
			rows.Keys, rows.Vals, rows.Times = append(rows.Keys, key), append(rows.Vals, i), append(rows.Times, at)
			pane := at - at%10
			if want[pane] == nil {
				want[pane] = map[int64][]int64{}
			}
			want[pane][key] = append(want[pane][key], i)
		}
		c := newPaneCombiner[int64](&panes{length: 10, slide: 10, size: 10}, true, rdd.Grouping[int64](), nil)
		c.add(rows)
		got := map[int64]map[int64][]int64{}
		for i, cell := range c.cells.Keys() {
			pane, key := c.starts[cell>>32], c.keys.Keys()[uint32(cell)]
			if got[pane] == nil {
				got[pane] = map[int64][]int64{}
			}
			got[pane][key] = c.accs[i+1]
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("disorder %d: %v, want %v", disorder, got, want)
		}
	}
}
