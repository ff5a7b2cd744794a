package status

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/driver/report"
)

// Print writes the batches in the order given: as a table, each failed batch's error below it, or as a JSON array
// with one record a line. The error is that of w.
func Print(w io.Writer, batches []report.Batch, asJSON bool) error {
	all := make([]*report.Batch, len(batches))
	for i := range batches {
		all[i] = &batches[i]
	}
	out := bufio.NewWriter(w)
	err := error(nil)
	if asJSON {
		err = writeJSON(out, all)
	} else {
		err = batchesTable(all).write(out)
	}
	if err != nil {
		return fmt.Errorf("print batches: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print batches: %w", err)
	}
	return nil
}

// PrintOne writes one batch in full: how it ended, its timeline, sources, stages, steps, sinks and ledger. Rows that
// need attention are marked with an exclamation mark. The error is that of w.
func PrintOne(w io.Writer, b *report.Batch) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "batch %s of %s, %s UTC, epoch %d: %s\n", count(b.Batch), word(b.Job), moment(b.Time), b.Epoch, outcome(b))
	if b.Error != "" {
		fmt.Fprint(out, "\n", indent(clean(b.Error), "    "))
	}
	for _, t := range append([]table{timelineTable(b)}, batchTables(b)...) {
		fmt.Fprintf(out, "\n%s: %s\n", t.Title, t.About)
		if err := t.marked().write(out); err != nil {
			return fmt.Errorf("print batch %d: %w", b.Batch, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print batch %d: %w", b.Batch, err)
	}
	return nil
}

// marked puts a column before the others that says which rows are bad: text has no colour.
func (t table) marked() table {
	t.Heads = append([]head{{Text: true}}, t.Heads...)
	rows := make([]row, len(t.Rows))
	for i, r := range t.Rows {
		mark := " "
		if r.Bad {
			mark = "!"
		}
		r.Cells = append(cells(mark), r.Cells...)
		rows[i] = r
	}
	t.Rows = rows
	return t
}

// writeJSON writes an array with one record a line, so that line tools can read it too.
func writeJSON(w io.Writer, batches []*report.Batch) error {
	for i, b := range batches {
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		sep := ",\n"
		if i == 0 {
			sep = "[\n"
		}
		if _, err := fmt.Fprintf(w, "%s%s", sep, text); err != nil {
			return err
		}
	}
	end := "\n]\n"
	if len(batches) == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}
