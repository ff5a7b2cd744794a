package batch

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/report"
)

// Held is how well a run kept up with its clock.
type Held struct {
	Ticks     int64         // of the clock, from the second batch on
	Own       int64         // that had a committed batch of their own
	Within    time.Duration // 99 of 100 batches were committed within this after they were due
	Median    time.Duration
	Max       time.Duration
	Remaining int64 // ticks that were due and had no committed batch when the last one was committed
}

// Judge reads how a run kept up from its reports.
func Judge(reports []*report.Batch, interval time.Duration) Held {
	var h Held
	var took []time.Duration
	for _, b := range reports {
		h.Ticks += b.Ticks
		if b.Ticks == 1 {
			h.Own++
		}
		took = append(took, b.Timeline.Committed)
	}
	if len(took) == 0 {
		return h
	}
	h.Remaining = int64(took[len(took)-1] / interval)
	slices.Sort(took)
	h.Median, h.Within, h.Max = took[len(took)/2], took[(len(took)-1)*99/100], took[len(took)-1]
	return h
}

// Holds tells whether the interval was held: at least 99 % of ticks have their own committed batch, 99 % of batches are committed
// within an interval, and at most one tick is left over at the end.
func (h Held) Holds(interval time.Duration) bool {
	return h.Ticks > 0 && h.Own*100 >= h.Ticks*99 && h.Within <= interval && h.Remaining <= 1
}

// Interval prints whether the interval is held while events come at a steady rate. It is an error if a result is wrong; whether the
// interval is held depends on the machine and is only told.
func Interval(w io.Writer, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	src, err := newDue(int64(o.Rate), o.total(), o.Parallelism)
	if err != nil {
		return err
	}
	var reports []*report.Batch
	from := measure.Now()
	got, err := run(o, src, 0, func(b *report.Batch) { reports = append(reports, b) })
	if err != nil {
		return err
	}
	cost := from.To(measure.Now())
	if err := check(src.total, got); err != nil {
		return err
	}
	h := Judge(reports[1:], o.Interval) // the first batch stands for all ticks since the epoch
	said := "NOT held"
	if h.Holds(o.Interval) {
		said = "held"
	}
	fmt.Fprintf(w, "\nInterval %v at %d events/s, %d batches, parallelism %d, log in a directory: %s\n", o.Interval, o.Rate, len(reports), o.Parallelism, said)
	fmt.Fprintf(w, "ticks with a batch of their own  %.2f %% (%d of %d)\n", 100*float64(h.Own)/float64(h.Ticks), h.Own, h.Ticks)
	fmt.Fprintf(w, "due → committed                  p50 %v, p99 %v, max %v\n", h.Median, h.Within, h.Max)
	fmt.Fprintf(w, "backlog at the end               %d ticks\n", h.Remaining)
	fmt.Fprintf(w, "CPU                              %.2f of a core\n", cost.CPU.Seconds()/cost.Wall.Seconds())
	return nil
}
