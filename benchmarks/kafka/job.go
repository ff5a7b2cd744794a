package kafka

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/benchmarks/ysb"
	_ "github.com/tidemill/tidemill/connectors/generate" // the table of campaigns
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

// interval is that of the job's batches.
const interval = 100 * time.Millisecond

// Job runs the demo's job over the whole topic, in local mode, as a configuration without limits and sizes of its own has it, with its
// log in a directory and its sink in memory; and checks the result. It costs what it takes from the first batch's plan to the last
// commit.
func (t *Topic) Job(ctx context.Context) (measure.Cost, error) {
	c, err := config.Load(config.Options{JobFile: "ads"})
	if err != nil {
		return measure.Cost{}, err
	}
	dir, err := os.MkdirTemp("", "tidemill-kafka-")
	if err != nil {
		return measure.Cost{}, err
	}
	defer os.RemoveAll(dir)
	sink, read := &ysb.Sink{}, int64(0)
	var from, to measure.Mark
	err = driver.Run(ctx, ctx, ysb.Build, driver.Options{
		Name: "ads", Interval: interval, Checkpoint: filepath.Join(dir, "checkpoint"), Scratch: filepath.Join(dir, "scratch"),
		Parallelism: c.Parallelism, ChunkRows: c.ChunkRows, BlockMemory: int64(c.Memory.Blocks), KeyGroups: c.KeyGroups, Retries: c.Retries,
		Limit: limitOf(c), Rate: rate.Options{Off: !c.Rate.Control, Initial: float64(c.Rate.Initial), Target: c.Rate.Target},
		Place: dstream.Place{Sinks: map[string]dstream.RecordSink{"views": sink}},
		Settings: dstream.Settings{
			Sources: map[string]string{"ads": t.URL("format=json")}, Tables: map[string]string{"campaigns": "generate://campaigns?seed=1"},
			Sinks: map[string]string{"views": "memory://"},
		},
		Ready: func(driver.Started) { from = measure.Start() },
		Observe: func(b *report.Batch) {
			to = measure.Now()
			read += b.Rows()
		},
	})
	switch {
	case err != nil:
		return measure.Cost{}, fmt.Errorf("run the job: %w", err)
	case read != int64(t.Events):
		return measure.Cost{}, fmt.Errorf("the job read %d events, %d are in the topic", read, t.Events)
	}
	return from.To(to), ysb.Check(t.Want, sink.Views())
}

func limitOf(c *config.Config) dstream.Limit {
	return dstream.Limit{Rows: c.Limits.RowsPerBatch, Bytes: int64(c.Limits.BytesPerBatch)}
}
