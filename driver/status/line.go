package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemill/tidemill/driver/report"
)

// longRunning is from when on the line says how long the batch at hand has been running.
const longRunning = 2 * time.Second

// segments are the parts of the line, the most important first.
func (p *Progress) segments(s Summary) []string {
	name := title(word(p.board.Job().Name))
	running, since := p.board.Running()
	slow := ""
	if running != nil && since >= longRunning {
		slow = fmt.Sprintf("batch %s running for %s", count(running.Batch), span(since.Truncate(time.Second)))
	}
	if s.Batches == 0 {
		if slow == "" {
			slow = "waiting for the first batch"
		}
		return []string{name, slow}
	}
	out := []string{
		name,
		"batch " + count(s.LastBatch),
		short(s.RowsPerSecond) + " rows/s",
		short(float64(s.Rows)) + " rows",
		"lag " + span(s.Lag),
		"late " + count(s.Late),
		"dead " + count(s.DeadLetters),
		"⟂ state " + plural(s.StateKeys, "key", "keys"),
	}
	if s.LagRows > 0 { // after the time's lag, which it explains
		out = slices.Insert(out, 5, short(float64(s.LagRows))+" rows left")
	}
	if slow != "" {
		out = append(out[:2:2], append([]string{slow}, out[2:]...)...)
	}
	return out
}

func join(segments []string) string { return strings.Join(segments, "  ") }

// fit joins as many segments as fit into width, and cuts the first if not even that does.
func fit(segments []string, width int) string {
	for n := len(segments); n > 0; n-- {
		if line := join(segments[:n]); utf8.RuneCountInString(line) <= width {
			return line
		}
	}
	first := []rune(segments[0])
	return string(first[:max(0, min(width, len(first)))])
}

// told is what is said of a batch that failed or was redone, in whole lines.
func told(r *report.Batch) string {
	name := title(word(r.Job))
	if r.Outcome == report.Failed {
		why := strings.TrimSpace(clean(r.Error))
		if why == "" {
			why = "the report does not say why"
		}
		return fmt.Sprintf("%s  batch %s failed: %s\n", name, count(r.Batch), strings.ReplaceAll(why, "\n", "\n    "))
	}
	return fmt.Sprintf("%s  batch %s redone after a crash: %s in %s\n",
		name, count(r.Batch), plural(r.Rows(), "row", "rows"), span(r.Timeline.Committed))
}

// ending is the last line.
func (p *Progress) ending(s Summary, took time.Duration, why string) string {
	name := title(word(p.board.Job().Name))
	out := []string{
		name + "  ended: " + word(why),
		plural(s.Batches, "batch", "batches"),
		fmt.Sprintf("%s rows in %s, %s rows/s", short(float64(s.Rows)), span(took), short(s.MeanPerSecond)),
		"late " + count(s.Late),
		"dead " + count(s.DeadLetters),
	}
	return join(out) + "\n"
}
