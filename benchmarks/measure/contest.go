package measure

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Contestant is a way to do a piece of work.
type Contestant struct {
	Name string
	// Run does the work once, makes sure that what came out is right, and says what the work took.
	Run func() (Cost, error)
}

// Contest is a piece of work that contestants do, in turn with a yardstick.
type Contest struct {
	Unit  string // what the work is counted in: "event", "row"
	Count int    // units of a run
	Pairs int    // runs of each that are measured, at least one
	Warm  int    // runs of each before those: for caches, servers and compilers to get warm
}

// Print runs the contest, and prints a table once every result of every run was right: millions of units for a CPU-second and for a
// second of wall time; allocations for a unit, where they are known; and how many times as much as the yardstick is done with the same
// CPU and wall time.
func (c Contest) Print(w io.Writer, yardstick Contestant, others ...Contestant) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\tM %ss per CPU-second\tM %[1]ss/s of wall time\tallocations/%[1]s\t× %s, CPU\twall\n", c.Unit, yardstick.Name)
	for i, other := range others {
		pairs, err := c.pairs(yardstick, other)
		if err != nil {
			return err
		}
		if i == 0 {
			c.line(table, yardstick.Name, pairs, func(p Pair) Cost { return p.A })
			fmt.Fprint(table, "1\t1\n")
		}
		c.line(table, other.Name, pairs, func(p Pair) Cost { return p.B })
		wall := RangeOf(pairs, func(p Pair) float64 { return p.A.Wall.Seconds() / p.B.Wall.Seconds() })
		fmt.Fprintf(table, "%v\t%v\n", Ratio(pairs), wall)
	}
	return table.Flush()
}

func (c Contest) pairs(yardstick, other Contestant) ([]Pair, error) {
	a, b := yardstick.named(), other.named()
	if _, err := Pairs(c.Warm, a, b); err != nil {
		return nil, err
	}
	return Pairs(c.Pairs, a, b)
}

// named puts the name in front of errors.
func (c Contestant) named() func() (Cost, error) {
	return func() (Cost, error) {
		cost, err := c.Run()
		if err != nil {
			return Cost{}, fmt.Errorf("%s: %w", c.Name, err)
		}
		return cost, nil
	}
}

func (c Contest) line(w io.Writer, name string, pairs []Pair, of func(Pair) Cost) {
	perCPU := RangeOf(pairs, func(p Pair) float64 { return float64(c.Count) / of(p).CPU.Seconds() / 1e6 })
	perWall := RangeOf(pairs, func(p Pair) float64 { return float64(c.Count) / of(p).Wall.Seconds() / 1e6 })
	allocs := RangeOf(pairs, func(p Pair) float64 { return float64(of(p).Allocs) / float64(c.Count) })
	known := "–"
	if allocs.Max > 0 {
		known = fmt.Sprintf("%.3g", allocs.Median)
	}
	fmt.Fprintf(w, "%s\t%v\t%v\t%s\t", name, perCPU, perWall, known)
}
