package batch

import (
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/report"
)

// Memory prints the resident memory of the process over many batches, default 10,000: after the first tenth of them, which warms up,
// at the end, and at most.
func Memory(w io.Writer, o Options) error {
	if o.Batches == 0 {
		o.Batches = 10_000
	}
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	src, err := newDue(int64(o.Rate), o.total(), o.Parallelism)
	if err != nil {
		return err
	}
	var samples []int64
	var failed error
	seen, every := 0, max(o.Batches/200, 1)
	got, err := run(o, src, 0, func(*report.Batch) {
		if seen++; seen%every != 0 {
			return
		}
		rss, err := measure.RSS()
		samples, failed = append(samples, rss), errors.Join(failed, err)
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if err := check(src.total, got); err != nil {
		return err
	}
	if len(samples) < 10 {
		return fmt.Errorf("only %d samples in %d batches: the engine was far behind", len(samples), seen)
	}
	tenth := len(samples) / 10
	first, last := mean(samples[tenth:2*tenth]), mean(samples[len(samples)-tenth:])
	most := int64(0)
	for _, s := range samples {
		most = max(most, s)
	}
	const mib = 1 << 20
	fmt.Fprintf(w, "\nResident memory over %d batches of %d events/s, one every %v\n", seen, o.Rate, o.Interval)
	fmt.Fprintf(w, "second tenth of the run  %.1f MiB\nlast tenth               %.1f MiB (%+.1f %%)\nat most                  %.1f MiB\n",
		first/mib, last/mib, 100*(last-first)/first, float64(most)/mib)
	return nil
}

func mean(all []int64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += float64(v)
	}
	return sum / float64(len(all))
}
