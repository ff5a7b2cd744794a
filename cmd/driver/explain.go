package main

import (
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/cmd/driver/supervise"
	"github.com/tidemill/tidemill/driver/config"
)

func init() { commands = append(commands, newExplain) }

func newExplain() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [flags] job.go|./pkg [-- job flags]",
		Short: "Show what a job does: what fuses, what shuffles, what has state",
		Args:  jobArgs,
		RunE: func(c *cobra.Command, args []string) error {
			j, err := prepare(c, args)
			if err != nil {
				return err
			}
			j.start.Mode = config.ModeExplain
			return statusOf(supervise.Once(func() *exec.Cmd { return j.command(j.start) }))
		},
	}
	jobFlags(c)
	return c
}
