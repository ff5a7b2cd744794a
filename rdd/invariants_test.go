//go:build invariants

package rdd_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

const checking = true

// hoarder keeps what it is given without Keep.
func hoarder(n *rdd.Node, held *[][]int64) *rdd.Node {
	return rdd.Narrow(n, "Hoarder", func(in, out *rdd.Rows[rdd.None, int64]) {
		*held = append(*held, in.Vals)
		out.Vals = in.Vals
	})
}

func TestWhoKeepsWithoutKeepSeesPoison(t *testing.T) {
	var held [][]int64
	n := hoarder(rdd.Of(1, many(6)...).Map(double).Node(), &held)
	if err := runAll(compile(t, n), newStore(false), 2); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(held[0], []int64{0, 2}) {
		t.Error("what was kept without Keep is still there")
	}
}

func panicOf(t *testing.T, n *rdd.Node) string {
	t.Helper()
	err := runAll(compile(t, n), newStore(false), 2)
	var p *rdd.PanicError
	if !errors.As(err, &p) {
		t.Fatalf("no panic: %v", err)
	}
	return p.Error()
}

func TestAColumnIsOwnedOrSharedNeverBoth(t *testing.T) {
	chunks := 0
	n := rdd.Narrow(rdd.Of(1, many(6)...).Node(), "Moody", func(in, out *rdd.Rows[rdd.None, int64]) {
		if chunks++; chunks == 1 {
			out.Vals = in.Vals
			return
		}
		out.Vals = append([]int64(nil), in.Vals...)
	})
	if got := panicOf(t, n); !strings.Contains(got, "Moody owns column 1 of one chunk and shares that of another") {
		t.Error(got)
	}
}

func TestSealedColumnsAreNotReused(t *testing.T) {
	n := rdd.Narrow(rdd.Of(1, many(6)...).Node(), "Liar", func(in, out *rdd.Rows[rdd.None, int64]) {
		out.Vals = append(out.Vals[:0], in.Vals...)
		out.Sealed = rdd.ValColumn
	})
	if got := panicOf(t, n); !strings.Contains(got, "Liar reuses column 1, which it had sealed") {
		t.Error(got)
	}
}

func TestColumnsAreOfOneLength(t *testing.T) {
	n := rdd.Narrow(rdd.Of(1, many(6)...).Node(), "Short", func(in, out *rdd.Rows[rdd.None, int64]) {
		out.Vals, out.Times = in.Vals, make([]int64, 1)
	})
	if got := panicOf(t, n); !strings.Contains(got, "Short: a column of 1 rows beside one of 2") {
		t.Error(got)
	}
}

// A merge that shares what it must copy loses it.
func TestMergeMustNotKeepItsSecondArgument(t *testing.T) {
	type bag struct{ All []int64 }
	sharing := rdd.FoldOf(func(*bag, int64) {}, func(a *bag, b bag) {
		if a.All == nil {
			a.All = b.All
			return
		}
		a.All = append(a.All, b.All...)
	})
	from, into := bag{[]int64{1, 2}}, bag{}
	sharing.Merge(&into, from)
	if slices.Equal(into.All, from.All) || !slices.Equal(from.All, []int64{1, 2}) {
		t.Errorf("merged %v of %v", into.All, from.All)
	}
}
