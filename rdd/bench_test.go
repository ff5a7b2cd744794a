package rdd_test

import (
	"context"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

// Each hot loop stands beside the plain Go loop that does the same work: go test -bench . ./rdd

// rate reports rows a second over the rows that one iteration reads.
func rate(b *testing.B, rows int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// engine runs the first stage of a dataset.
func engine(b *testing.B, n *rdd.Node, stage int) {
	p, s := compile(b, n), newStore(false)
	if err := runAll(p, s, adChunkRows); err != nil {
		b.Fatal(err)
	}
	rate(b, adChunks*adChunkRows, func() {
		t := &rdd.Task{Context: context.Background(), ID: rdd.TaskID{Stage: stage}, Blocks: nowhere{s}, ChunkRows: adChunkRows}
		if err := p.Run(t, stage); err != nil {
			b.Fatal(err)
		}
	})
}

// bare gives f the same chunk as often as the engine's source does.
func bare(b *testing.B, f func([]ad)) {
	rows := adRows()
	rate(b, adChunks*adChunkRows, func() {
		for range adChunks {
			f(rows)
		}
	})
}

var sinkRows int

func BenchmarkFilter(b *testing.B) {
	b.Run("engine", func(b *testing.B) { engine(b, sunk[rdd.None, ad](ads().Filter(isView).Node()), 0) })
	b.Run("bare", func(b *testing.B) {
		out := make([]ad, 0, adChunkRows)
		bare(b, func(rows []ad) {
			out = out[:0]
			for i := range rows {
				if rows[i].Event == "view" {
					out = append(out, rows[i])
				}
			}
			sinkRows += len(out)
		})
	})
}

func BenchmarkMap(b *testing.B) {
	b.Run("engine", func(b *testing.B) { engine(b, sunk[rdd.None, int64](ads().Map(timeOf).Node()), 0) })
	b.Run("bare", func(b *testing.B) {
		out := make([]int64, adChunkRows)
		bare(b, func(rows []ad) {
			for i := range rows {
				out[i] = rows[i].At
			}
		})
	})
}

func BenchmarkFilterMapCount(b *testing.B) {
	b.Run("engine", func(b *testing.B) {
		engine(b, ads().Filter(isView).KeyBy(idOf).Count().Node(), 0)
	})
	b.Run("bare", func(b *testing.B) {
		bare(b, func() func([]ad) {
			counts := map[string]int64{}
			return func(rows []ad) {
				for i := range rows {
					if rows[i].Event == "view" {
						counts[rows[i].ID]++
					}
				}
			}
		}())
	})
}

func BenchmarkKeyedFilter(b *testing.B) {
	engine(b, sunk[string, ad](ads().KeyBy(idOf).Filter(func(_ string, a ad) bool { return isView(a) }).Node()), 0)
}

func BenchmarkScatter(b *testing.B) {
	b.Run("key", func(b *testing.B) { engine(b, ads().KeyBy(idOf).PartitionBy(rdd.NewPartitioner(0, 8)).Node(), 0) })
	b.Run("round robin", func(b *testing.B) { engine(b, ads().Repartition(8).Node(), 0) })
	b.Run("numbers", func(b *testing.B) { engine(b, ads().Map(timeOf).Repartition(8).Node(), 0) })
}

func BenchmarkGroupMap(b *testing.B) {
	engine(b, sunk[string, int64](ads().KeyBy(idOf).GroupMap(func(_ string, as []ad) int64 { return int64(len(as)) }).Node()), 1)
}

func BenchmarkJoin(b *testing.B) {
	k := ads().KeyBy(idOf)
	n := k.Join(ads().KeyBy(idOf).Distinct(), func(_ string, a, c ad) int64 { return c.At })
	engine(b, sunk[string, int64](n.Node()), 3)
}

func BenchmarkKeep(b *testing.B) {
	chunk := &rdd.Rows[string, ad]{Vals: adRows(), Times: make([]int64, adChunkRows)}
	chunk.Keys = make([]string, adChunkRows)
	for i := range chunk.Keys {
		chunk.Keys[i] = chunk.Vals[i].ID
	}
	b.Run("Keep", func(b *testing.B) { rate(b, adChunkRows, func() { chunk.Keep() }) })
	b.Run("Bytes", func(b *testing.B) { rate(b, adChunkRows, func() { sinkRows += int(chunk.Bytes()) }) })
	b.Run("Record", func(b *testing.B) {
		rate(b, adChunkRows, func() {
			if _, err := chunk.Record(); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func BenchmarkGrouper(b *testing.B) {
	keys := make([]string, adChunkRows)
	for i, a := range adRows() {
		keys[i] = a.ID
	}
	ids := make([]int32, len(keys))
	b.Run("strings", func(b *testing.B) {
		g := rdd.NewGrouper[string]()
		rate(b, len(keys), func() { g.IDs(keys, ids) })
	})
	b.Run("strings bare", func(b *testing.B) {
		m := map[string]int32{}
		rate(b, len(keys), func() {
			for i, k := range keys {
				id, ok := m[k]
				if !ok {
					id = int32(len(m))
					m[k] = id
				}
				ids[i] = id
			}
		})
	})
	numbers := make([]int64, adChunkRows)
	for i := range numbers {
		numbers[i] = int64(i%1000) * 7919
	}
	b.Run("int64", func(b *testing.B) {
		g := rdd.NewGrouper[int64]()
		rate(b, len(numbers), func() { g.IDs(numbers, ids) })
	})
	b.Run("fresh strings", func(b *testing.B) {
		rate(b, len(keys), func() { rdd.NewGrouper[string]().IDs(keys, ids) })
	})
}
