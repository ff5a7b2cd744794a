package main

import (
	"context"
	"flag"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/batch"
	"github.com/tidemill/tidemill/benchmarks/cassandra"
	"github.com/tidemill/tidemill/benchmarks/checkpoint"
	"github.com/tidemill/tidemill/benchmarks/kafka"
	"github.com/tidemill/tidemill/benchmarks/rivals"
	"github.com/tidemill/tidemill/benchmarks/shuffle"
	"github.com/tidemill/tidemill/benchmarks/startup"
	"github.com/tidemill/tidemill/benchmarks/state"
	"github.com/tidemill/tidemill/benchmarks/ysb"
)

var scenarios = []scenario{
	{"ysb", "the job of the Yahoo streaming benchmark over rows and NDJSON in memory, against a loop by hand", runYSB},
	{"empty", "CPU time of a batch without rows", batches(batch.Empty, time.Millisecond, 2000)},
	{"interval", "whether a short batch interval is held", batches(batch.Interval, 5*time.Millisecond, 2000)},
	{"memory", "resident memory over many batches", batches(batch.Memory, 5*time.Millisecond, 10_000)},
	{"schedule", "what a batch costs the driver, from 1 to 1,000 executors", runSchedule},
	{"state", "what snapshots in the background add to batches, and how fast state is restored", runState},
	{"startup", "from the start of `driver run` to the first batch, of an unchanged and of an edited job", runStartup},
	{"cluster", "executors as processes: empty batches, a short interval, executors killed, executors that come and go", runCluster},
	{"shuffle", "blocks from one process to another, with and without TLS", shuffle.Run},
	{"kafka", "the Kafka source and the demo's job against a loop by hand, on a real broker (needs Java and Maven)", runKafka},
	{"cassandra", "the Cassandra sink against batches and single inserts by hand, on a real node (needs Java and Maven)", runCassandra},
	{"checkpoint", "how long an append to a checkpoint takes, in a directory and in Cassandra (needs Java and Maven)", runCheckpoint},
	{"rivals", "the demo's job against Spark and Flink, on a real broker (needs Java, Maven and Python; fetches 600 MB once)", runRivals},
}

func runYSB(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o ysb.Options
	flags.IntVar(&o.Events, "n", 1<<22, "events")
	flags.IntVar(&o.Batch, "batch", 1<<20, "events of a batch")
	flags.IntVar(&o.Pairs, "pairs", 5, "runs of each, in turn")
	flags.DurationVar(&o.Spacing, "spacing", 100*time.Microsecond, "event time between two events")
	flags.StringVar(&o.Input, "input", "", "rows or ndjson; both if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return ysb.Scenario(w, o)
}

// batches makes a scenario of one of package batch, which share their flags.
func batches(run func(io.Writer, batch.Options) error, interval time.Duration, n int) func(io.Writer, *flag.FlagSet, []string) error {
	return func(w io.Writer, flags *flag.FlagSet, args []string) error {
		var o batch.Options
		flags.IntVar(&o.Batches, "batches", n, "batches")
		flags.DurationVar(&o.Interval, "interval", interval, "of the batches")
		flags.IntVar(&o.Rate, "rate", 100_000, "events a second")
		flags.IntVar(&o.Parallelism, "parallelism", 2, "tasks at a time")
		flags.StringVar(&o.Dir, "dir", "", "where the log is written; a temporary directory if empty")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return run(w, o)
	}
}

func runState(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o state.Options
	flags.IntVar(&o.Keys, "keys", 1_000_000, "held")
	flags.IntVar(&o.Touched, "touched", 50_000, "keys that a batch touches")
	flags.IntVar(&o.Batches, "batches", 100, "of a run")
	flags.IntVar(&o.Partitions, "partitions", 2, "of the state, all of them run at a time")
	flags.DurationVar(&o.Interval, "interval", 100*time.Millisecond, "of the batches; negative = they follow each other")
	flags.IntVar(&o.Pairs, "pairs", 5, "runs of each, in turn")
	flags.StringVar(&o.Dir, "dir", "", "where state is written; a temporary directory if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return state.Scenario(w, o)
}

func runStartup(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o startup.Options
	flags.IntVar(&o.Runs, "runs", 5, "runs of each kind")
	flags.StringVar(&o.Driver, "driver", "bin/driver", "the driver command")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return startup.Scenario(context.Background(), w, o)
}

// load adds the flags of what a topic is filled with.
func load(flags *flag.FlagSet, l *kafka.Load, events, partitions int) {
	flags.IntVar(&l.Events, "n", events, "events")
	flags.IntVar(&l.Partitions, "partitions", partitions, "of the topic")
	flags.DurationVar(&l.Spacing, "spacing", 100*time.Microsecond, "event time between two events")
}

func runKafka(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o kafka.Options
	load(flags, &o.Load, 4_000_000, 4)
	flags.IntVar(&o.Pairs, "pairs", 5, "runs of each, in turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return kafka.Scenario(context.Background(), w, o)
}

func runCassandra(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o cassandra.Options
	flags.IntVar(&o.Rows, "n", 200_000, "rows of a run")
	flags.IntVar(&o.Batch, "batch", 50_000, "rows of a batch of the engine")
	flags.IntVar(&o.Pairs, "pairs", 5, "runs of each, in turn")
	flags.IntVar(&o.Warm, "warm", 3, "runs of each that are not measured; negative for none")
	flags.IntVar(&o.InFlight, "inflight", 64, "batches of the loop by hand that are under way")
	flags.IntVar(&o.Writers, "writers", 64, "of single inserts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return cassandra.Scenario(context.Background(), w, o)
}

func runCheckpoint(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o checkpoint.Options
	flags.IntVar(&o.Batches, "batches", 1000, "batches of each store")
	flags.IntVar(&o.Record, "record", 2000, "bytes of a PLAN and of a COMMIT")
	flags.IntVar(&o.State, "state", 100_000, "bytes of a batch's deltas of state")
	flags.StringVar(&o.Dir, "dir", "", "where the directory is made; that of temporary files if empty")
	flags.StringVar(&o.URL, "url", "", "of a checkpoint to measure instead of a node that is started")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return checkpoint.Scenario(context.Background(), w, o)
}

func runRivals(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o rivals.Options
	load(flags, &o.Load, 5_000_000, 2)
	flags.IntVar(&o.Pairs, "pairs", 3, "runs of each, in turn")
	flags.StringVar(&o.Rival, "rival", "", "spark or flink; both if empty")
	flags.IntVar(&o.SparkBatch, "sparkbatch", 500_000, "events of Spark's micro-batches")
	flags.IntVar(&o.SparkWarm, "sparkwarm", 2, "of them that are not measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return rivals.Scenario(context.Background(), w, o)
}
