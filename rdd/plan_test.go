package rdd_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// graph is a small graph that a golden plan is kept of.
type graph struct {
	name  string
	build func() []*rdd.Node
}

func one(n any) []*rdd.Node {
	if d, ok := n.(interface{ Node() *rdd.Node }); ok {
		return []*rdd.Node{d.Node()}
	}
	return []*rdd.Node{n.(*rdd.Node)}
}

func ints(parts int) rdd.RDD[int64] { return rdd.Of[int64](parts, 1, 2, 3, 4, 5, 6) }

func double(v int64) int64 { return 2 * v }
func even(v int64) bool    { return v%2 == 0 }
func add(a, b int64) int64 { return a + b }

func byKeys(parts int) rdd.Keyed[int64, int64] { return ints(parts).KeyBy(rdd.Itself) }

var graphs = []graph{
	{"source", func() []*rdd.Node { return one(ints(2)) }},
	{"narrow", func() []*rdd.Node { return one(ints(3).Map(double).Filter(even).Map(double)) }},
	{"count", func() []*rdd.Node { return one(byKeys(2).Count().Map(add)) }},
	{"group", func() []*rdd.Node {
		return one(byKeys(2).GroupMap(func(k int64, vs []int64) int64 { return int64(len(vs)) }))
	}},
	{"two-shuffles", func() []*rdd.Node { return one(byKeys(2).Reduce(add).Rekey(swap).Count()) }},
	{"diamond", func() []*rdd.Node {
		x := ints(2).Map(double)
		return one(x.Filter(even).Union(x.Map(double)))
	}},
	{"union-same-twice", func() []*rdd.Node { x := ints(2); return one(x.Union(x).Map(double)) }},
	{"self-join", func() []*rdd.Node { x := byKeys(2); return one(x.Join(x, func(_, v, w int64) int64 { return v * w })) }},
	{"join-of-derived", func() []*rdd.Node {
		x := byKeys(2).MapValues(double)
		return one(x.Join(x.Filter(func(k, v int64) bool { return v > 2 }), func(_, v, w int64) int64 { return v * w }))
	}},
	{"join-uneven", func() []*rdd.Node { return one(byKeys(2).Join(byKeys(5), func(_, v, w int64) int64 { return v * w })) }},
	{"cache", func() []*rdd.Node { return one(ints(2).Map(double).Cache().Filter(even)) }},
	{"cache-twice-used", func() []*rdd.Node {
		x := ints(2).Cache()
		return []*rdd.Node{x.Filter(even).Node(), x.Map(double).Node()}
	}},
	{"two-outputs-of-one", func() []*rdd.Node {
		x := ints(2).Map(double)
		return []*rdd.Node{x.Node(), x.Filter(even).Node(), x.KeyBy(rdd.Itself).Count().Node()}
	}},
	{"same-output-twice", func() []*rdd.Node { x := ints(2).Map(double); return []*rdd.Node{x.Node(), x.Node()} }},
	{"exchange-twice-read", func() []*rdd.Node {
		x := byKeys(2).PartitionBy(rdd.NewPartitioner(0, 3))
		return []*rdd.Node{x.MapValues(double).Node(), x.Values().Node()}
	}},
	{"exchange-output", func() []*rdd.Node { return one(ints(2).Repartition(4)) }},
	{"partitioned-then-count", func() []*rdd.Node { return one(byKeys(2).PartitionBy(rdd.NewPartitioner(16, 3)).Count()) }},
	{"fork-into-exchange", func() []*rdd.Node {
		x := ints(2).Map(double)
		return []*rdd.Node{x.Repartition(3).Node(), x.Filter(even).Node()}
	}},
	{"nested-forks", func() []*rdd.Node {
		x := ints(1).Map(double)
		y := x.Union(x)
		return one(y.Union(y).Repartition(1).Map(double))
	}},
}

func swap(k, v int64) (int64, int64) { return v, k }

func TestPlans(t *testing.T) {
	for _, g := range graphs {
		t.Run(g.name, func(t *testing.T) {
			got := compile(t, g.build()...).String()
			file := filepath.Join("testdata", g.name+".txt")
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s(go test -rewrite writes it anew)", got, want)
			}
		})
	}
}

