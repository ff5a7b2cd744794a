package rdd_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

// Random programs are run by the engine and by an evaluator over slices and maps that shares no operator with it. Rows carry
// their event time in At as well, so that every chunk with a time column can be checked.
type rec struct {
	S  string
	N  int64
	In inner
	At int64
}

type inner struct{ Tags [2]string }

type pair[K comparable] struct {
	K K
	V rec
}

// A plain and a keyed dataset, each beside what it has to contain.
type plain struct {
	rows rdd.RDD[rec]
	want []rec
}

type keyed[K comparable] struct {
	rows rdd.Keyed[K, rec]
	want []pair[K]
}

// gen makes a random program.
type gen struct {
	*rand.Rand
	parts int
	known []plain // may be used again
}

// limit bounds the rows of a dataset: joins multiply.
const limit = 600

func (g *gen) source() plain {
	want := make([]rec, g.IntN(40))
	for i := range want {
		want[i] = rec{S: g.word(), N: g.Int64N(5), In: inner{[2]string{g.word(), g.word()}}, At: g.Int64N(1000)}
	}
	parts, timed := 1+g.IntN(g.parts), g.IntN(3) > 0
	rows := rdd.Custom[rdd.None, rec]("Source", parts, nil, func(t *rdd.Task, p int, _ []rdd.Seq) rdd.Seq {
		return sourceChunks(t, want[len(want)*p/parts:len(want)*(p+1)/parts], timed)
	})
	return plain{rdd.As[rec](rows), want}
}

// sourceChunks yields views of a fetch buffer through reused columns, as a real source does.
func sourceChunks(t *rdd.Task, rows []rec, timed bool) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		out := &rdd.Rows[rdd.None, rec]{}
		for part := range slices.Chunk(rows, t.ChunkRows) {
			out.Vals = append(out.Vals[:0], part...)
			if timed {
				out.Times = rdd.Sized(out.Times, len(part))
				for i := range part {
					out.Times[i] = part[i].At
				}
			}
			if !yield(out, nil) {
				return
			}
			clear(out.Vals)
			clear(out.Times)
		}
	}
}

func (g *gen) word() string { return []string{"", "a", "b", "tide", "mill stone"}[g.IntN(5)] }

func (g *gen) program() []plain {
	g.known = []plain{g.source(), g.source()}
	for range 2 + g.IntN(6) {
		next := g.step(g.pick())
		if len(next.want) <= limit {
			g.known = append(g.known, next)
		}
	}
	outputs := []plain{g.known[len(g.known)-1]}
	for range g.IntN(3) {
		if o := g.pick(); !slices.ContainsFunc(outputs, func(p plain) bool { return p.rows.Node() == o.rows.Node() }) {
			outputs = append(outputs, o)
		}
	}
	return outputs
}

func (g *gen) pick() plain { return g.known[g.IntN(len(g.known))] }

func each[T, U any](in []T, f func(T) []U) []U {
	out := []U{}
	for _, v := range in {
		out = append(out, f(v)...)
	}
	return out
}

func (g *gen) step(p plain) plain {
	switch g.IntN(13) {
	case 0:
		f := func(r rec) rec { r.S += "'"; r.N++; return r }
		return plain{p.rows.Map(f), each(p.want, func(r rec) []rec { return []rec{f(r)} })}
	case 1:
		return plain{p.rows.Filter(odd), each(p.want, only(odd))}
	case 2:
		f := func(r rec) (rec, bool) { r.S = strings.ToUpper(r.S); return r, r.N != 2 }
		return plain{p.rows.FilterMap(f), each(p.want, func(r rec) []rec {
			if r, ok := f(r); ok {
				return []rec{r}
			}
			return nil
		})}
	case 3:
		return plain{p.rows.FlatMap(thrice), each(p.want, func(r rec) []rec { return slices.Collect(thrice(r)) })}
	case 4:
		return plain{p.rows.MapPartitions(func(rows iter.Seq[rec]) iter.Seq[rec] {
			return func(yield func(rec) bool) {
				for r := range rows {
					if odd(r) && !yield(r) {
						return
					}
				}
			}
		}), each(p.want, only(odd))}
	case 5:
		o := g.pick()
		return plain{p.rows.Union(o.rows, p.rows), slices.Concat(p.want, o.want, p.want)}
	case 6:
		return plain{p.rows.Repartition(1 + g.IntN(4)), p.want}
	case 7:
		return plain{p.rows.Cache(), p.want}
	case 8:
		return plain{rdd.Distinct(p.rows), distinct(p.want)}
	case 9:
		f := func(r rec) (rec, error) { r.N *= 2; return r, nil }
		return plain{p.rows.TryMap(f), each(p.want, func(r rec) []rec { r.N *= 2; return []rec{r} })}
	case 10:
		return byKey(g, p, func(r rec) string { return r.S })
	case 11:
		return byKey(g, p, func(r rec) int64 { return r.N })
	}
	return byKey(g, p, func(r rec) inner { return r.In })
}

