package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/fleet/operate"
)

// maxExecutors is as many as cluster.executors takes.
const maxExecutors = 10_000

func init() { commands = append(commands, newScale) }

func newScale() *cobra.Command {
	c := &cobra.Command{
		Use:   "scale [flags] JOB N",
		Short: "Change how many executors a job of a cluster uses",
		Long: "Have a job use N executors, or all there are if N is 0, and wait until it does. The job goes on meanwhile: state moves between batches.\n" +
			"After a restart of its driver the job uses as many as cluster.executors says.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 0 || n > maxExecutors {
				return fmt.Errorf("%q is no number of executors: write 0, for all, to %d", args[1], maxExecutors)
			}
			return waiting(c, func(ctx context.Context, o *operate.Cluster) error {
				return o.Scale(ctx, args[0], n, func(text string) { fmt.Fprintln(c.OutOrStdout(), text) })
			})
		},
	}
	waitFlags(c, 2*time.Minute)
	return c
}
