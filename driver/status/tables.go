package status

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/driver/report"
)

// batchTables describe one batch in full, but for its timeline.
func batchTables(b *report.Batch) []table {
	return []table{sourcesTable(b), stagesTable(b), stepsTable(b), sinksTable(b), ledgerTable(b)}
}

func batchesTable(batches []*report.Batch) table {
	t := table{
		Title: "Batches",
		About: "One row per batch, newest first: what it read and wrote, and how long after it was due it was committed.",
		Heads: []head{
			{Name: "batch"}, {Name: "time (UTC)", Text: true}, {Name: "rows"}, {Name: "late"}, {Name: "written"},
			{Name: "spilled"}, {Name: "due→commit"}, {Name: "stages"}, {Name: "outcome", Text: true, Wrap: true},
		},
		Empty: "No batch has ended yet.",
	}
	for _, b := range batches {
		r := row{Bad: b.Outcome == report.Failed, Below: b.Error, Cells: cells(
			count(b.Batch), moment(b.Time), count(b.Rows()), count(b.Late()), count(b.Written()),
			size(b.Spilled()), reached(b.Timeline.Committed), strconv.Itoa(len(b.Stages)), outcome(b),
		)}
		r.Cells[0].Link = "/batches/" + strconv.FormatInt(b.Batch, 10)
		t.Rows = append(t.Rows, r)
	}
	return t
}

