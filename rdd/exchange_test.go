package rdd_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

// partitions runs a dataset and returns its rows by partition.
func partitions[K, V any](t *testing.T, n *rdd.Node, chunkRows int, s *store) []*rdd.Rows[K, V] {
	t.Helper()
	p := compile(t, n)
	if err := runAll(p, s, chunkRows); err != nil {
		t.Fatal(err)
	}
	out := make([]*rdd.Rows[K, V], n.Parts)
	for part := range out {
		out[part] = &rdd.Rows[K, V]{}
		for c, err := range s.Read(nil, rdd.Block{Stage: p.Outputs[0], Partition: part}, n.Shape) {
			if err != nil {
				t.Fatal(err)
			}
			r := c.(*rdd.Rows[K, V])
			out[part].Keys, out[part].Vals, out[part].Tokens = append(out[part].Keys, r.Keys...), append(out[part].Vals, r.Vals...), append(out[part].Tokens, r.Tokens...)
		}
	}
	return out
}

func many(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestRepartitionIsEvenAndTheSameEachTime(t *testing.T) {
	for _, parts := range []int{1, 2, 3, 7, 16} {
		for _, from := range []int{1, 3, 5} {
			n := rdd.Of(from, many(1000)...).Repartition(parts).Node()
			first := partitions[rdd.None, int64](t, n, 10, newStore(false))
			again := partitions[rdd.None, int64](t, n, 4096, newStore(true))
			total := 0
			for p := range first {
				total += len(first[p].Vals)
				if !slices.Equal(first[p].Vals, again[p].Vals) {
					t.Errorf("%d to %d: partition %d differs with the size of chunks", from, parts, p)
				}
				if got := len(first[p].Vals); got < 1000/parts-from || got > 1000/parts+from {
					t.Errorf("%d to %d: partition %d has %d rows", from, parts, p, got)
				}
			}
			if total != 1000 {
				t.Errorf("%d to %d: %d rows", from, parts, total)
			}
		}
	}
}

func TestPartitionByKeepsKeysTogetherAndCarriesTokens(t *testing.T) {
	by := rdd.NewPartitioner(256, 5)
	word := func(v int64) string { return fmt.Sprint("key ", v%700) }
	n := rdd.Of(4, many(5000)...).KeyBy(word).PartitionBy(by).Node()
	if n.By != by || n.Parts != 5 {
		t.Errorf("%d partitions by %v", n.Parts, n.By)
	}
	first := partitions[string, int64](t, n, 100, newStore(false))
	again := partitions[string, int64](t, n, 4096, newStore(true))
	seen := map[string]int{}
	for p, rows := range first {
		if !slices.Equal(rows.Vals, again[p].Vals) || !slices.Equal(rows.Tokens, again[p].Tokens) {
			t.Errorf("partition %d differs with the size of chunks", p)
		}
		if len(rows.Vals) < 500 || len(rows.Vals) > 1700 {
			t.Errorf("partition %d has %d of 5000 rows", p, len(rows.Vals))
		}
		for i, k := range rows.Keys {
			if q, ok := seen[k]; ok && q != p {
				t.Fatalf("key %s is in partitions %d and %d", k, p, q)
			}
			if seen[k] = p; by.Of(rows.Tokens[i]) != p {
				t.Fatalf("key %s with token %d is in partition %d", k, rows.Tokens[i], p)
			}
		}
	}
}

// Rows of one key stay in the order of partitions and rows, whatever the size of chunks.
func TestExchangeKeepsMapOrder(t *testing.T) {
	k := rdd.Of(4, many(200)...).KeyBy(func(v int64) int64 { return v % 3 })
	for _, chunk := range []int{1, 7, 4096} {
		for _, rows := range partitions[int64, int64](t, k.PartitionBy(rdd.NewPartitioner(0, 2)).Node(), chunk, newStore(false)) {
			last := map[int64]int64{}
			for i, v := range rows.Vals {
				if before, ok := last[rows.Keys[i]]; ok && v < before {
					t.Fatalf("row %d of key %d comes after %d", v, rows.Keys[i], before)
				}
				last[rows.Keys[i]] = v
			}
		}
	}
}

func TestKeysOfNoneGoToOnePartition(t *testing.T) {
	k := rdd.Of(3, many(10)...).KeyBy(func(int64) rdd.None { return rdd.None{} })
	got, err := k.Filter(func(rdd.None, int64) bool { return true }).Reduce(add).Map(func(_ rdd.None, v int64) int64 { return v }).Collect(t.Context())
	if err != nil || !slices.Equal(got, []int64{45}) {
		t.Error(got, err)
	}
	plain := rdd.AsKeyed[rdd.None, int64](rdd.Of(3, many(10)...).Node())
	for _, spill := range []bool{false, true} {
		parts := partitions[rdd.None, int64](t, plain.Rekey(func(_ rdd.None, v int64) (rdd.None, int64) { return rdd.None{}, v }).GroupMap(func(_ rdd.None, vs []int64) int64 { return int64(len(vs)) }).Node(), 2, newStore(spill))
		total := []int64{}
		for _, p := range parts {
			total = append(total, p.Vals...)
		}
		if !slices.Equal(total, []int64{10}) {
			t.Errorf("spill %v: %v", spill, total)
		}
	}
}
