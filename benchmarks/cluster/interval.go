package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/batch"
	"github.com/tidemill/tidemill/driver/report"
)

// heldKeys is the state of the jobs that show how short batches can be, and warmUp what passes before they are measured.
const (
	heldKeys = 10_000
	warmUp   = 2 * time.Second
)

// held measures whether an interval is held over three executors.
func held(ctx context.Context, w io.Writer, o Options) (err error) {
	reports, err := o.steady(ctx, load{name: "interval", executors: 3, interval: o.Interval, keys: heldKeys, rate: o.Rate})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nInterval %v over 3 executors at %d rows/s for %v, log in a directory: %s\n", o.Interval, o.Rate, o.For, judged(reports, o.Interval))
	printHeld(w, reports, o.Interval)
	return nil
}

// steady runs a job for a while, and returns the reports of its batches from then on when it was warm.
func (o Options) steady(ctx context.Context, l load) (reports []*report.Batch, err error) {
	l.most = o.For + warmUp
	s, err := o.start(ctx, l)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	err = s.await(ctx, "a part of the work at each executor", lookEvery, func() bool { return s.writing() == s.executors })
	if err != nil {
		return nil, err
	}
	if err := s.pass(ctx, warmUp); err != nil {
		return nil, err
	}
	from := s.last()
	if err := s.pass(ctx, o.For); err != nil {
		return nil, err
	}
	all, err := s.reports()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.finish(), s.check(all)); err != nil {
		return nil, err
	}
	if reports = after(all, from, int64(len(all))); len(reports) == 0 {
		return nil, fmt.Errorf("no batch was committed in %v", o.For)
	}
	return reports, nil
}

// judged is held or not, by the rule of package batch.
func judged(reports []*report.Batch, interval time.Duration) string {
	if batch.Judge(reports, interval).Holds(interval) {
		return "held"
	}
	return "NOT held"
}

func printHeld(w io.Writer, reports []*report.Batch, interval time.Duration) {
	h := batch.Judge(reports, interval)
	fmt.Fprintf(w, "ticks with a batch of their own  %.2f %% (%d of %d)\n", 100*float64(h.Own)/float64(h.Ticks), h.Own, h.Ticks)
	fmt.Fprintf(w, "due → committed                  %s\n", spread(reports, func(b *report.Batch) time.Duration { return b.Timeline.Committed }))
	fmt.Fprintf(w, "PLAN durable → COMMIT durable    %s\n", spread(reports, between))
	for _, step := range steps {
		fmt.Fprintf(w, "  %-30s %s\n", step.name, spread(reports, step.took))
	}
	fmt.Fprintf(w, "backlog at the end               %d ticks\n", h.Remaining)
}
