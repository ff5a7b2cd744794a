package ysb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

// Result is a run of the job.
type Result struct {
	Views   []Views
	Rows    int64 // read
	Batches int
	Cost    measure.Cost // from the first batch's plan to the last commit: without opening and closing the job
}

// Engine says how to run it.
type Engine struct {
	Parallelism int // default 1
	ChunkRows   int // default: the engine's
}

// everyTick is short beside a batch, so that the next one is due as soon as one is committed.
const everyTick = time.Millisecond

// Run runs the job in local mode, with its log in a directory, until the source has ended and the last window is closed.
func Run(l *Load, s *Source, e Engine) (*Result, error) {
	dir, err := os.MkdirTemp("", "ysb-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sink, res := &Sink{}, &Result{}
	var from, to measure.Mark
	err = driver.Run(context.Background(), context.Background(), Build, driver.Options{
		Name: "ysb", Interval: everyTick, Checkpoint: filepath.Join(dir, "checkpoint"), Scratch: filepath.Join(dir, "scratch"),
		Parallelism: e.Parallelism, ChunkRows: e.ChunkRows, Settings: settings, Place: place(l, s, sink),
		Ready: func(driver.Started) { from = measure.Start() },
		Observe: func(b *report.Batch) {
			to = measure.Now()
			res.Batches++
			res.Rows += b.Rows()
		},
	})
	if err != nil {
		return nil, fmt.Errorf("run the job: %w", err)
	}
	res.Views, res.Cost = sink.Views(), from.To(to)
	return res, nil
}

var settings = dstream.Settings{Default: "memory://"}

func place(l *Load, s *Source, sink *Sink) dstream.Place {
	return dstream.Place{
		Sources: map[string]dstream.Connector{"ads": s, "campaigns": l.Table()},
		Sinks:   map[string]dstream.RecordSink{"views": sink},
	}
}
