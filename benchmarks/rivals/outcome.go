package rivals

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/benchmarks/ysb"
)

// outcome is what a rival's program says of its run.
type outcome struct {
	all, late int64 // events read, and dropped since they were late
	events    int64 // read while the clock ran
	wall, cpu int64 // ms
}

func parseOutcome(out string) (o outcome, err error) {
	for line := range strings.Lines(out) {
		if _, err := fmt.Sscanf(line, "result all=%d late=%d events=%d wall_ms=%d cpu_ms=%d", &o.all, &o.late, &o.events, &o.wall, &o.cpu); err == nil {
			return o, nil
		}
	}
	return o, errors.New("the program ended without a line that says how it went")
}

// cost is what the rival would take for all events at the rate at which it read those that were timed.
func (o outcome) cost(events int64) (measure.Cost, error) {
	switch {
	case o.all != events:
		return measure.Cost{}, fmt.Errorf("it read %d events, %d are in the topic", o.all, events)
	case o.late != 0:
		return measure.Cost{}, fmt.Errorf("it dropped %d events that were late", o.late)
	case o.events <= 0 || o.wall <= 0 || o.cpu <= 0:
		return measure.Cost{}, fmt.Errorf("it timed %d events in %d ms: take more events, or fewer or smaller batches to get warm", o.events, o.wall)
	}
	scaled := func(ms int64) time.Duration {
		return time.Duration(float64(ms) * float64(time.Millisecond) * float64(events) / float64(o.events))
	}
	return measure.Cost{CPU: scaled(o.cpu), Wall: scaled(o.wall)}, nil
}

// readViews reads a result: lines of campaign, tab, start of the window in ms, tab, views.
func readViews(file string) ([]ysb.Views, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the result: %w", err)
	}
	var out []ysb.Views
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("read the result: line %q", line)
		}
		start, err1 := strconv.ParseInt(f[1], 10, 64)
		views, err2 := strconv.ParseInt(f[2], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read the result: line %q: %w", line, err)
		}
		out = append(out, ysb.Views{Campaign: f[0], Window: time.UnixMilli(start).UTC(), Views: views})
	}
	return out, nil
}
