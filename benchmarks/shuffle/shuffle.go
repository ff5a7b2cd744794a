package shuffle

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/rdd"
)

// Options of the scenario.
type Options struct {
	Rows    int // of a run, about
	Chunk   int // rows of a chunk
	Parts   int // partitions that a reader asks for
	Readers int // tasks that read at the same time, with one stream each
	Runs    int // of each kind

	Chunks int    // of a part; computed
	Certs  string // folder of certificates; empty = no TLS
}

// ballast is memory that each process only holds, as a job's process does: without it the collector runs after every few chunks.
const ballast = 64 << 20

// serveVariable makes this program the sender of a run; see Serve.
const serveVariable = "TIDEMILL_SHUFFLE_SENDER"

// Run is the scenario with its flags.
func Run(w io.Writer, flags *flag.FlagSet, args []string) error {
	if is, err := Serve(context.Background()); is {
		return err
	}
	var o Options
	flags.IntVar(&o.Rows, "n", 20_000_000, "rows of a run")
	flags.IntVar(&o.Chunk, "chunk", rdd.DefaultChunkRows, "rows of a chunk")
	flags.IntVar(&o.Parts, "parts", 8, "partitions that each reader reads")
	flags.IntVar(&o.Readers, "readers", 2, "tasks that read at the same time")
	flags.IntVar(&o.Runs, "runs", 5, "runs of each kind")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return Scenario(context.Background(), w, o)
}

// Serve tells whether this process was started to be the sender of a run, and is it then, until its input ends.
func Serve(ctx context.Context) (bool, error) {
	settings, ok := os.LookupEnv(serveVariable)
	if !ok {
		return false, nil
	}
	var o Options
	if err := json.Unmarshal([]byte(settings), &o); err != nil {
		return true, err
	}
	return true, serve(ctx, os.Stdout, os.Stdin, o)
}

// took is what a run took.
type took struct{ wall, reader, sender time.Duration }

// Scenario prints the rates without and with TLS. It is an error if a row is missing or wrong.
func Scenario(ctx context.Context, w io.Writer, o Options) error {
	if o.Rows < 1 || o.Chunk < 1 || o.Parts < 1 || o.Readers < 1 || o.Runs < 1 {
		return errors.New("-n, -chunk, -parts, -readers and -runs must be positive")
	}
	o.Chunks = max(o.Rows/(o.Chunk*o.Parts*o.Readers), 1)
	dir, err := os.MkdirTemp("", "shuffle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := issue(dir); err != nil {
		return err
	}
	rows := float64(o.Chunk * o.Chunks * o.Parts * o.Readers)
	fmt.Fprintf(w, "\n%.0f rows of %d bytes, chunks of %d rows, %d readers, %d runs of each kind: median (min–max)\n", rows, rowBytes, o.Chunk, o.Readers, o.Runs)
	for _, kind := range []struct{ name, certs string }{{"plain", ""}, {"TLS", dir}} {
		o.Certs = kind.certs
		var runs []took
		for range o.Runs {
			t, err := run(ctx, o)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			runs = append(runs, t)
		}
		show(w, kind.name, runs, rows)
	}
	return nil
}

func show(w io.Writer, name string, runs []took, rows float64) {
	gb := rows * rowBytes / 1e9
	of := func(f func(took) float64) measure.Range { return measure.RangeOf(runs, f) }
	fmt.Fprintf(w, "%-5s  GB/s %v   M rows/s %v   CPU s/GB: sender %v, reader %v\n", name,
		of(func(t took) float64 { return gb / t.wall.Seconds() }), of(func(t took) float64 { return rows / 1e6 / t.wall.Seconds() }),
		of(func(t took) float64 { return t.sender.Seconds() / gb }), of(func(t took) float64 { return t.reader.Seconds() / gb }))
}

// run is one run, with a sender of its own.
func run(ctx context.Context, o Options) (t took, err error) {
	creds, err := credentials(o.Certs, "reader")
	if err != nil {
		return t, err
	}
	s, err := start(ctx, o)
	if err != nil {
		return t, err
	}
	heap := make([]byte, ballast)
	defer runtime.KeepAlive(heap)
	var total sum
	cost, err := measure.Of(func() error {
		total, err = read(ctx, creds, s.address, o)
		return err
	})
	sender, stopped := s.stop()
	if err := errors.Join(err, stopped); err != nil {
		return t, err
	}
	if want := expect(o.Chunk, o.Chunks*o.Parts*o.Readers); total != want {
		return t, fmt.Errorf("%+v came, want %+v", total, want)
	}
	return took{cost.Wall, cost.CPU, sender}, nil
}

// read is all readers of a run.
func read(ctx context.Context, creds *identity.Credentials, address string, o Options) (total sum, err error) {
	shape, err := rdd.ShapeOf[rdd.None, Row]()
	if err != nil {
		return total, err
	}
	c := flight.NewClient(creds, flight.Options{})
	defer c.Close()
	sums := make([]sum, o.Readers)
	group, ctx := errgroup.WithContext(ctx)
	for i := range sums {
		group.Go(func() error {
			t := flight.Ticket{Stage: 1, Bucket: i}
			for p := range o.Parts {
				t.Parts = append(t.Parts, flight.Part{Partition: int32(p), Attempt: 1})
			}
			r, err := c.Open(ctx, address, t)
			if err != nil {
				return err
			}
			defer r.Close()
			for range t.Parts {
				for c, err := range r.Next(shape) {
					if err != nil {
						return err
					}
					if err := sums[i].take(c); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	err = group.Wait()
	for _, s := range sums {
		total.add(s)
	}
	return total, err
}
