package rdd_test

import (
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd"
)

type view struct {
	Ad   string
	N    int64
	In   inner
	At   time.Time
	Note *string
}

// foreign returns strings that point into one buffer, which the test can overwrite.
func foreign(words ...string) (buf []byte, out []string) {
	buf = []byte(strings.Join(words, ""))
	pos := 0
	for _, w := range words {
		out = append(out, unsafe.String(&buf[pos], len(w)))
		pos += len(w)
	}
	return buf, out
}

func TestKeepOwnsWhatItHolds(t *testing.T) {
	buf, s := foreign("key", "ad", "tag", "other")
	in := &rdd.Rows[string, view]{
		Keys: []string{s[0], s[1]}, Times: []int64{1, 2}, Tokens: []int64{3, 4},
		Vals: []view{{Ad: s[1], N: 1, In: inner{[2]string{s[2], s[3]}}}, {Ad: s[3]}},
	}
	kept := in.Keep().(*rdd.Rows[string, view])
	for i := range buf {
		buf[i] = '!'
	}
	clear(in.Keys)
	clear(in.Vals)
	clear(in.Times)
	clear(in.Tokens)
	want := &rdd.Rows[string, view]{
		Keys: []string{"key", "ad"}, Times: []int64{1, 2}, Tokens: []int64{3, 4}, Sealed: rdd.AllColumns,
		Vals: []view{{Ad: "ad", N: 1, In: inner{[2]string{"tag", "other"}}}, {Ad: "other"}},
	}
	if !reflect.DeepEqual(kept, want) {
		t.Errorf("kept %+v, want %+v", kept, want)
	}
}

// An operator reuses the struct that it yields, whatever is sealed in it.
func TestKeepOfSealedColumnsSharesThemInAStructOfItsOwn(t *testing.T) {
	in := &rdd.Rows[rdd.None, int64]{Vals: []int64{1, 2}, Sealed: rdd.AllColumns}
	kept := in.Keep().(*rdd.Rows[rdd.None, int64])
	if &kept.Vals[0] != &in.Vals[0] {
		t.Error("a sealed column was copied")
	}
	in.Vals = []int64{7}
	if !slices.Equal(kept.Vals, []int64{1, 2}) {
		t.Errorf("kept %v", kept.Vals)
	}
}

func TestKeepCopiesUnsealedColumnsOnly(t *testing.T) {
	in := &rdd.Rows[int64, int64]{Keys: []int64{1}, Vals: []int64{2}, Times: []int64{3}, Sealed: rdd.KeyColumn | rdd.TimeColumn}
	kept := in.Keep().(*rdd.Rows[int64, int64])
	if &kept.Keys[0] != &in.Keys[0] || &kept.Times[0] != &in.Times[0] || &kept.Vals[0] == &in.Vals[0] {
		t.Error("sealed columns are shared, others copied: not so here")
	}
}

func TestCachedChunksDoNotOverwriteEachOther(t *testing.T) {
	got, err := ints(1).Repartition(1).Cache().Union(ints(1)).Collect(t.Context())
	if err != nil || len(got) != 12 {
		t.Fatal(got, err)
	}
	p, s := compile(t, ints(3).Repartition(1).Cache().Node()), newStore(false)
	if err := runAll(p, s, 1); err != nil {
		t.Fatal(err)
	}
	var rows []int64
	for _, c := range output(p, s, 0) {
		rows = append(rows, c.(*rdd.Rows[rdd.None, int64]).Vals...)
	}
	if slices.Sort(rows); !slices.Equal(rows, []int64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("cached %v", rows)
	}
}

func TestSliceSharesAndCannotGrowIntoItsNeighbour(t *testing.T) {
	in := &rdd.Rows[rdd.None, int64]{Vals: []int64{0, 1, 2, 3}, Times: []int64{0, 10, 20, 30}, Sealed: rdd.TimeColumn}
	cut := in.Slice(1, 3).(*rdd.Rows[rdd.None, int64])
	if cut.Len() != 2 || cut.Keys != nil || cut.Tokens != nil || cut.Sealed != rdd.TimeColumn || &cut.Vals[0] != &in.Vals[1] {
		t.Errorf("cut %+v", cut)
	}
	_ = append(cut.Vals, 99)
	if in.Vals[3] != 3 {
		t.Error("append to a slice wrote behind it")
	}
	if empty := in.Slice(2, 2); empty.Len() != 0 {
		t.Error("an empty slice has rows")
	}
}

