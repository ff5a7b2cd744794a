package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/build"
	"github.com/tidemill/tidemill/driver/config"
)

// commands makes the commands; each adds itself.
var commands []func() *cobra.Command

// exitStatus is an end that has been explained already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func main() { os.Exit(run(os.Args[1:])) }

// run is the program without its process: it gives the exit status.
func run(args []string) int {
	root := &cobra.Command{
		Use:           "driver",
		Short:         "Run micro-batch jobs written in Go",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, c := range commands {
		root.AddCommand(c())
	}
	root.SetArgs(args)
	err := root.Execute()
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	report(err)
	return 1
}

// report prints lists of mistakes as they are, since each line begins with the file it is about.
func report(err error) {
	var compile *build.CompileError
	var mistakes config.Mistakes
	if errors.As(err, &compile) || errors.As(err, &mistakes) {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Fprintln(os.Stderr, "driver:", err)
}

// interruptible gives a context that ends at the first signal to stop. After release, others may take the signals.
func interruptible() (ctx context.Context, release func()) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}
