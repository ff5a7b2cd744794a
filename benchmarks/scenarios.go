package main

import (
	"flag"
	"io"

	"github.com/tidemill/tidemill/benchmarks/ysb"
)

var scenarios = []scenario{
	{"ysb", "the job of the Yahoo streaming benchmark over rows and NDJSON in memory, against a loop by hand", runYSB},
}

func runYSB(w io.Writer, flags *flag.FlagSet, args []string) error {
	var o ysb.Options
	flags.IntVar(&o.Events, "n", 1<<22, "events")
	flags.IntVar(&o.Batch, "batch", 1<<20, "events of a batch")
	flags.IntVar(&o.Pairs, "pairs", 5, "runs of each, in turn")
	flags.DurationVar(&o.Spacing, "spacing", 100_000, "event time between two events")
	flags.StringVar(&o.Input, "input", "", "rows or ndjson; both if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return ysb.Scenario(w, o)
}