func odd(r rec) bool { return (r.N+int64(len(r.S)))%2 == 1 }

func only(keep func(rec) bool) func(rec) []rec {
	return func(r rec) []rec {
		if keep(r) {
			return []rec{r}
		}
		return nil
	}
}

func thrice(r rec) iter.Seq[rec] {
	return func(yield func(rec) bool) {
		for i := range r.N % 3 {
			r.N = i
			if !yield(r) {
				return
			}
		}
	}
}

func distinct(rows []rec) []rec {
	seen, out := map[rec]bool{}, []rec{}
	for _, r := range rows {
		if !seen[r] {
			seen[r], out = true, append(out, r)
		}
	}
	return out
}

// byKey goes through keyed steps and back.
func byKey[K comparable](g *gen, p plain, key func(rec) K) plain {
	k := keyBy(g, p, key)
	for range g.IntN(4) {
		if next := keyedStep(g, k, key); len(next.want) <= limit {
			k = next
		}
	}
	if g.IntN(2) == 0 {
		return plain{k.rows.Values(), each(k.want, func(p pair[K]) []rec { return []rec{p.V} })}
	}
	f := func(k K, r rec) rec { r.S += fmt.Sprint(k); return r }
	return plain{k.rows.Map(f), each(k.want, func(p pair[K]) []rec { return []rec{f(p.K, p.V)} })}
}

func keyBy[K comparable](g *gen, p plain, key func(rec) K) keyed[K] {
	want := each(p.want, func(r rec) []pair[K] { return []pair[K]{{key(r), r}} })
	if g.IntN(2) == 0 {
		return keyed[K]{p.rows.KeyBy(key), want}
	}
	return keyed[K]{p.rows.KeyValue(func(r rec) (K, rec) { return key(r), r }), want}
}

func keyedStep[K comparable](g *gen, k keyed[K], key func(rec) K) keyed[K] {
	switch g.IntN(12) {
	case 0:
		keep := func(k K, r rec) bool { return odd(r) || k == *new(K) }
		return keyed[K]{k.rows.Filter(keep), each(k.want, func(p pair[K]) []pair[K] {
			if keep(p.K, p.V) {
				return []pair[K]{p}
			}
			return nil
		})}
	case 1:
		f := func(r rec) rec { r.N += 10; return r }
		return keyed[K]{k.rows.MapValues(f), each(k.want, func(p pair[K]) []pair[K] { return []pair[K]{{p.K, f(p.V)}} })}
	case 2:
		return keyed[K]{k.rows.FlatMapValues(thrice), each(k.want, func(p pair[K]) []pair[K] {
			return each(slices.Collect(thrice(p.V)), func(r rec) []pair[K] { return []pair[K]{{p.K, r}} })
		})}
	case 3:
		f := func(_ K, r rec) (K, rec) { r.In.Tags[0] = r.S; return key(r), r }
		return keyed[K]{k.rows.Rekey(f), each(k.want, func(p pair[K]) []pair[K] { k, v := f(p.K, p.V); return []pair[K]{{k, v}} })}
	case 4:
		o := keyBy(g, g.pick(), key)
		return keyed[K]{k.rows.Union(o.rows), slices.Concat(k.want, o.want)}
	case 5:
		return keyed[K]{k.rows.Cache(), k.want}
	case 6:
		return keyed[K]{k.rows.PartitionBy(rdd.NewPartitioner(1<<(4+g.IntN(3)), 1+g.IntN(4))), k.want}
	case 7, 8:
		return fold(g, k)
	}
	return join(g, k, keyBy(g, g.pick(), key))
}

// groupsOf lists the rows of each key; keys in order of first sight.
func groupsOf[K comparable](rows []pair[K]) (keys []K, of map[K][]rec) {
	of = map[K][]rec{}
	for _, p := range rows {
		if of[p.K] == nil {
			keys = append(keys, p.K)
		}
		of[p.K] = append(of[p.K], p.V)
	}
	return keys, of
}

func (r rec) less(o rec) int { return strings.Compare(fmt.Sprint(r), fmt.Sprint(o)) }

func largest(a, b rec) rec {
	if a.less(b) < 0 {
		return b
	}
	return a
}

