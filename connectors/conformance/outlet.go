package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Row is what the suite writes to sinks that take any type.
type Row struct {
	ID   string `col:"id,key"`
	Text string `col:"text"`
	N    int64  `col:"n"`
}

// NewRow returns row i ≥ 0; different i have different IDs. Every third has text that is not ASCII, or none.
func NewRow(i int) Row {
	return Row{ID: fmt.Sprintf("row-%04d", i), Text: [...]string{"plain", "\"ünïcödé\"\t🌊\\", ""}[i%3], N: int64(i) - 2}
}

// Outlet is a sink under test. Its rows are of type T.
type Outlet[T any] struct {
	Open func(dir string) (dstream.RecordSink, error) // opens it; called many times, with one folder and with several
	Row  func(i int) T                                // row i; different i have different keys
	Same func(i int) T                                // another row with the key of row i; nil = rows have no keys
	Read func(dir string) ([]T, error)                // what readers of the sink see, in any order; nil = nobody can tell
}

// Sink runs the suite on a sink, each check as a subtest. What a sink does not promise is not checked.
func Sink[T any](t *testing.T, out Outlet[T]) {
	if check := childOf(t); check != "" {
		out.half(t, check)
	}
	for _, c := range sinkChecks[T]() {
		t.Run(c.name, func(sub *testing.T) {
			if err := out.run(sub, t.Name(), c); err != nil {
				sub.Error(err)
			}
		})
	}
}

// sinkCheck is a promise of sinks.
type sinkCheck[T any] struct {
	name  string
	exact bool // a promise of those that write exactly once
	run   func(*outletRun[T]) error
}

// outletRun is a sink with a folder.
type outletRun[T any] struct {
	Outlet[T]
	test string
	dir  string
}

func (out Outlet[T]) run(t testing.TB, test string, c sinkCheck[T]) error {
	r := &outletRun[T]{out, test, t.TempDir()}
	if c.exact {
		exact := false
		err := r.opened(func(s dstream.RecordSink) error { exact = guaranteeOf(s) == dstream.ExactlyOnce; return nil })
		if err != nil || !exact {
			return err
		}
	}
	return c.run(r)
}

func guaranteeOf(s dstream.RecordSink) dstream.Guarantee {
	if g, ok := s.(dstream.Guaranteed); ok {
		return g.Guarantee()
	}
	return dstream.AtLeastOnce
}

func (r *outletRun[T]) opened(do func(s dstream.RecordSink) error) error {
	s, err := r.Open(r.dir)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return errors.Join(do(s), closeOf(s))
}

// began is the timestamp of batch 0.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// write is a partition's part of a batch.
type write[T any] struct {
	id      dstream.WriteID
	rows    []T
	deleted []bool
	stop    func() // called behind the first chunk
	err     error  // comes behind the first chunk
}

// batch is the write of a batch with one partition.
func batch[T any](n, epoch int64, rows ...T) write[T] {
	return write[T]{rows: rows, id: dstream.WriteID{
		Job: "conformance", Sink: "out", Epoch: epoch, Batch: n, Partitions: 1, Timestamp: began + 1000*n,
	}}
}

// chunks yields the rows in chunks of three, with an empty one in front.
func (w write[T]) chunks() iter.Seq2[dstream.Output, error] {
	return func(yield func(dstream.Output, error) bool) {
		for from := -3; from < len(w.rows); from += 3 {
			lo, hi := max(0, from), min(len(w.rows), from+3)
			c, err := codec.Of[T]()
			if err != nil {
				yield(dstream.Output{}, err)
				return
			}
			rec, err := codec.Encode(c, w.rows[lo:hi])
			out := dstream.Output{Record: rec}
			if w.deleted != nil {
				out.Deleted = w.deleted[lo:hi]
			}
			if !yield(out, err) || err != nil {
				return
			}
			if from >= 0 && w.stop != nil {
				w.stop()
			}
			if from >= 0 && w.err != nil {
				yield(dstream.Output{}, w.err)
				return
			}
		}
	}
}

func (w write[T]) to(s dstream.RecordSink) (dstream.Receipt, error) {
	r, err := s.Write(context.Background(), w.id, w.chunks())
	if err == nil && r.Rows != int64(len(w.rows)) {
		err = fmt.Errorf("the receipt counts %d rows, %d were written", r.Rows, len(w.rows))
	}
	return r, err
}

// commit writes a batch and finishes it.
func commit[T any](s dstream.RecordSink, ws ...write[T]) ([]dstream.Receipt, error) {
	var receipts []dstream.Receipt
	for _, w := range ws {
		r, err := w.to(s)
		if err != nil {
			return nil, fmt.Errorf("write batch %d: %w", w.id.Batch, err)
		}
		receipts = append(receipts, r)
	}
	return receipts, finish(s, ws[0].id, receipts)
}

func finish(s dstream.RecordSink, id dstream.WriteID, receipts []dstream.Receipt) error {
	f, ok := s.(dstream.Finisher)
	if !ok {
		return nil
	}
	id.Partition, id.Attempt = 0, 0
	if err := f.Finish(context.Background(), id, receipts); err != nil {
		return fmt.Errorf("finish batch %d: %w", id.Batch, err)
	}
	return nil
}

// rowsOf is rows from … to−1.
func (r *outletRun[T]) rowsOf(from, to int) []T {
	var out []T
	for i := from; i < to; i++ {
		out = append(out, r.Row(i))
	}
	return out
}

// sees compares what a reader sees.
func (r *outletRun[T]) sees(want ...T) error {
	if r.Read == nil {
		return nil
	}
	got, err := r.Read(r.dir)
	if err != nil {
		return fmt.Errorf("read the sink: %w", err)
	}
	return sameRows(asText(got), asText(want))
}

func asText[T any](rows []T) []string {
	out := make([]string, len(rows))
	for i, v := range rows {
		out[i] = fmt.Sprintf("%+v", v)
	}
	return out
}

// half is what the child does before it is killed.
func (out Outlet[T]) half(t testing.TB, check string) {
	r := &outletRun[T]{out, t.Name(), os.Getenv(envFolder)}
	s, err := r.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commit(s, batch(1, 1, r.rowsOf(0, 4)...)); err != nil {
		t.Fatal(err)
	}
	w := batch(2, 1, r.rowsOf(4, 12)...)
	if check == killWithin {
		w.stop = waitForDeath
	}
	receipt, err := w.to(s)
	if err != nil {
		t.Fatal(err)
	}
	if check == killCommitted {
		if err := finish(s, w.id, []dstream.Receipt{receipt}); err != nil {
			t.Fatal(err)
		}
	}
	waitForDeath()
}

// subset reports whether each row that is seen is one of want.
func subset(got, want []string) error {
	for _, g := range got {
		if !slices.Contains(want, g) {
			return fmt.Errorf("a row that nobody wrote: %.200s", g)
		}
	}
	return nil
}
