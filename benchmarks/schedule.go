package main

import (
	"flag"
	"io"

	"github.com/tidemill/tidemill/benchmarks/schedule"
)

func runSchedule(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o schedule.Options
	flags.IntVar(&o.Executors, "executors", 1000, "the most; 1, 10, 100 … are measured as well")
	flags.IntVar(&o.Batches, "batches", 200, "batches for each number of executors")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return schedule.Scenario(w, o)
}
