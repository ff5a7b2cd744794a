package batchlog

import (
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/driver/store"
)

// life is what the records so far say about batches, and so what may come next.
// It is all that recovery needs, and what a segment's head repeats.
type life struct {
	started bool
	next    Batch    // to be planned; meaningful if started
	commit  *Record  // the last
	open    []Record // plans with neither ABORT nor COMMIT, in order, at most two
}

// maxOpen plans: n runs while n+1 is fixed.
const maxOpen = 2

func (f *life) clone() life {
	c := *f
	c.open = slices.Clone(f.open)
	return c
}

// apply adds a record and keeps its payload, or returns an error and does nothing.
func (f *life) apply(r Record) error {
	why := ""
	switch r.Type {
	case Plan:
		why = f.plan(r)
	case Commit:
		why = f.close(r)
	case Abort:
		why = f.abort(r)
	default:
		if r.Type < Note {
			why = "no such type"
		}
	}
	if why != "" {
		return &OrderError{Type: r.Type, Batch: r.Batch, Why: why}
	}
	return nil
}

func (f *life) plan(r Record) string {
	switch {
	case f.started && r.Batch != f.next:
		return fmt.Sprintf("the next batch to plan is %d", f.next)
	case len(f.open) == maxOpen:
		return fmt.Sprintf("batches %d and %d are still open", f.open[0].Batch, f.open[1].Batch)
	}
	f.started, f.next = true, r.Batch+1
	f.open = append(f.open, r)
	return ""
}

func (f *life) close(r Record) string {
	if len(f.open) == 0 || f.open[0].Batch != r.Batch {
		return "it is not the oldest open batch (" + f.openBatches() + ")"
	}
	f.open = slices.Delete(f.open, 0, 1)
	f.commit = &r
	return ""
}

// abort takes only the newest plan: a later one started from where this one
// ends, and would be left with a wrong input.
func (f *life) abort(r Record) string {
	last := len(f.open) - 1
	if last < 0 || f.open[last].Batch != r.Batch {
		return "it is not the newest open batch (" + f.openBatches() + ")"
	}
	f.open = f.open[:last]
	f.next = r.Batch
	return ""
}

func (f *life) openBatches() string {
	s := "open:"
	for _, p := range f.open {
		s += fmt.Sprintf(" %d", p.Batch)
	}
	if len(f.open) == 0 {
		s += " none"
	}
	return s
}

// Recovery is what a log says at its end.
type Recovery struct {
	// Epoch of the driver that opened the log; of a log read without a lock, the
	// epoch of its last segment.
	Epoch store.Epoch
	// Commit is the last one, nil if no batch was ever committed. The batch after
	// it is the first of Open, or else the next to plan.
	Commit *Record
	// Open are the plans without ABORT and COMMIT, oldest first, at most two: to
	// be redone in this order with exactly this input.
	Open []Record
	// Next is the batch that the next PLAN must name. If Fresh it is 0 and any
	// number will do.
	Next  Batch
	Fresh bool // no batch was ever planned
	// Torn names the file to which the bytes of a torn tail were copied, "" if
	// there was none.
	Torn string
}

func (f *life) recovery(e store.Epoch) Recovery {
	return Recovery{Epoch: e, Commit: f.commit, Open: slices.Clone(f.open), Next: f.next, Fresh: !f.started}
}
