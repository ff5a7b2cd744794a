package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Input is a source under test. Its rows are of type T.
type Input[T any] struct {
	Prepare func(t testing.TB, dir string)              // puts the input into an empty folder; nil = there is nothing to do
	Open    func(dir string) (dstream.Connector, error) // opens it; called many times, with one folder and with several
	Rows    []T                                         // all rows of the input, in any order
	Bad     int                                         // records that cannot be decoded
	Endless bool                                        // Plan never says Ended; the input is read when nothing is planned any more
	Slack   int64                                       // rows by which a batch may exceed its limit
	Limit   int64                                       // rows of a batch in checks that cut the input; 0 = a seventh of it
}

// Source runs the suite on a source, each check as a subtest.
func Source[T any](t *testing.T, in Input[T]) {
	if check := childOf(t); check != "" {
		in.half(t)
	}
	for _, c := range sourceChecks[T]() {
		t.Run(c.name, func(sub *testing.T) {
			if err := in.run(sub, t.Name(), c); err != nil {
				sub.Error(err)
			}
		})
	}
}

// sourceCheck is a promise of sources.
type sourceCheck[T any] struct {
	name string
	run  func(*inputRun[T]) error
}

// inputRun is an input that was put into a folder.
type inputRun[T any] struct {
	Input[T]
	test string // name of the test that called the suite
	dir  string
}

func (in Input[T]) run(t testing.TB, test string, c sourceCheck[T]) error {
	r := &inputRun[T]{in, test, t.TempDir()}
	if in.Prepare != nil {
		in.Prepare(t, r.dir)
	}
	return c.run(r)
}

// patience bounds how long a check waits for input that arrives by itself.
const patience = 20 * time.Second

// opened opens the input for the time of a function.
func (r *inputRun[T]) opened(do func(c dstream.Connector) error) error {
	c, err := r.Open(r.dir)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return errors.Join(do(c), closeOf(c))
}

func closeOf(v any) error {
	if c, ok := v.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// step is a batch that was planned.
type step struct {
	from dstream.Offsets
	dstream.Range
}

// plan plans batches from a place to the end of the input.
func (r *inputRun[T]) plan(c dstream.Connector, from dstream.Offsets, limit dstream.Limit) ([]step, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out []step
	for {
		got, err := c.Plan(ctx, from, limit)
		if err != nil {
			return out, fmt.Errorf("plan batch %d: %w", len(out), err)
		}
		if len(got.Splits) > 0 || got.Ended {
			out = append(out, step{from, got})
		}
		if got.Ended || len(got.Splits) == 0 && r.Endless {
			return out, nil
		}
		if from = got.To; ctx.Err() != nil || len(out) > 10*(len(r.Rows)+r.Bad)+10 {
			return out, fmt.Errorf("the input does not come to its end: %d batches planned", len(out))
		}
	}
}

// arrived waits until all input is there, for sources that receive it.
func (r *inputRun[T]) arrived(c dstream.Connector) ([]step, error) {
	return r.plan(c, nil, dstream.Limit{})
}

func (r *inputRun[T]) cut() dstream.Limit {
	if r.Limit > 0 {
		return dstream.Limit{Rows: r.Limit}
	}
	return dstream.Limit{Rows: max(1, int64(len(r.Rows)+r.Bad)/7)}
}

// reading is what came out of splits.
type reading struct {
	rows    []string // as text
	fetched int64
	bad     []dstream.BadRecord
}

// read reads splits one after the other.
func read[T any](c dstream.Connector, splits ...dstream.Split) (reading, error) {
	var out reading
	b, err := rdd.NewBuilder[T](13, func(c rdd.Chunk) bool {
		for _, v := range c.(*rdd.Rows[rdd.None, T]).Vals {
			out.rows = append(out.rows, fmt.Sprintf("%+v", v))
		}
		return true
	})
	if err != nil {
		return out, err
	}
	to := &dstream.Reader{Builder: b, Reject: func(bad dstream.BadRecord) error {
		bad.Bytes = slices.Clone(bad.Bytes)
		out.bad = append(out.bad, bad)
		return nil
	}}
	for _, s := range splits {
		n, err := c.Read(context.Background(), s, to)
		out.fetched += n
		if err != nil {
			return out, fmt.Errorf("read split %s [%d, %d): %w", s.Name, s.From, s.To, err)
		}
	}
	return out, b.Flush()
}

func splitsOf(steps []step) []dstream.Split {
	var out []dstream.Split
	for _, s := range steps {
		out = append(out, s.Splits...)
	}
	return out
}

// complete compares rows with all rows of the input.
func (r *inputRun[T]) complete(got reading) error {
	want := make([]string, len(r.Rows))
	for i, v := range r.Rows {
		want[i] = fmt.Sprintf("%+v", v)
	}
	if err := sameRows(got.rows, want); err != nil {
		return err
	}
	if len(got.bad) != r.Bad {
		return fmt.Errorf("%d bad records, want %d", len(got.bad), r.Bad)
	}
	return nil
}

// sameRows compares two sets of rows, in which a row may be more than once.
func sameRows(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("%d rows, want %d; the first that differs is %.200s, want %.200s", len(got), len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, want %d", len(got), len(want))
	}
	return nil
}
