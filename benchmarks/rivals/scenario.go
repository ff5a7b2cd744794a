package rivals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tidemill/tidemill/benchmarks/kafka"
	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/connectors/servicetest"
)

// Options of the scenario. The zero value is the one whose figures the README has.
type Options struct {
	kafka.Load        // 5,000,000 events in 2 partitions by default
	Pairs      int    // default 3
	Rival      string // "spark" or "flink"; default both, one after the other
	SparkBatch int    // events of Spark's micro-batches; default 500,000
	SparkWarm  int    // of them that are not measured; default 2
}

func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		value *int
		is    int
	}{{&o.Events, 5_000_000}, {&o.Partitions, 2}, {&o.Pairs, 3}, {&o.SparkBatch, 500_000}, {&o.SparkWarm, 2}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	if o.Pairs < 1 || o.SparkBatch < 1 || o.SparkWarm < 0 {
		return o, fmt.Errorf("%d pairs, micro-batches of %d, %d of them to get warm: want positive numbers", o.Pairs, o.SparkBatch, o.SparkWarm)
	}
	if !strings.EqualFold(o.Rival, "flink") && o.SparkBatch*o.SparkWarm >= o.Events {
		return o, fmt.Errorf("%d micro-batches of %d to get warm leave nothing of %d events", o.SparkWarm, o.SparkBatch, o.Events)
	}
	if _, err := o.chosen(); err != nil {
		return o, err
	}
	return o, nil
}

func (o Options) chosen() (out []rival, err error) {
	for _, r := range rivals {
		if name, _, _ := strings.Cut(r.name, " "); o.Rival == "" || strings.EqualFold(name, o.Rival) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("rival %q: there are spark and flink", o.Rival)
	}
	return out, nil
}

// Scenario measures the demo's job here against the same by other engines, and prints what it found. A rival that this machine lacks
// something for is left out, with a line that says what. It is an error if any result is wrong, and then no time of that rival is
// printed. The error wraps servicetest.ErrMissing on a machine that no broker can run on.
func Scenario(ctx context.Context, w io.Writer, o Options) (err error) {
	o, err = o.withDefaults()
	if err != nil {
		return err
	}
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tidemill-rivals-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	broker, err := servicetest.StartKafka(ctx, "", servicetest.KafkaOptions{Progress: w})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	t, err := kafka.Fill(ctx, broker.Addresses(), "ads", o.Load)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nA topic of one broker: %d events, %d bytes each, %v apart, %d partitions, not compressed\n", t.Events, t.Values/int64(t.Events), t.Spacing, t.Partitions)
	for _, r := range chosen {
		if err := against(ctx, w, r, o, t, dir); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

func against(ctx context.Context, w io.Writer, r rival, o Options, t *kafka.Topic, dir string) error {
	b, err := r.build(ctx, w, o, t, dir)
	if errors.Is(err, errMissing) {
		fmt.Fprintf(w, "\n%s is left out: %v\n", r.name, err)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	theirs := measure.Contestant{Name: r.name, Run: func() (measure.Cost, error) { return b.run(ctx) }}
	ours := measure.Contestant{Name: "Tidemill", Run: func() (measure.Cost, error) { return t.Job(ctx) }}
	return measure.Contest{Unit: "event", Count: t.Events, Pairs: o.Pairs}.Print(w, theirs, ours)
}
