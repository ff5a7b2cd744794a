package rdd_test

import (
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// built returns a builder and the rows that it has given out so far. It takes at most wanted chunks.
func built[T any](t *testing.T, full, wanted int) (*rdd.Builder, *[]T) {
	var got []T
	b, err := rdd.NewBuilder[T](full, func(c rdd.Chunk) bool {
		got = append(got, c.Keep().(*rdd.Rows[rdd.None, T]).Vals...)
		wanted--
		return wanted > 0
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, &got
}

func TestBuilderRows(t *testing.T) {
	b, got := built[view](t, 2, 99)
	for i := range int64(5) {
		row := (*view)(b.Row())
		row.N = -1 // this row is given up: the next Row is the same one, zeroed
		row = (*view)(b.Row())
		if *row != (view{}) {
			t.Fatalf("row %d is not zeroed: %+v", i, *row)
		}
		row.N = i
		if err := b.Add(); err != nil {
			t.Fatal(err)
		}
	}
	if len(*got) != 4 || b.Rows != 5 {
		t.Errorf("%d rows given out and %d in all, want 4 and 5", len(*got), b.Rows)
	}
	if err := errors.Join(b.Flush(), b.Flush()); err != nil {
		t.Fatal(err)
	}
	for i, r := range *got {
		if r.N != int64(i) {
			t.Errorf("row %d is %d", i, r.N)
		}
	}
}

func TestBuilderBlocks(t *testing.T) {
	b, got := built[int64](t, 4, 99)
	next := int64(0)
	for range 5 {
		block := rdd.BlockOf[int64](b)
		n := min(3, len(block))
		for i := range n {
			block[i] = next
			next++
		}
		if err := b.AddN(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.AddN(0), b.Flush()); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(*got) || int64(len(*got)) != next || b.Rows != next {
		t.Errorf("got %v, want 0 to %d", *got, next)
	}
	rows, room := b.Block()
	if room != 4 || rows != unsafe.Pointer(&rdd.BlockOf[int64](b)[0]) {
		t.Errorf("room for %d rows after a flush, want 4", room)
	}
	defer func() {
		if recover() == nil {
			t.Error("AddN wrote behind the chunk")
		}
	}()
	b.AddN(5)
}

func TestBuilderStops(t *testing.T) {
	b, got := built[int64](t, 2, 1)
	for i := range 10 {
		*(*int64)(b.Row()) = 1
		if err := b.Add(); (i > 0) != errors.Is(err, rdd.ErrStopped) {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if err := b.Flush(); !errors.Is(err, rdd.ErrStopped) {
		t.Errorf("Flush: %v", err)
	}
	if len(*got) != 2 {
		t.Errorf("%d rows given out, want 2", len(*got))
	}
}

func TestBuilderRecords(t *testing.T) {
	c, err := codec.Of[string]()
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Encode(c, []string{"a", "b", "c", "d", "e"})
	if err != nil {
		t.Fatal(err)
	}
	b, got := built[string](t, 2, 99)
	p, err := b.Codec.Project(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	*(*string)(b.Row()) = "0"
	if err := errors.Join(b.Add(), b.AddRecord(p, rec), b.Flush()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0", "a", "b", "c", "d", "e"}; !slices.Equal(*got, want) || b.Rows != 6 {
		t.Errorf("got %q, want %q", *got, want)
	}
	stopped, _ := built[string](t, 2, 1)
	if err := stopped.AddRecord(p, rec); !errors.Is(err, rdd.ErrStopped) {
		t.Errorf("AddRecord after the end: %v", err)
	}
}

func TestBuilderRefusesTypesWithoutCodec(t *testing.T) {
	if _, err := rdd.NewBuilder[chan int](1, nil); err == nil {
		t.Error("a channel was taken for a row")
	}
}

func TestBuilderStamp(t *testing.T) {
	b, got := built[view](t, 1, 99) // a chunk of one row is gone when Add returns
	b.Stamp = func(row unsafe.Pointer) { (*view)(row).N *= 2 }
	for i := range int64(3) {
		(*view)(b.Row()).N = i
		if err := b.Add(); err != nil {
			t.Fatal(err)
		}
	}
	if b.Reuse(func(rdd.Chunk) bool { return true }); b.Stamp != nil {
		t.Error("the next run of rows is stamped too")
	}
	if want := []int64{0, 2, 4}; !slices.EqualFunc(*got, want, func(v view, n int64) bool { return v.N == n }) {
		t.Errorf("got %+v", *got)
	}
}
