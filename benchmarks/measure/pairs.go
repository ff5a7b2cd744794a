package measure

import (
	"fmt"
	"slices"
)

// Pair is a run of each of two contestants, one right after the other.
type Pair struct{ A, B Cost }

// Pairs runs a and b in turn, n times each. Each takes its own cost, so that it may leave out what is not to be compared.
func Pairs(n int, a, b func() (Cost, error)) ([]Pair, error) {
	out := make([]Pair, n)
	for i := range out {
		var err error
		if out[i].A, err = a(); err != nil {
			return nil, err
		}
		if out[i].B, err = b(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Range is what a figure came to in several runs.
type Range struct{ Min, Median, Max float64 }

// RangeOf orders a figure of several runs, of which there must be one at least.
func RangeOf[R any](runs []R, of func(R) float64) Range {
	all := make([]float64, len(runs))
	for i, r := range runs {
		all[i] = of(r)
	}
	slices.Sort(all)
	n := len(all)
	return Range{all[0], (all[(n-1)/2] + all[n/2]) / 2, all[n-1]}
}

// Ratio is how much CPU a took in comparison with b for the same work: the share of a's speed that b reaches.
func Ratio(pairs []Pair) Range {
	return RangeOf(pairs, func(p Pair) float64 { return p.A.CPU.Seconds() / p.B.CPU.Seconds() })
}

// String is the range with three figures: "71.2 (68.0–73.9)".
func (r Range) String() string { return fmt.Sprintf("%.3g (%.3g–%.3g)", r.Median, r.Min, r.Max) }

// Times is the range in another unit.
func (r Range) Times(f float64) Range { return Range{r.Min * f, r.Median * f, r.Max * f} }
