package driver

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/driver/status"
)

// Batches returns the reports of the last batches in a checkpoint, oldest first: committed ones and those that failed. A driver may be
// running on it.
func Batches(checkpoint, job string, last int) ([]report.Batch, error) {
	st, err := openStorage(context.Background(), checkpoint, job, true)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	var out []report.Batch
	for r, err := range batchlog.History(st) {
		if err != nil {
			return nil, err
		}
		b, err := reportOf(r)
		if err != nil {
			return nil, fmt.Errorf("batch %d: %w", r.Batch, err)
		}
		if b != nil {
			out = append(out, *b)
		}
		if len(out) > 2*last {
			out = append(out[:0], out[len(out)-last:]...)
		}
	}
	return out[max(len(out)-last, 0):], nil
}

func reportOf(r batchlog.Record) (*report.Batch, error) {
	switch r.Type {
	case batchlog.Commit:
		c, err := decode[commitRecord]("COMMIT", r.Payload)
		if err != nil {
			return nil, err
		}
		return c.Report, nil
	case batchlog.Abort:
		a, err := decode[abortRecord]("ABORT", r.Payload)
		if err != nil {
			return nil, err
		}
		return a.Report, nil
	}
	return nil, nil
}

// PrintBatches prints the last batches of a checkpoint as a table, or as JSON, one a line.
func PrintBatches(w io.Writer, checkpoint, job string, last int, json bool) error {
	batches, err := Batches(checkpoint, job, last)
	if err != nil {
		return err
	}
	slices.Reverse(batches) // the newest first, as everywhere
	return status.Print(w, batches, json)
}

// LastBatch is the number of the last committed batch of a checkpoint, if it can be told.
func LastBatch(checkpoint string) (batch int64, ok bool) {
	st, err := openStorage(context.Background(), checkpoint, "", true)
	if err != nil {
		return 0, false
	}
	defer st.Close()
	rec, err := batchlog.Read(st)
	if err != nil || rec.Commit == nil {
		return 0, err == nil
	}
	return int64(rec.Commit.Batch), true
}
