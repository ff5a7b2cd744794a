package main

import (
	"context"
	"flag"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/cluster"
)

func runCluster(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o cluster.Options
	flags.StringVar(&o.What, "what", "", "some of empty, interval, recovery and scale, separated by commas; all if empty")
	flags.IntVar(&o.Batches, "batches", 2000, "of empty")
	flags.DurationVar(&o.Interval, "interval", 10*time.Millisecond, "that is to be held")
	flags.DurationVar(&o.For, "for", time.Minute, "how long an interval is to be held, and how long there are 3 and 2 executors")
	flags.IntVar(&o.Rate, "rate", 10_000, "rows a second")
	flags.IntVar(&o.Keys, "keys", 1_000_000, "of state while executors are killed, or come and go")
	flags.IntVar(&o.Kills, "kills", 20, "of executors")
	flags.Uint64Var(&o.Seed, "seed", 1, "decides which executor is killed, and when")
	flags.StringVar(&o.Checkpoint, "checkpoint", "directory", "or cassandra: only how short batches can be then (needs Java and Maven)")
	flags.StringVar(&o.Dir, "dir", "", "where a folder is made for all that is written; that of temporary files if empty")
	flags.StringVar(&o.Bin, "bin", "", "folder with the binaries driver and executor; they are built if it is empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return cluster.Scenario(context.Background(), w, o)
}
