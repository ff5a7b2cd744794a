package main

import (
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/cmd/driver/supervise"
	"github.com/tidemill/tidemill/driver/config"
)

func init() { commands = append(commands, newDoctor) }

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor [flags] job.go|./pkg [-- job flags]",
		Short: "Check what a job needs: brokers, topics, nodes, tables, clock, disk",
		Long: "Check what a job needs around it, and say what to do about what is wrong: that brokers and nodes answer, that topics, keyspaces and\n" +
			"tables are there and fit the job's rows, that clocks agree, that the disk has room. Nothing is changed. The exit status is 1 if\n" +
			"something is broken.",
		Args: jobArgs,
		RunE: func(c *cobra.Command, args []string) error {
			j, err := prepare(c, args)
			if err != nil {
				return err
			}
			j.start.Mode = config.ModeDoctor
			return statusOf(supervise.Once(func() *exec.Cmd { return j.command(j.start) }))
		},
	}
	jobFlags(c)
	jobClusterFlags(c)
	return c
}
