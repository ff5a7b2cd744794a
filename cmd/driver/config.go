package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/config"
)

func init() { commands = append(commands, newConfig) }

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print every setting with its default and meaning",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if markdown, err := c.Flags().GetBool("markdown"); err != nil || markdown {
				fmt.Fprint(c.OutOrStdout(), config.Markdown())
				return err
			}
			return config.Print(c.OutOrStdout())
		},
	}
	c.Flags().Bool("markdown", false, "as docs/configuration.md")
	return c
}
