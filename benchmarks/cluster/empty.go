package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/report"
)

// emptyKeys is the state of the job whose batches are empty, and emptyWarm how many of those are not measured.
const (
	emptyKeys  = 10_000
	emptyWarm  = 50
	emptyAsked = 3 * time.Millisecond
)

// empty measures batches without rows, which follow each other.
func empty(ctx context.Context, w io.Writer, o Options) (err error) {
	s, err := o.start(ctx, load{name: "empty", executors: 4, interval: time.Millisecond, keys: emptyKeys, first: emptyKeys, most: time.Duration(o.Batches) * 100 * time.Millisecond})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if n := s.writing(); n != s.executors {
		return fmt.Errorf("the state of the first batch is on %d executors, not on all %d", n, s.executors)
	}
	if err := s.batches(ctx, emptyWarm); err != nil {
		return err
	}
	costs, from, to, err := s.rounds(ctx, o.Batches)
	if err != nil {
		return err
	}
	reports, err := s.reports()
	if err != nil {
		return err
	}
	if err := errors.Join(s.finish(), s.check(reports)); err != nil {
		return err
	}
	all := after(reports, from, to)
	for _, b := range all {
		if b.Rows()+b.Written() != 0 {
			return fmt.Errorf("batch %d has rows", b.Batch)
		}
	}
	printEmpty(w, s.executors, all, costs)
	return nil
}

// between is how long a batch takes once its PLAN is durable.
func between(b *report.Batch) time.Duration { return b.Timeline.Committed - b.Timeline.Logged }

func printEmpty(w io.Writer, executors int, all []*report.Batch, costs []round) {
	fmt.Fprintf(w, "\nEmpty batches over %d executors, %d of them, log in a directory\n", executors, len(all))
	fmt.Fprintf(w, "PLAN durable → COMMIT durable   %s; asked ≤ %v: %s\n", spread(all, between), emptyAsked, verdict(quantile(all, 0.5, between) <= emptyAsked))
	for _, step := range steps {
		fmt.Fprintf(w, "  %-29s %s\n", step.name, spread(all, step.took))
	}
	for _, c := range []struct {
		name string
		of   func(spent) time.Duration
	}{
		{"CPU of all processes", spent.all},
		{"  driver", func(c spent) time.Duration { return c.driver }},
		{"  daemons", func(c spent) time.Duration { return c.daemons }},
		{"  workers", func(c spent) time.Duration { return c.workers }},
	} {
		fmt.Fprintf(w, "%-31s %v ms a batch\n", c.name, measure.RangeOf(costs, func(r round) float64 { return ms(c.of(r.spent)) / float64(r.batches) }))
	}
}

// verdict says whether a figure is what was asked for.
func verdict(good bool) string {
	if good {
		return "met"
	}
	return "missed"
}

// steps are the parts of a batch's life.
var steps = []struct {
	name string
	took func(*report.Batch) time.Duration
}{
	{"due → planned", func(b *report.Batch) time.Duration { return b.Timeline.Planned }},
	{"planned → PLAN durable", func(b *report.Batch) time.Duration { return b.Timeline.Logged - b.Timeline.Planned }},
	{"PLAN → tasks done", func(b *report.Batch) time.Duration { return b.Timeline.Ran - b.Timeline.Logged }},
	{"tasks → state, sinks durable", func(b *report.Batch) time.Duration { return b.Timeline.Published - b.Timeline.Ran }},
	{"those → COMMIT durable", func(b *report.Batch) time.Duration { return b.Timeline.Committed - b.Timeline.Published }},
}

// round is what some batches have cost.
type round struct {
	spent
	batches int64
}

// rounds lets batches pass, in ten rounds, and says between which two all of them lie.
func (s *stand) rounds(ctx context.Context, batches int) (out []round, from, to int64, err error) {
	from = s.last()
	at, was := from, spent{}
	if was, err = s.spent(); err != nil {
		return nil, 0, 0, err
	}
	for range 10 {
		if err := s.batches(ctx, int64(batches/10)); err != nil {
			return nil, 0, 0, err
		}
		now, err := s.spent()
		if err != nil {
			return nil, 0, 0, err
		}
		out = append(out, round{now.since(was), s.last() - at})
		at, was = s.last(), now
	}
	return out, from, at, nil
}
