package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/fleet/operate"
)

func init() { commands = append(commands, newStop) }

func newStop() *cobra.Command {
	c := &cobra.Command{
		Use:   "stop [flags] JOB",
		Short: "End a job of a cluster after the batch at hand",
		Long: "Ask a job's driver to finish the batch at hand and to end, and wait until nothing of the job runs any more. Drivers that stand by for\n" +
			"it end first. The checkpoint stays: the job goes on where it was when it is started again.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			now, err := c.Flags().GetBool("now")
			if err != nil {
				return err
			}
			return waiting(c, func(ctx context.Context, o *operate.Cluster) error {
				return o.Stop(ctx, args[0], operate.StopOptions{Now: now, Say: func(text string) { fmt.Fprintln(c.OutOrStdout(), text) }})
			})
		},
	}
	waitFlags(c, 5*time.Minute)
	c.Flags().Bool("now", false, "do not wait for the batch at hand, which is run again at the next start")
	return c
}

// waitFlags adds the flags of a command that waits for something in a cluster.
func waitFlags(c *cobra.Command, long time.Duration) {
	clusterFlags(c)
	c.Flags().String("config", "", "configuration `file` (default tidemill.yaml here)")
	c.Flags().Duration("wait", long, "how `long` to wait at most")
}

func waiting(c *cobra.Command, do func(context.Context, *operate.Cluster) error) error {
	long, err := c.Flags().GetDuration("wait")
	if err != nil {
		return err
	}
	return withCluster(c, func(ctx context.Context, o *operate.Cluster) error {
		ctx, cancel := context.WithTimeout(ctx, long)
		defer cancel()
		return do(ctx, o)
	})
}
