// Suite runs the tests of all packages and tells what `go test` does not: which tests were skipped, and whether the tests notice a
// bug that was planted.
//
//	suite test [go test flags] [packages]   prints failures, skipped tests and a summary; with CI=true skipping is failing
//	suite planted [tags]                    builds with each tag plantedbug_* in turn and demands that a test fails
//	suite nightly [-fuzztime d]             the long forms: more random cases, and every fuzz target for a while
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: test, planted or nightly")
	}
	switch args[0] {
	case "test":
		return test(w, os.Getenv("CI") == "true", args[1:])
	case "planted":
		return planted(w, args[1:])
	case "nightly":
		flags := flag.NewFlagSet("nightly", flag.ContinueOnError)
		each := flags.Duration("fuzztime", time.Minute, "for each fuzz target")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return nightly(w, *each)
	}
	return fmt.Errorf("%q is none of test, planted and nightly", args[0])
}
