package ysb

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

// contestant is a way to do the job.
type contestant struct {
	name string
	run  func() ([]Views, measure.Cost, error)
}

// checked runs a contestant. A wrong result has no cost.
func (c contestant) checked(want map[Cell]int64) (measure.Cost, error) {
	got, cost, err := c.run()
	if err == nil {
		err = Check(want, got)
	}
	if err != nil {
		return measure.Cost{}, fmt.Errorf("%s: %w", c.name, err)
	}
	return cost, nil
}

// contest compares contestants with a yardstick, pair by pair, and prints a table, once every result of every run was right.
func contest(w io.Writer, want map[Cell]int64, rows, pairs int, yardstick contestant, others []contestant) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\tM rows per CPU-second\tM rows/s of wall time\t%% of %s\tallocations/row\n", yardstick.name)
	for i, c := range others {
		if _, err := c.checked(want); err != nil { // not measured: the first run finds the caches cold
			return err
		}
		all, err := measure.Pairs(pairs,
			func() (measure.Cost, error) { return yardstick.checked(want) },
			func() (measure.Cost, error) { return c.checked(want) })
		if err != nil {
			return err
		}
		if i == 0 {
			line(table, yardstick.name, rows, all, func(p measure.Pair) measure.Cost { return p.A })
			fmt.Fprint(table, "100\t\n")
		}
		line(table, c.name, rows, all, func(p measure.Pair) measure.Cost { return p.B })
		allocs := measure.RangeOf(all, func(p measure.Pair) float64 { return float64(p.B.Allocs) / float64(rows) })
		fmt.Fprintf(table, "%v\t%.4f\n", measure.Ratio(all).Times(100), allocs.Median)
	}
	return table.Flush()
}

func line(w io.Writer, name string, rows int, pairs []measure.Pair, of func(measure.Pair) measure.Cost) {
	perCPU := measure.RangeOf(pairs, func(p measure.Pair) float64 { return float64(rows) / of(p).CPU.Seconds() / 1e6 })
	perWall := measure.RangeOf(pairs, func(p measure.Pair) float64 { return float64(rows) / of(p).Wall.Seconds() / 1e6 })
	fmt.Fprintf(w, "%s\t%v\t%v\t", name, perCPU, perWall)
}