func TestBytesCountsText(t *testing.T) {
	in := &rdd.Rows[string, inner]{Keys: []string{"abc", ""}, Vals: []inner{{[2]string{"12345", ""}}, {}}, Times: []int64{1, 2}}
	if want := int64(2*32 + 2*16 + 2*8 + 3 + 5); in.Bytes() != want {
		t.Errorf("%d bytes, want %d", in.Bytes(), want)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	note := "n"
	at := time.Date(2024, 2, 29, 1, 2, 3, 456000, time.UTC)
	t.Run("all columns", func(t *testing.T) {
		roundTrip(t, &rdd.Rows[string, view]{
			Keys: []string{"a", ""}, Vals: []view{{Ad: "x", N: math.MinInt64, At: at, Note: &note}, {At: at}}, Times: []int64{-1, 5}, Tokens: []int64{math.MinInt64, 7},
		})
	})
	t.Run("no keys", func(t *testing.T) {
		roundTrip(t, &rdd.Rows[rdd.None, string]{Vals: []string{"", "b"}, Times: []int64{1, 2}})
	})
	t.Run("compound key", func(t *testing.T) { roundTrip(t, &rdd.Rows[inner, int64]{Keys: []inner{{}, {}}, Vals: []int64{1, 2}}) })
	t.Run("tokens only", func(t *testing.T) {
		roundTrip(t, &rdd.Rows[int64, int64]{Keys: []int64{1}, Vals: []int64{1}, Tokens: []int64{2}})
	})
	t.Run("empty", func(t *testing.T) {
		roundTrip(t, &rdd.Rows[int64, string]{Keys: []int64{}, Vals: []string{}, Times: []int64{}})
	})
	t.Run("rows without columns", func(t *testing.T) {
		roundTrip(t, &rdd.Rows[int64, rdd.None]{Keys: []int64{1, 2}, Vals: make([]rdd.None, 2)})
	})
}

func roundTrip[K, V any](t *testing.T, in *rdd.Rows[K, V]) {
	t.Helper()
	rec, err := in.Record()
	if err != nil {
		t.Fatal(err)
	}
	want := reflect.ValueOf(*in).Interface().(rdd.Rows[K, V])
	want.Sealed = rdd.AllColumns
	got, err := rdd.Decode[K, V](rec)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() == 0 && got.Len() == 0 {
		return
	}
	if !reflect.DeepEqual(*got.(*rdd.Rows[K, V]), want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeRefusesOtherShapes(t *testing.T) {
	rec, err := (&rdd.Rows[string, int64]{Keys: []string{"a"}, Vals: []int64{1}}).Record()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := rdd.Decode[int64, int64](rec); err == nil || c != nil {
		t.Errorf("a text key was decoded as a number: %v", c)
	}
	if c, err := rdd.Decode[string, view](rec); err == nil || c != nil {
		t.Errorf("one column was decoded as five: %v", c)
	}
	if c, err := rdd.Decode[rdd.None, string](rec); err == nil || c != nil {
		t.Errorf("a column too many was taken: %v", c)
	}
}

// Whether a block stayed in memory must not decide what its rows are, nor which keys are equal.
func TestRowsAreTheSameInMemoryAndSpilled(t *testing.T) {
	type row struct {
		At    time.Time
		Empty []string
		Bytes []byte
		Pairs [2]struct{ At time.Time }
	}
	zone := time.FixedZone("east", 3600)
	at := time.Date(2024, 1, 1, 0, 0, 0, 1999, zone)
	rows := rdd.Of(2, row{At: at, Empty: []string{}, Bytes: []byte{}}, row{At: at.Add(-999), Empty: []string{"a"}}, row{Pairs: [2]struct{ At time.Time }{{at}, {}}}, row{})
	byTime := rows.KeyBy(func(r row) time.Time { return r.At })
	for name, n := range map[string]*rdd.Node{
		"rows": rows.Node(), "repartitioned": rows.Repartition(3).Node(), "mapped": rows.Map(rdd.Itself).Node(),
		"by key":  byTime.PartitionBy(rdd.NewPartitioner(0, 2)).Values().Node(),
		"counted": byTime.Count().Values().Node(), "reduced": byTime.Reduce(func(a, _ row) row { return a }).Values().Node(),
	} {
		var got [2][]any
		for i, spill := range []bool{false, true} {
			p, s := compile(t, n), newStore(spill)
			if err := runAll(p, s, 2); err != nil {
				t.Fatal(name, err)
			}
			for _, c := range output(p, s, 0) {
				vals := reflect.ValueOf(c).Elem().FieldByName("Vals")
				for r := range vals.Len() {
					got[i] = append(got[i], vals.Index(r).Interface())
				}
			}
		}
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Errorf("%s: in memory %v, spilled %v", name, got[0], got[1])
		}
	}
}

func TestKeepDoesNotPinTheBufferItCameFrom(t *testing.T) {
	big := make([]byte, 1<<20)
	copy(big, "key")
	collected := make(chan bool, 1)
	runtime.AddCleanup(&big[0], func(c chan bool) { c <- true }, collected)
	view := unsafe.String(&big[0], 3)
	g := rdd.NewGrouper[string]()
	g.IDs([]string{view}, make([]int32, 1))
	kept := (&rdd.Rows[string, string]{Keys: []string{view}, Vals: []string{view[:0]}}).Keep()
	big, view = nil, ""
	runtime.GC()
	runtime.GC()
	select {
	case <-collected:
	case <-time.After(10 * time.Second):
		t.Error("the fetch buffer is still reachable")
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(g)
}
