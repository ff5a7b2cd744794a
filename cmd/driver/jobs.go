package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/fleet/operate"
)

func init() { commands = append(commands, newJobs) }

func newJobs() *cobra.Command {
	c := &cobra.Command{
		Use:   "jobs [flags]",
		Short: "List the jobs of a cluster: where their drivers are, how many executors they use",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := c.Flags().GetBool("json")
			if err != nil {
				return err
			}
			return withCluster(c, func(ctx context.Context, o *operate.Cluster) error { return printJobs(c, o.Look(ctx), asJSON) })
		},
	}
	clusterFlags(c)
	c.Flags().String("config", "", "configuration `file` (default tidemill.yaml here)")
	c.Flags().Bool("json", false, "one JSON object a line")
	return c
}

// printJobs prints what is known. Executors that do not answer make it incomplete, which is said and gives status 1.
func printJobs(c *cobra.Command, v operate.View, asJSON bool) (err error) {
	if asJSON {
		e := json.NewEncoder(c.OutOrStdout())
		for i := range v.Jobs {
			err = errors.Join(err, e.Encode(v.Jobs[i]))
		}
	} else {
		err = v.Write(c.OutOrStdout(), time.Now())
	}
	for _, s := range v.Silent {
		fmt.Fprintln(c.ErrOrStderr(), "driver:", s)
	}
	if err == nil && len(v.Silent) > 0 {
		err = exitStatus(1)
	}
	return err
}
