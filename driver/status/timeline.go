package status

import (
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// phase is a part of a batch's life: from the point before to its own.
type phase struct {
	Name, About string
	From, To    time.Duration // since the batch was due
}

// phases returns those that the batch has been through, in order.
func phases(t report.Timeline) []phase {
	all := []phase{
		{Name: "planned", About: "the sources have answered what there is to read", To: t.Planned},
		{Name: "logged", About: "the plan is on disk: from here on the batch has this input for ever", To: t.Logged},
		{Name: "ran", About: "every task is done", To: t.Ran},
		{Name: "published", About: "every sink has its rows", To: t.Published},
		{Name: "committed", About: "the commit is on disk: the batch has happened", To: t.Committed},
	}
	var out []phase
	from := time.Duration(0)
	for _, p := range all {
		if p.To == 0 {
			continue
		}
		p.From = from
		from = max(from, p.To)
		out = append(out, p)
	}
	return out
}

func timelineTable(b *report.Batch) table {
	t := table{
		Title: "Timeline",
		About: "When the batch reached each point of its life, counted from the moment it was due.",
		Heads: []head{{Name: "point", Text: true}, {Name: "after due"}, {Name: "took"}, {Name: "what it means", Text: true, Wrap: true}},
		Empty: "It has not been planned yet.",
	}
	for _, p := range phases(b.Timeline) {
		c := cells(p.Name, span(p.To), span(max(0, p.To-p.From)), p.About)
		c[0].Phase = p.Name
		t.Rows = append(t.Rows, row{Cells: c})
	}
	return t
}

// bar is a part of the drawn timeline, in thousandths of its width.
type bar struct {
	Phase    string
	X, Width int64
}

func bars(t report.Timeline) []bar {
	all := phases(t)
	if len(all) == 0 {
		return nil
	}
	end := time.Duration(1)
	for _, p := range all {
		end = max(end, p.To)
	}
	var out []bar
	for _, p := range all {
		x, to := thousandths(p.From, end), thousandths(max(p.From, p.To), end)
		out = append(out, bar{Phase: p.Name, X: x, Width: to - x})
	}
	return out
}

func thousandths(d, of time.Duration) int64 { return int64(1000 * (float64(d) / float64(of))) }
