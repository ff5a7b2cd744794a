package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/tidemill/tidemill/"

// meant are skips that are no gap: what they leave out is no test.
var meant = map[string]string{
	module + "driver/status.TestShow": "serves a page for a person to look at",
}

// test runs tests and sums up. strict: a test that was skipped fails the run.
func test(w io.Writer, strict bool, args []string) error {
	if slices.Contains(args, "-race") && !hasCompiler() {
		if strict {
			return errors.New("the race detector needs a C compiler: install gcc")
		}
		args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "-race" })
		fmt.Fprintln(w, "suite: no C compiler is here, so the race detector is off")
	}
	o, err := goTest(w, args...)
	if err != nil {
		return err
	}
	gaps := o.gaps()
	for _, name := range gaps {
		fmt.Fprintf(w, "SKIPPED %s: %s\n", short(name), o.reasons[name])
	}
	for _, name := range o.failed {
		fmt.Fprintf(w, "FAILED  %s: %s\n", short(name), o.reasons[name])
	}
	for _, name := range o.broken {
		fmt.Fprintf(w, "BROKEN  %s\n", short(name))
	}
	fmt.Fprintf(w, "suite: %d passed, %d failed, %d skipped\n", len(o.passed), len(o.failed)+len(o.broken), len(gaps))
	switch {
	case len(o.failed)+len(o.broken) > 0:
		return errors.New("tests failed")
	case strict && len(gaps) > 0:
		return errors.New("with CI=true every test has to run; those that were skipped stand above")
	case len(o.passed) == 0:
		return errors.New("no test ran")
	}
	return nil
}

// gaps are the tests that were skipped without being meant to. An input that a fuzz target passes over is none.
func (o *outcome) gaps() []string {
	var out []string
	for _, name := range o.skipped {
		_, test, _ := strings.Cut(strings.TrimPrefix(name, module), ".")
		if meant[name] == "" && !(strings.HasPrefix(test, "Fuzz") && strings.Contains(test, "/")) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func short(name string) string { return strings.TrimPrefix(name, module) }

func hasCompiler() bool {
	for _, name := range []string{"gcc", "clang", "cc"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}