func fold[K comparable](g *gen, k keyed[K]) keyed[K] {
	keys, of := groupsOf(k.want)
	want := func(f func([]rec) rec) []pair[K] {
		return each(keys, func(k K) []pair[K] { return []pair[K]{{k, f(of[k])}} })
	}
	switch g.IntN(5) {
	case 0:
		return keyed[K]{k.rows.Reduce(largest), want(func(rs []rec) rec { return slices.MaxFunc(rs, rec.less) })}
	case 1:
		return keyed[K]{k.rows.Count().MapValues(func(n int64) rec { return rec{N: n} }), want(func(rs []rec) rec { return rec{N: int64(len(rs))} })}
	case 2:
		add := func(sum *rec, r rec) { *sum = rec{S: max(sum.S, r.S), N: sum.N + r.N} }
		return keyed[K]{k.rows.Aggregate(add, func(into *rec, from rec) { add(into, from) }), want(func(rs []rec) rec {
			sum := rec{}
			for _, r := range rs {
				sum.S, sum.N = max(sum.S, r.S), sum.N+r.N
			}
			return sum
		})}
	case 3:
		f := func(rs []rec) rec {
			slices.SortFunc(rs, rec.less)
			return rec{S: fmt.Sprint(rs), N: int64(len(rs))}
		}
		return keyed[K]{k.rows.GroupMap(func(_ K, rs []rec) rec { return f(rs) }), want(f)}
	}
	// Rows of one key have to be equal, or which one is kept depends on their order.
	same := keyed[K]{k.rows.MapValues(func(rec) rec { return rec{S: "same"} }), nil}
	return keyed[K]{same.rows.Distinct(), want(func([]rec) rec { return rec{S: "same"} })}
}

func join[K comparable](g *gen, a, b keyed[K]) keyed[K] {
	keys, vs := groupsOf(a.want)
	more, ws := groupsOf(b.want)
	for _, k := range more {
		if vs[k] == nil {
			keys = append(keys, k)
		}
	}
	pairOf := func(v, w *rec) rec {
		out := rec{S: "-"}
		if v != nil {
			out.S, out.N = v.S+"|", v.N
		}
		if w != nil {
			out.S, out.N = out.S+w.S, out.N+7*w.N
		}
		return out
	}
	want := func(left, right bool) []pair[K] {
		return each(keys, func(k K) (out []pair[K]) {
			v, w := pointers(vs[k], right), pointers(ws[k], left)
			for _, v := range v {
				for _, w := range w {
					out = append(out, pair[K]{k, pairOf(v, w)})
				}
			}
			return out
		})
	}
	switch g.IntN(5) {
	case 0:
		return keyed[K]{a.rows.Join(b.rows, func(_ K, v, w rec) rec { return pairOf(&v, &w) }), want(false, false)}
	case 1:
		return keyed[K]{a.rows.LeftJoin(b.rows, func(_ K, v rec, w *rec) rec { return pairOf(&v, w) }), want(true, false)}
	case 2:
		return keyed[K]{a.rows.RightJoin(b.rows, func(_ K, v *rec, w rec) rec { return pairOf(v, &w) }), want(false, true)}
	case 3:
		return keyed[K]{a.rows.FullJoin(b.rows, func(_ K, v, w *rec) rec { return pairOf(v, w) }), want(true, true)}
	}
	f := func(vs, ws []rec) rec { return rec{S: "co", N: int64(len(vs)*1000 + len(ws))} }
	return keyed[K]{a.rows.CoGroup(b.rows, func(_ K, vs, ws []rec) rec { return f(vs, ws) }), each(keys, func(k K) []pair[K] {
		return []pair[K]{{k, f(vs[k], ws[k])}}
	})}
}

// pointers stands nil for no partner, if the other side's rows come out alone.
func pointers(rows []rec, alone bool) []*rec {
	if len(rows) == 0 && alone {
		return []*rec{nil}
	}
	out := make([]*rec, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out
}

func TestProgramsAgreeWithNaiveEvaluator(t *testing.T) {
	for seed := range uint64(400) {
		g := &gen{Rand: rand.New(rand.NewPCG(seed, 1)), parts: 4}
		outputs := g.program()
		var nodes []*rdd.Node
		for _, o := range outputs {
			nodes = append(nodes, o.rows.Node())
		}
		p := compile(t, nodes...)
		for _, chunk := range []int{1, 3, 4096} {
			for _, spill := range []bool{false, true} {
				s := newStore(spill)
				if err := runAll(p, s, chunk); err != nil {
					t.Fatalf("seed %d, chunks of %d, spill %v: %v", seed, chunk, spill, err)
				}
				for i, o := range outputs {
					if diff := compare(output(p, s, i), o.want); diff != "" {
						t.Fatalf("seed %d, chunks of %d, spill %v, output %d (%s): %s", seed, chunk, spill, i, o.rows.Node().Kind, diff)
					}
				}
			}
		}
	}
}

// compare compares rows without regard to their order.
func compare(chunks []rdd.Chunk, want []rec) string {
	var got []string
	for _, c := range chunks {
		rows := c.(*rdd.Rows[rdd.None, rec])
		for i, r := range rows.Vals {
			got = append(got, fmt.Sprintf("%#v", r))
			if rows.Times != nil && rows.Times[i] != r.At {
				return fmt.Sprintf("row %v has event time %d", r, rows.Times[i])
			}
		}
	}
	expect := each(want, func(r rec) []string { return []string{fmt.Sprintf("%#v", r)} })
	slices.Sort(got)
	slices.Sort(expect)
	if !slices.Equal(got, expect) {
		return fmt.Sprintf("%d rows, want %d\n got %.300q\nwant %.300q", len(got), len(expect), got, expect)
	}
	return ""
}
