package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is one line of `go test -json`; the fields are documented at `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output, instead of Package
	Test       string
	Output     string
}

// outcome is what a run of `go test` came to.
type outcome struct {
	passed, failed, skipped []string          // tests as package.Test
	broken                  []string          // packages that failed without a failing test: they do not build, or died
	reasons                 map[string]string // why a test was skipped, or the first things that a failed one said
}

// goTest runs `go test -json` and follows it. Lines about packages and the output of failing tests go to w as they come.
func goTest(w io.Writer, args ...string) (*outcome, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start go test: %w", err)
	}
	o, err := follow(w, out)
	if waitErr := cmd.Wait(); waitErr != nil && err == nil && len(o.failed)+len(o.broken) == 0 {
		err = fmt.Errorf("go test %s: %w", strings.Join(args, " "), waitErr)
	}
	return o, err
}

// follow reads events. The output of a test is held back until it is known to have failed.
func follow(w io.Writer, from io.Reader) (*outcome, error) {
	o := &outcome{reasons: map[string]string{}}
	held := map[string][]string{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(w, lines.Text()) // the go command itself has something to say
			continue
		}
		o.take(w, e, held)
	}
	return o, lines.Err()
}

func (o *outcome) take(w io.Writer, e event, held map[string][]string) {
	if e.Test == "" {
		o.takePackage(w, e, held)
		return
	}
	name := e.Package + "." + e.Test
	switch e.Action {
	case "output":
		held[name] = append(held[name], e.Output)
	case "pass":
		o.passed = append(o.passed, name)
	case "skip":
		o.skipped = append(o.skipped, name)
		o.reasons[name] = reason(held[name])
	case "fail":
		o.failed = append(o.failed, name)
		o.reasons[name] = complaint(held[name])
		fmt.Fprint(w, strings.Join(held[name], ""))
	}
	if e.Action == "pass" || e.Action == "skip" || e.Action == "fail" {
		delete(held, name)
	}
}

// takePackage takes what is said about a package as a whole: "ok …", "FAIL …", a panic, errors of the build.
func (o *outcome) takePackage(w io.Writer, e event, held map[string][]string) {
	switch e.Action {
	case "build-output":
		fmt.Fprint(w, e.Output)
	case "output":
		if e.Output != "PASS\n" && !strings.Contains(e.Output, "[no test files]") {
			fmt.Fprint(w, e.Output)
		}
	case "fail":
		if slices.ContainsFunc(o.failed, func(t string) bool { return strings.HasPrefix(t, e.Package+".") }) {
			return
		}
		o.broken = append(o.broken, e.Package)
		for name, text := range held { // of the tests that were running when it died
			if strings.HasPrefix(name, e.Package+".") {
				fmt.Fprint(w, strings.Join(text, ""))
			}
		}
	}
}

// reason is what a skipped test said, without the lines that `go test` adds.
func reason(output []string) string {
	for _, line := range output {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			return text
		}
	}
	return "no reason given"
}

// complained is a line that a test itself wrote, not a helper about what it does.
var complained = regexp.MustCompile(`^\s*\w+_test\.go:\d+: `)

// complaint is the first few things that a failed test said, for the summary: what stands above may be thousands of lines of a server's log.
func complaint(output []string) string {
	var said []string
	for _, line := range output {
		if complained.MatchString(line) && len(said) < 3 {
			said = append(said, strings.TrimSpace(line))
		}
	}
	if said == nil {
		return reason(output)
	}
	return strings.Join(said, "; ")
}
