package rdd_test

import (
	"iter"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

type ad struct {
	ID, Event string
	At        int64
}

const adChunks, adChunkRows = 16, 4096

// adRows are the rows of one chunk: a third are views, a thousand ids.
func adRows() []ad {
	out := make([]ad, adChunkRows)
	for i := range out {
		id := strings.Repeat("x", 33) + string([]byte{'0' + byte(i%10), '0' + byte(i/10%10), '0' + byte(i/100%10)})
		out[i] = ad{id, []string{"view", "click", "purchase"}[i%3], int64(i)}
	}
	return out
}

// ads yields one chunk many times and allocates nothing.
func ads() rdd.RDD[ad] {
	chunk := &rdd.Rows[rdd.None, ad]{Vals: adRows(), Times: make([]int64, adChunkRows), Sealed: rdd.ValColumn | rdd.TimeColumn}
	return rdd.As[ad](rdd.Custom[rdd.None, ad]("Ads", 1, nil, func(*rdd.Task, int, []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			for range adChunks {
				if !yield(chunk, nil) {
					return
				}
			}
		}
	}))
}

// sunk stands below what is measured, so that nothing is kept.
func sunk[K comparable, V any](n *rdd.Node) *rdd.Node {
	return rdd.Narrow(n, "Sink", func(in *rdd.Rows[K, V], out *rdd.Rows[rdd.None, int64]) {
		out.Vals = out.Vals[:0]
	})
}

// nowhere takes what a task writes and forgets it, and reads from another store.
type nowhere struct{ *store }

func (nowhere) Append(*rdd.Task, int, rdd.Chunk) error { return nil }

// lookup is a Step kernel as the layer above makes them.
func lookup(n *rdd.Node, table map[string]int64) *rdd.Node {
	return rdd.Step(n, "Lookup", func(*rdd.Task) func(in *rdd.Rows[rdd.None, ad], out *rdd.Rows[rdd.None, int64]) error {
		return func(in *rdd.Rows[rdd.None, ad], out *rdd.Rows[rdd.None, int64]) error {
			out.Reset(in.Times != nil)
			for i := range in.Vals {
				if w, ok := table[in.Vals[i].ID]; ok {
					rdd.Append(in, i, out, w)
				}
			}
			return nil
		}
	})
}

func isView(a ad) bool  { return a.Event == "view" }
func idOf(a ad) string  { return a.ID }
func later(a, b ad) ad  { return b }
func timeOf(a ad) int64 { return a.At }

type totals struct{ Rows, Last int64 }

func (t *totals) add(a ad)       { t.merge(totals{1, a.At}) }
func (t *totals) merge(o totals) { t.Rows, t.Last = t.Rows+o.Rows, max(t.Last, o.Last) }

