package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tidemill/tidemill/cmd/crash/netns"
)

func main() {
	var s settings
	s.flags(flag.CommandLine)
	flag.Parse()
	good, err := s.run(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// run is the mode that the flags choose. good says that everything was right.
func (s *settings) run(w io.Writer) (good bool, err error) {
	if s.replay != "" {
		return s.again(w)
	}
	if err := s.check(); err != nil {
		return false, err
	}
	if s.netns {
		if err := netns.Available(); err != nil {
			fmt.Fprintf(w, "crash: skipped: runs in network namespaces: %v\n", err)
			return !(os.Getenv("CI") == "true" && os.Geteuid() == 0), nil
		}
	}
	if s.lineage > 0 {
		return s.moveMillions(w)
	}
	plans := s.plans()
	var t tally
	for i, p := range plans {
		r, err := execute(s, p)
		if err != nil {
			return false, err
		}
		t.add(r)
		fmt.Fprintln(w, line(i+1, len(plans), r))
		if !r.good() {
			fmt.Fprintf(w, "%s\n  report: %s\n", why(r), s.reports+"/"+p.Name)
		}
	}
	t.print(w)
	return len(t.complaints()) == 0, nil
}

// again judges a report.
func (s *settings) again(w io.Writer) (good bool, err error) {
	r, err := replay(s.replay)
	if err != nil {
		return false, fmt.Errorf("replay %s: %w", s.replay, err)
	}
	fmt.Fprintln(w, line(1, 1, r))
	if !r.good() {
		fmt.Fprintln(w, why(r))
	}
	var t tally
	t.add(r)
	t.print(w)
	return r.good(), nil
}
