// Command executor is a node of a cluster: it runs the workers of jobs.
//
//	executor --join 10.0.0.1:7946 --listen 10.0.0.2:7077 --gossip 10.0.0.2:7946 --ca ca.pem --cert e2.pem --key e2.key --secret cluster.secret
//
// Without flags it is the first executor of a cluster on this machine's loopback interface. SIGTERM drains it, a second one ends it at
// once. See package executor/node for what it does.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/executor/node"
)

func main() {
	if err := newExecutor(os.Stdout).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newExecutor is the command; what it has to say goes to out.
func newExecutor(out io.Writer) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:           "executor",
		Short:         "Run the workers of jobs on this machine",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			o, err := f.options()
			if err != nil {
				return fmt.Errorf("executor: %w", err)
			}
			o.Out, o.Progress = out, driver.LastBatch
			o.Started = func(a node.About) { announce(out, a, f.identity.Insecure) }
			ctx, now, release := signals()
			defer release()
			o.Now = now
			return node.Run(ctx, o)
		},
	}
	c.CompletionOptions.HiddenDefaultCmd = true
	f.register(c.Flags())
	return c
}

// signals gives a context that the first signal to stop ends, and a channel that the second closes.
func signals() (ctx context.Context, now <-chan struct{}, release func()) {
	ctx, end := context.WithCancel(context.Background())
	second, over := make(chan struct{}), make(chan struct{})
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for _, then := range []func(){end, func() { close(second) }} {
			select {
			case <-c:
				then()
			case <-over:
				return
			}
		}
	}()
	return ctx, second, func() {
		signal.Stop(c)
		close(over)
		end()
	}
}