// outcome is how the batch ended and what was unusual about it.
func outcome(b *report.Batch) string {
	out := []string{string(b.Outcome)}
	if b.Redone {
		out = append(out, "redone")
	}
	if b.Ticks > 1 {
		out = append(out, count(b.Ticks)+" ticks")
	}
	if n := b.Lost(); n > 0 {
		out = append(out, plural(int64(n), "range", "ranges")+" of input lost")
	}
	retries := 0
	for _, s := range b.Stages {
		retries += max(0, s.Attempts-s.Tasks)
	}
	if retries > 0 {
		out = append(out, plural(int64(retries), "retry", "retries"))
	}
	return strings.Join(out, ", ")
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

func sourcesTable(b *report.Batch) table {
	t := table{
		Title: "Sources",
		About: "What the batch took from each source. Rows that could not be read went to the dead letters; those that are left wait for the next batches.",
		Heads: []head{
			{Name: "source", Text: true}, {Name: "splits"}, {Name: "limit"}, {Name: "fetched"}, {Name: "delivered"}, {Name: "dead letters"},
			{Name: "left"}, {Name: "note", Text: true, Wrap: true},
		},
		Empty: "This batch read no source.",
	}
	for _, s := range b.Sources {
		limit := "–"
		if s.Limit > 0 {
			limit = count(s.Limit)
		}
		t.Rows = append(t.Rows, row{Bad: s.Stalled || len(s.Lost) > 0, Cells: cells(
			s.Name, count(s.Splits), limit, count(s.Fetched), count(s.Delivered), count(s.Rejected), count(s.Lag), sourceNotes(s),
		)})
	}
	return t
}

// sourceNotes are what was unusual about a source, and what it says itself.
func sourceNotes(s report.Source) string {
	var out []string
	for _, n := range []struct {
		is   bool
		text string
	}{{s.Stalled, "stalled: it did not answer in time"}, {s.Idle, "idle: nothing new"}, {s.Ended, "ended"}, {s.Note != "", s.Note}} {
		if n.is {
			out = append(out, n.text)
		}
	}
	for i, l := range s.Lost {
		if i == 3 {
			out = append(out, fmt.Sprintf("%d more ranges lost", len(s.Lost)-i))
			break
		}
		out = append(out, "lost: "+l.String())
	}
	return strings.Join(out, ", ")
}

func stagesTable(b *report.Batch) table {
	t := table{
		Title: "Stages",
		About: "The work of the batch, cut where rows change partition. Steps joined by → ran in one pass over the rows.",
		Heads: []head{
			{Name: "stage", Text: true}, {Name: "steps", Text: true, Wrap: true}, {Name: "at", Text: true}, {Name: "tasks"}, {Name: "retries"},
			{Name: "rows in"}, {Name: "rows out"}, {Name: "output"}, {Name: "spilled"}, {Name: "busy"}, {Name: "longest task"},
		},
		Empty: "This batch ran no stage.",
	}
	for _, s := range b.Stages {
		id := strconv.Itoa(s.Stage)
		if s.Program > 0 {
			id = fmt.Sprintf("body %d / %d", s.Program, s.Stage)
		}
		t.Rows = append(t.Rows, row{Cells: cells(
			id, s.Name, s.At, count(s.Tasks), count(max(0, s.Attempts-s.Tasks)),
			count(s.RowsIn), count(s.RowsOut), size(s.Bytes), size(s.Spilled), span(s.Busy), span(s.Longest),
		)})
	}
	return t
}

func stepsTable(b *report.Batch) table {
	t := table{
		Title: "Steps with state",
		About: "What windows and other steps that remember keys did. A row older than the watermark allows is late.",
		Heads: []head{
			{Name: "step", Text: true}, {Name: "watermark (UTC)", Text: true}, {Name: "behind"}, {Name: "rows"}, {Name: "accepted"},
			{Name: "late"}, {Name: "keys changed"}, {Name: "keys held"}, {Name: "state"},
		},
		Empty: "This batch used no state.",
	}
	for _, s := range b.Steps {
		mark, behind := "none yet", "–"
		switch {
		case s.Ended:
			mark = "ended: all windows close"
		case s.Watermark != nil:
			mark, behind = moment(*s.Watermark), span(b.Time.Sub(*s.Watermark))
		}
		t.Rows = append(t.Rows, row{Cells: cells(
			s.Name, mark, behind, count(s.Rows), count(s.Accepted), count(s.Late), count(s.Touched), count(s.Keys), size(s.Bytes),
		)})
	}
	return t
}

func sinksTable(b *report.Batch) table {
	t := table{
		Title: "Sinks",
		About: "What each sink was offered, what it took by its own receipts, and what it promises after a crash.",
		Heads: []head{
			{Name: "sink", Text: true}, {Name: "guarantee", Text: true}, {Name: "offered"}, {Name: "taken"}, {Name: "busy"},
		},
		Empty: "This batch wrote to no sink.",
	}
	for _, s := range b.Sinks {
		t.Rows = append(t.Rows, row{Bad: s.Offered != s.Taken, Cells: cells(
			s.Name, s.Guarantee, count(s.Offered), count(s.Taken), span(s.Busy),
		)})
	}
	return t
}

func ledgerTable(b *report.Batch) table {
	t := table{
		Title: "Ledger",
		About: "No row is lost or made up: different code counts both sides of every edge. A difference fails the batch.",
		Heads: []head{
			{Name: "kind", Text: true}, {Name: "edge", Text: true}, {Name: "one side counts", Text: true}, {Name: "rows"},
			{Name: "the other counts", Text: true}, {Name: "rows"}, {Name: "difference"},
		},
		Empty: "Nothing has been counted.",
	}
	for _, e := range b.Ledger {
		left, right := sides(e.Kind)
		t.Rows = append(t.Rows, row{Bad: !e.Holds(), Cells: cells(
			e.Kind, e.Name, left, count(e.Left), right, count(e.Right), count(e.Right-e.Left),
		)})
	}
	return t
}

// sides are what an edge of that kind counts on its left and right.
func sides(kind string) (left, right string) {
	switch kind {
	case "split":
		return "fetched", "delivered + dead letters"
	case "exchange":
		return "sent", "received"
	case "step":
		return "came in", "accepted + late"
	case "sink":
		return "offered", "taken"
	}
	return "left", "right"
}
