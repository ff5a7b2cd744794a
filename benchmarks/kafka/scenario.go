package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/config"
)

// Options of the scenario. The zero value is the one whose figures the README has.
type Options struct {
	Load
	Pairs int // default 5
}

// Scenario measures the source and the demo's job against the loop by hand, and prints what it found. It is an error if anything that
// was read is wrong, and then no time is printed. The error wraps servicetest.ErrMissing on a machine that no broker can run on.
func Scenario(ctx context.Context, w io.Writer, o Options) error {
	if o.Pairs == 0 {
		o.Pairs = 5
	}
	if o.Pairs < 1 {
		return fmt.Errorf("%d pairs: want one at least", o.Pairs)
	}
	if _, err := o.withDefaults(); err != nil {
		return err
	}
	broker, err := servicetest.StartKafka(ctx, "", servicetest.KafkaOptions{Progress: w})
	if err != nil {
		return err
	}
	return errors.Join(onBroker(ctx, w, o, broker.Addresses()), broker.Close())
}

func onBroker(ctx context.Context, w io.Writer, o Options, brokers []string) error {
	c, err := config.Load(config.Options{JobFile: "ads"})
	if err != nil {
		return err
	}
	t, err := Fill(ctx, brokers, "ads", o.Load)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nA topic of one broker: %d events, %d bytes each, %v apart, %d partitions, not compressed; %d readers\n",
		t.Events, t.Values/int64(t.Events), t.Spacing, t.Partitions, c.Parallelism)
	return t.contest(ctx, w, o.Pairs, c)
}

// ballast is memory that is only there, 64 MiB: a job's process has at least that. Without it the collector runs after every few answers of
// the broker; that can cost the loop, which keeps nothing, more than all else it does.
const ballast = 64 << 20

func (t *Topic) contest(ctx context.Context, w io.Writer, pairs int, c *config.Config) error {
	heap := make([]byte, ballast)
	defer runtime.KeepAlive(heap)
	loop := measure.Contestant{Name: "the loop", Run: t.counted(func() (Tally, error) { return t.ByHand(c.Parallelism) })}
	source := measure.Contestant{Name: "the source", Run: t.counted(func() (Tally, error) { return t.BySource(ctx, c.Parallelism, limitOf(c)) })}
	job := measure.Contestant{Name: "the demo's job", Run: func() (measure.Cost, error) { return t.Job(ctx) }}
	return measure.Contest{Unit: "event", Count: t.Events, Pairs: pairs, Warm: 1}.Print(w, loop, source, job)
}

// counted makes a contestant's run of a reader. Connecting is part of its cost.
func (t *Topic) counted(read func() (Tally, error)) func() (measure.Cost, error) {
	return func() (measure.Cost, error) {
		var got Tally
		cost, err := measure.Of(func() (err error) { got, err = read(); return err })
		if err == nil {
			err = t.check(got)
		}
		return cost, err
	}
}
