package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSink("console", func(e dstream.Endpoint) (dstream.RecordSink, error) {
		if e.Out != nil {
			return Open(e, e.Out)
		}
		return Open(e, os.Stdout)
	})
}

// Sink prints rows. It is safe for concurrent use.
type Sink struct {
	rows, width int
	header      []string

	mu sync.Mutex // one batch is written at a time
	w  io.Writer
}

// Open returns the sink of an endpoint that prints to w.
func Open(e dstream.Endpoint, w io.Writer) (*Sink, error) {
	p := param.Of(e.URL)
	s := &Sink{rows: int(p.Int("rows", 10, 1, 10_000)), width: int(p.Int("width", 80, 1, 100_000)), w: w}
	for _, f := range e.Rows.Fields {
		s.header = append(s.header, f.Name)
	}
	if e.URL.Host+e.URL.Path+e.URL.Opaque != "" {
		return nil, fmt.Errorf("%s: the console has no path: write console://", e.URL.Redacted())
	}
	return s, p.Err()
}

// Guarantee is AtLeastOnce: what is printed cannot be taken back.
func (s *Sink) Guarantee() dstream.Guarantee { return dstream.AtLeastOnce }

// Write keeps a partition's first rows, as text, in the receipt.
func (s *Sink) Write(ctx context.Context, _ dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var r dstream.Receipt
	var kept [][]string
	for out, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return dstream.Receipt{}, err
		}
		for i := 0; i < int(out.Record.NumRows()) && len(kept) < s.rows; i++ {
			kept = append(kept, s.cells(out, i))
		}
		r.Rows += out.Record.NumRows()
	}
	if r.Rows == 0 {
		return r, nil
	}
	body, err := json.Marshal(kept)
	r.Body = body
	return r, err
}

// Finish prints the batch.
func (s *Sink) Finish(_ context.Context, id dstream.WriteID, receipts []dstream.Receipt) error {
	var total int64
	var rows [][]string
	for i, r := range receipts {
		total += r.Rows
		if len(r.Body) == 0 {
			continue
		}
		var some [][]string
		if err := json.Unmarshal(r.Body, &some); err != nil {
			return fmt.Errorf("receipt of partition %d is not of this sink: %w", i, err)
		}
		rows = append(rows, some...)
	}
	if total == 0 {
		return nil
	}
	rows = rows[:min(len(rows), s.rows)]
	var b bytes.Buffer
	at := time.UnixMicro(id.Timestamp).UTC().Format("2006-01-02 15:04:05.000")
	fmt.Fprintf(&b, "%s\nTime: %s  batch %d\n%s\n", rule, at, id.Batch, rule)
	s.table(&b, rows)
	if more := total - int64(len(rows)); more > 0 {
		fmt.Fprintf(&b, "... and %d more\n", more)
	}
	b.WriteByte('\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(b.Bytes())
	return err
}

const rule = "-------------------------------------------"
