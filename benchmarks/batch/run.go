package batch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

// Options of the scenarios. The zero value is the one whose figures the README has.
type Options struct {
	Batches     int           // default 2,000
	Interval    time.Duration // default 5 ms
	Rate        int           // events a second; default 100,000
	Parallelism int           // default 2
	Dir         string        // where the log is written; default: a temporary directory
}

func (o Options) withDefaults() (Options, error) {
	if o.Batches == 0 {
		o.Batches = 2000
	}
	if o.Interval == 0 {
		o.Interval = 5 * time.Millisecond
	}
	if o.Rate == 0 {
		o.Rate = 100_000
	}
	if o.Parallelism == 0 {
		o.Parallelism = 2
	}
	if o.Batches < 10 || o.Interval < 0 || o.Rate < 0 || o.Parallelism < 0 {
		return o, fmt.Errorf("%d batches, one every %v, %d events/s, parallelism %d: want 10 batches at least and positive numbers", o.Batches, o.Interval, o.Rate, o.Parallelism)
	}
	return o, nil
}

// total is how many events become due in all batches.
func (o Options) total() int64 {
	return int64(o.Rate) * int64(o.Batches) * o.Interval.Microseconds() / time.Second.Microseconds()
}

// run runs the job over a source until it has ended, or for so many batches, and shows each report to observe.
func run(o Options, src *due, batches int64, observe func(*report.Batch)) (*views, error) {
	dir, err := os.MkdirTemp(o.Dir, "batch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l, err := ysb.Make(ysb.Shape{Events: 1})
	if err != nil {
		return nil, err
	}
	sink := &views{}
	err = driver.Run(context.Background(), context.Background(), ysb.Build, driver.Options{
		Name: "batch", Interval: o.Interval, Checkpoint: filepath.Join(dir, "checkpoint"), Scratch: filepath.Join(dir, "scratch"),
		Parallelism: o.Parallelism, MaxBatches: batches, Settings: dstream.Settings{Default: "memory://"}, Observe: observe,
		Place: dstream.Place{
			Sources: map[string]dstream.Connector{"ads": src, "campaigns": l.Table()},
			Sinks:   map[string]dstream.RecordSink{"views": sink},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("run the job: %w", err)
	}
	return sink, nil
}

// check compares what a run wrote with what the source's events amount to.
func check(events int64, got *views) error {
	l, err := ysb.Make(ysb.Shape{Events: int(events), Spacing: spacing})
	if err != nil {
		return err
	}
	return ysb.Check(l.Want(), got.rows())
}
