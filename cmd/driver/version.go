package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/build"
)

func init() { commands = append(commands, newVersion) }

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the toolchain and the engine that jobs are built with",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			version := "(unknown)"
			if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
				version = b.Main.Version
			}
			engine, err := build.Engine(c.Context(), ".")
			if err != nil {
				engine = "none: " + err.Error()
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "driver %s %s %s/%s\nengine %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, engine)
			return err
		},
	}
}
