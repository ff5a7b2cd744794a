package rdd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// number shows the keys to a grouper in runs of at most 1,000 and compares the ids with those of a map.
func number[K comparable](t *testing.T, keys []K) *rdd.Grouper[K] {
	t.Helper()
	g, want := rdd.NewGrouper[K](), map[K]int32{}
	if id, ok := g.Find(*new(K)); ok {
		t.Errorf("an empty grouper knows a key by %d", id)
	}
	ids := make([]int32, 1000)
	for len(keys) > 0 {
		n := min(len(keys), len(ids))
		g.IDs(keys[:n], ids[:n])
		for i, k := range keys[:n] {
			id, known := want[k]
			if !known {
				id = int32(len(want))
				want[k] = id
			}
			if ids[i] != id {
				t.Fatalf("key %v has id %d, want %d", k, ids[i], id)
			}
		}
		keys = keys[n:]
	}
	if g.Len() != len(want) || len(g.Keys()) != len(want) {
		t.Fatalf("%d keys, want %d", g.Len(), len(want))
	}
	for k, id := range want {
		if got, ok := g.Find(k); !ok || got != id || g.Keys()[id] != k {
			t.Fatalf("Find(%v) is %d, %v; want %d", k, got, ok, id)
		}
	}
	return g
}

func TestGrouperNumbersKeys(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const n = 20_000
	draw := func() uint64 { return rnd.Uint64N(3000) }
	words, small, wide, at, flags := make([]string, n), make([]int32, n), make([]uint64, n), make([]time.Time, n), make([]bool, n)
	pairs, arrays, tiny := make([]inner, n), make([][3]byte, n), make([]int8, n)
	for i := range n {
		v := draw()
		words[i], small[i], wide[i] = fmt.Sprint("key ", v), int32(v)-1500, v<<40
		at[i], flags[i], tiny[i] = time.UnixMicro(int64(v)).UTC(), v%2 == 0, int8(v)
		pairs[i], arrays[i] = inner{[2]string{fmt.Sprint(v % 50), fmt.Sprint(v / 50)}}, [3]byte{byte(v), byte(v >> 8)}
	}
	number(t, words)
	number(t, small)
	number(t, wide)
	number(t, at)
	number(t, flags)
	number(t, tiny)
	number(t, pairs)
	number(t, arrays)
	number(t, []string{"", "", "a", ""})
	number(t, []int64{})
}

func TestGrouperOfAMillionKeys(t *testing.T) {
	keys := make([]int64, 1_500_000)
	for i := range keys {
		keys[i] = int64(i%1_000_000) * 4096 // all low bits equal
	}
	number(t, keys)
}

// Keys that all fall into one slot under MurmurHash3's finaliser without a seed: the inverse of multiples of 2^44. Each then
// probes past all the others.
func TestGrouperOfAdversarialKeys(t *testing.T) {
	bad, good := make([]uint64, 50_000), make([]uint64, 50_000)
	for i := range bad {
		bad[i], good[i] = unmix(uint64(i)<<44), uint64(i)
	}
	number(t, bad)
	took := func(keys []uint64) time.Duration {
		start, ids := time.Now(), make([]int32, len(keys))
		for range 5 {
			rdd.NewGrouper[uint64]().IDs(keys, ids)
		}
		return time.Since(start)
	}
	took(good)
	if g, b := took(good), took(bad); b > 20*g {
		t.Errorf("chosen keys took %v, others %v", b, g)
	}
}

// unmix is the inverse of the finaliser.
func unmix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0x9cb4b2f8129337db
	x ^= x >> 33
	x *= 0x4f74430c22a54005
	return x ^ x>>33
}

func TestGrouperOwnsItsText(t *testing.T) {
	buf, words := foreign("apple", "pear", "fig")
	g := rdd.NewGrouper[string]()
	g.IDs(words, make([]int32, 3))
	composite := rdd.NewGrouper[inner]()
	composite.IDs([]inner{{[2]string{words[0], words[1]}}}, make([]int32, 1))
	for i := range buf {
		buf[i] = '?'
	}
	if fmt.Sprint(g.Keys(), composite.Keys()) != "[apple pear fig] [{[apple pear]}]" {
		t.Errorf("keys changed with the buffer that they came from: %v %v", g.Keys(), composite.Keys())
	}
	if id, ok := g.Find("pear"); !ok || id != 1 {
		t.Errorf("pear is %d, %v", id, ok)
	}
}

func TestGrouperOfNone(t *testing.T) {
	g := rdd.NewGrouper[rdd.None]()
	ids := []int32{7, 7, 7}
	g.IDs(nil, ids[:0])
	if _, ok := g.Find(rdd.None{}); ok || g.Len() != 0 {
		t.Error("no rows made a key")
	}
	g.IDs(nil, ids)
	g.IDs(make([]rdd.None, 3), ids)
	if id, ok := g.Find(rdd.None{}); g.Len() != 1 || !ok || id != 0 || ids[2] != 0 {
		t.Errorf("%d keys, ids %v", g.Len(), ids)
	}
}

func TestGroups(t *testing.T) {
	g := rdd.NewGroups[string, int64]()
	in := &rdd.Rows[string, int64]{Keys: []string{"a", "b", "a", "c"}, Vals: []int64{1, 2, 3, 4}}
	sum := rdd.FoldOf(func(a *int64, v int64) { *a += v }, func(a *int64, b int64) { *a += b })
	rdd.AddRows(g, sum, in, 0, 3)
	rdd.AddRows(g, sum, in, 2, 4)
	if fmt.Sprint(g.Keys(), g.Accs(), g.Rows(), g.Len(), g.Key(2)) != "[a b c] [7 2 4] [3 1 1] 3c" {
		t.Error(g.Keys(), g.Accs(), g.Rows())
	}
	if _, ok := g.Find("z"); ok {
		t.Error("found a key that was never there")
	}
}
