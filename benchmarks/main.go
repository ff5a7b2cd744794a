package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

// scenario is one thing that is measured. Its flags are added to those that it is given.
type scenario struct {
	name, about string
	run         func(w io.Writer, flags *flag.FlagSet, args []string) error
}

func main() {
	err := run(os.Stdout, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string) error {
	if len(args) == 0 {
		list(w)
		return flag.ErrHelp
	}
	for _, s := range scenarios {
		if s.name == args[0] {
			fmt.Fprintln(w, measure.Machine())
			return s.run(w, flag.NewFlagSet("benchmarks "+s.name, flag.ContinueOnError), args[1:])
		}
	}
	list(w)
	return fmt.Errorf("there is no scenario %q", args[0])
}

func list(w io.Writer) {
	fmt.Fprintln(w, "go run ./benchmarks <scenario> [flags], where scenario is one of")
	for _, s := range scenarios {
		fmt.Fprintf(w, "  %-10s %s\n", s.name, s.about)
	}
}