// Stages read only earlier ones, and every graph computes what a plan of single steps would: the oracle test sees to the rows.
func TestPlanIsInOrder(t *testing.T) {
	for _, g := range graphs {
		p := compile(t, g.build()...)
		for i, s := range p.Stages {
			if s.ID != i {
				t.Errorf("%s: stage %d has id %d", g.name, i, s.ID)
			}
			for _, parent := range s.Parents {
				if parent >= i {
					t.Errorf("%s: stage %d reads stage %d", g.name, i, parent)
				}
			}
		}
		if err := runAll(p, newStore(true), 2); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
	}
}

func TestDigestIsStable(t *testing.T) {
	seen := map[string]string{}
	for _, g := range graphs {
		a, b := compile(t, g.build()...).Digest, compile(t, g.build()...).Digest
		if a != b {
			t.Errorf("%s: %s, and built again %s", g.name, a, b)
		}
		if other, ok := seen[a]; ok {
			t.Errorf("%s and %s have one digest", g.name, other)
		}
		seen[a] = g.name
	}
}

// All pairs of these differ in one respect that decides what a task computes, though they stand on one line.
func TestDigestTellsGraphsApart(t *testing.T) {
	a, b := ints(2), ints(2)
	ka, kb := a.KeyBy(rdd.Itself), b.KeyBy(rdd.Itself)
	f := func(_, v, w int64) int64 { return v - w }
	part := func(groups, parts int) []*rdd.Node { return one(ka.PartitionBy(rdd.NewPartitioner(groups, parts))) }
	named := func(x string) []*rdd.Node { r := a.Map(double); r.Node().Name = x; return one(r) }
	type small struct{ A int64 }
	localType := func() []*rdd.Node {
		type small struct{ A, B int64 }
		return one(rdd.Custom[rdd.None, small]("X", 1, nil, nil))
	}
	nodes := [][]*rdd.Node{
		one(a), one(ints(3)), one(a.Map(double)), one(a.Filter(even)), one(a.Map(double).Cache()), named("x"), named("y"),
		{a.Node(), b.Node(), ka.Join(kb, f).Node()}, {a.Node(), b.Node(), kb.Join(ka, f).Node()},
		{a.Node(), b.Node(), a.Union(b).Node()}, {a.Node(), b.Node(), b.Union(a).Node()}, {a.Node(), b.Node(), a.Union(b, a).Node()},
		part(16, 2), part(32, 2), part(16, 3), one(a.Repartition(2)), one(a.Repartition(3)),
		one(rdd.Of[int64](2, 1)), one(rdd.As[int64](rdd.FromBlocks[rdd.None, int64]("In", 1, 2))), one(rdd.As[int64](rdd.FromBlocks[rdd.None, int64]("In", 2, 2))),
		one(rdd.Custom[rdd.None, small]("X", 1, nil, nil)), localType(),
	}
	seen := map[string]int{}
	for i, n := range nodes {
		d := compile(t, n...).Digest
		if other, ok := seen[d]; ok {
			t.Errorf("graphs %d and %d have one digest", other, i)
		}
		seen[d] = i
	}
}

func TestCompileReportsEverything(t *testing.T) {
	type odd struct{ C chan int }
	bad := ints(1).Map(func(int64) odd { return odd{} }) // line 1 of the mistakes
	worse := bad.Repartition(0)
	floats := ints(1).KeyBy(func(v int64) float64 { return float64(v) }).Count()
	pointers := ints(1).Map(func(v int64) *int64 { return &v })
	_, err := rdd.Compile(worse.Node(), floats.Node(), pointers.Node())
	if err == nil {
		t.Fatal("no error")
	}
	var b *rdd.BuildError
	if !errors.As(err, &b) {
		t.Fatalf("%T is no BuildError", err)
	}
	lines := strings.Split(err.Error(), "\n")
	at := regexp.MustCompile(`^plan_test\.go:\d+: (Map|Repartition|KeyBy|Count): `)
	kinds := map[string]bool{}
	for _, l := range lines {
		m := at.FindStringSubmatch(l)
		if m == nil {
			t.Errorf("%q does not begin with file, line and operator", l)
			continue
		}
		kinds[m[1]] = true
	}
	for _, k := range []string{"Map", "Repartition", "Count"} {
		if !kinds[k] {
			t.Errorf("nothing about %s in\n%v", k, err)
		}
	}
	if n := strings.Count(err.Error(), "odd.C"); n != 1 {
		t.Errorf("the same field is reported %d times:\n%v", n, err)
	}
}
