package rate

import (
	"testing"

	"pgregory.net/rapid"
)

func TestShares(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   int64
		sources []Demand
		want    []int64
	}{
		{"one source has all", 1000, []Demand{{}}, []int64{1000}},
		{"nothing is known", 1000, []Demand{{}, {}}, []int64{500, 500}},
		{"by lag", 1000, []Demand{{Lag: 900}, {Given: 50, Lag: 50}}, []int64{880, 120}},
		{"one had nothing", 1000, []Demand{{Given: 1000, Limit: 1000}, {Limit: 500}}, []int64{975, 25}},
		{"and shows that it has more now", 1000, []Demand{{Given: 975, Limit: 975}, {Given: 25, Limit: 25}}, []int64{500, 500}},
		{"fewer rows than sources", 2, []Demand{{}, {}, {}}, []int64{1, 1, 1}},
		{"no limit", 0, []Demand{{Lag: 5}, {}}, []int64{0, 0}},
		{"nobody", 7, nil, []int64{}},
	} {
		got := Share(c.total, Weights(c.total, c.sources))
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", c.name, got)
		}
		for i := range got {
			if d := got[i] - c.want[i]; d < -1 || d > 1 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestSharesOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int64Range(0, 1<<60)
		sources := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Demand {
			return Demand{count.Draw(t, "given"), count.Draw(t, "lag"), count.Draw(t, "limit")}
		}), 1, 8).Draw(t, "sources")
		total := rapid.Int64Range(1, 1<<53).Draw(t, "total")
		sum := int64(0)
		for _, n := range Share(total, Weights(total, sources)) {
			if n < 1 {
				t.Fatalf("a share of %d", n)
			}
			sum += n
		}
		if sum > total+int64(len(sources)) {
			t.Fatalf("%d of %d", sum, total)
		}
	})
}