// operators are measured stage by stage.
func operators() map[string]*rdd.Node {
	r, k := ads(), ads().KeyBy(idOf)
	table := map[string]int64{}
	for _, a := range adRows()[:500] {
		table[a.ID] = a.At
	}
	return map[string]*rdd.Node{
		"Map":           sunk[rdd.None, int64](r.Map(timeOf).Node()),
		"TryMap":        sunk[rdd.None, int64](r.TryMap(func(a ad) (int64, error) { return a.At, nil }).Node()),
		"Filter":        sunk[rdd.None, ad](r.Filter(isView).Node()),
		"FilterMap":     sunk[rdd.None, int64](r.FilterMap(func(a ad) (int64, bool) { return a.At, isView(a) }).Node()),
		"MapPartitions": sunk[rdd.None, ad](r.MapPartitions(func(rows iter.Seq[ad]) iter.Seq[ad] { return rows }).Node()),
		"Union":         sunk[rdd.None, ad](r.Union(ads()).Node()),
		"KeyBy":         sunk[string, ad](k.Node()),
		"KeyValue":      sunk[string, int64](r.KeyValue(func(a ad) (string, int64) { return a.ID, a.At }).Node()),
		"Rekey":         sunk[int64, string](k.Rekey(func(id string, a ad) (int64, string) { return a.At, id }).Node()),
		"keyed Filter":  sunk[string, ad](k.Filter(func(_ string, a ad) bool { return isView(a) }).Node()),
		"keyed Map":     sunk[rdd.None, int64](k.Map(func(_ string, a ad) int64 { return a.At }).Node()),
		"MapValues":     sunk[string, int64](k.MapValues(timeOf).Node()),
		"Values":        sunk[rdd.None, ad](k.Values().Node()),
		"Select": sunk[string, ad](rdd.Narrow(k.Node(), "Select", func(in, out *rdd.Rows[string, ad]) {
			rdd.Select(in, out, func(i int) bool { return i%2 == 0 })
		})),
		"Lookup":      sunk[rdd.None, int64](lookup(r.Node(), table)),
		"Count":       sunk[string, int64](k.Count().Node()),
		"Reduce":      sunk[string, ad](k.Reduce(later).Node()),
		"Aggregate":   sunk[string, totals](k.Aggregate((*totals).add, (*totals).merge).Node()),
		"Distinct":    sunk[string, ad](k.Distinct().Node()),
		"GroupMap":    sunk[string, int64](k.GroupMap(func(_ string, as []ad) int64 { return int64(len(as)) }).Node()),
		"Join":        sunk[string, int64](k.Join(ads().KeyBy(idOf).Distinct(), func(_ string, a, b ad) int64 { return b.At }).Node()),
		"LeftJoin":    sunk[string, int64](k.LeftJoin(ads().KeyBy(idOf).Distinct(), func(_ string, a ad, b *ad) int64 { return b.At }).Node()),
		"CoGroup":     sunk[string, int64](k.CoGroup(ads().KeyBy(idOf), func(_ string, a, b []ad) int64 { return int64(len(a)) }).Node()),
		"PartitionBy": sunk[string, ad](k.PartitionBy(rdd.NewPartitioner(0, 4)).Node()),
		"Repartition": sunk[rdd.None, ad](r.Repartition(4).Node()),
		"Cache":       sunk[rdd.None, ad](r.Cache().Node()),
	}
}

func needsNoChecks(t *testing.T) {
	if checking {
		t.Skip("built with invariants")
	}
}

// No operator allocates a row at a time; what it allocates a chunk or a key stays below this.
const allocsPerRow = 0.01

func TestOperatorsDoNotAllocateByRow(t *testing.T) {
	needsNoChecks(t)
	for name, n := range operators() {
		p, s := compile(t, n), newStore(false)
		if err := runAll(p, s, adChunkRows); err != nil {
			t.Fatal(err)
		}
		for _, st := range p.Stages {
			if rows := measure(t, p, st, s); rows.allocs > allocsPerRow {
				t.Errorf("%s, stage %d: %.4f allocations a row", name, st.ID, rows.allocs)
			}
		}
	}
}

type measured struct{ allocs float64 }

// measure runs the first task of a stage until the numbers settle. Its rows are all that the sources hold.
func measure(t *testing.T, p *rdd.Program, st *rdd.Stage, s *store) measured {
	allocs := testing.AllocsPerRun(3, func() {
		task := &rdd.Task{Context: t.Context(), ID: rdd.TaskID{Stage: st.ID}, Blocks: nowhere{s}, ChunkRows: adChunkRows}
		if err := p.Run(task, st.ID); err != nil {
			t.Fatal(err)
		}
	})
	return measured{allocs / (adChunks * adChunkRows)}
}

// FlatMap calls f as an iterator: three allocations a row, and no more.
func TestFlatMapAllocates(t *testing.T) {
	needsNoChecks(t)
	words := ads().FlatMap(func(a ad) iter.Seq[string] { return strings.FieldsSeq(a.Event) })
	p := compile(t, sunk[rdd.None, string](words.Node()))
	if m := measure(t, p, p.Stages[0], newStore(false)); m.allocs > 3.01 {
		t.Errorf("%.2f allocations a row", m.allocs)
	}
}

func TestManyKeysAllocateSeldom(t *testing.T) {
	needsNoChecks(t)
	k := rdd.Of(1, many(200_000)...).KeyBy(func(v int64) int64 { return v * 7919 }).Count()
	p := compile(t, sunk[int64, int64](k.Node()))
	m := measure(t, p, p.Stages[0], newStore(false))
	if m.allocs*adChunks*adChunkRows/200_000 > allocsPerRow {
		t.Errorf("%.4f allocations a row", m.allocs*adChunks*adChunkRows/200_000)
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	needsNoChecks(t)
	g := rdd.NewGrouper[string]()
	g.IDs([]string{"a", "b"}, make([]int32, 2))
	if n := testing.AllocsPerRun(100, func() { g.Find("b"); g.Find("z") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
