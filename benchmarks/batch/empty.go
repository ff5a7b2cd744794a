package batch

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/report"
)

// Empty prints the CPU time of a batch without rows, log and syncs included. An interval of 1 ms lets batches follow each other;
// the first ones, which open files, are left out.
func Empty(w io.Writer, o Options) error {
	if o.Interval == 0 {
		o.Interval = time.Millisecond
	}
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	src, err := newDue(0, 0, o.Parallelism)
	if err != nil {
		return err
	}
	const rounds = 10
	var marks []measure.Mark
	seen, rows := 0, int64(0)
	each := max(o.Batches/rounds, 1)
	_, err = run(o, src, int64((rounds+1)*each), func(b *report.Batch) {
		rows += b.Rows() + b.Written()
		if seen++; seen%each == 0 {
			marks = append(marks, measure.Now())
		}
	})
	if err != nil {
		return err
	}
	if rows != 0 {
		return fmt.Errorf("%d rows in batches that should be empty", rows)
	}
	if len(marks) < 2 {
		return errors.New("too few batches to measure")
	}
	var costs []measure.Cost
	for i, m := range marks[1:] {
		costs = append(costs, marks[i].To(m))
	}
	per := func(of func(measure.Cost) time.Duration) measure.Range {
		return measure.RangeOf(costs, func(c measure.Cost) float64 { return of(c).Seconds() * 1e3 / float64(each) })
	}
	fmt.Fprintf(w, "\nEmpty batches, %d, log in a directory: ms a batch, median (min–max) over %d runs of %d\n", rounds*each, rounds, each)
	fmt.Fprintf(w, "CPU   %v\nwall  %v\n", per(func(c measure.Cost) time.Duration { return c.CPU }), per(func(c measure.Cost) time.Duration { return c.Wall }))
	return nil
}
