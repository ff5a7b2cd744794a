package cassandra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/connectors/servicetest"
)

// Options of the scenario. The zero value is the one whose figures the README has.
type Options struct {
	Rows     int // of a run; default 200,000
	Batch    int // rows of a batch of the engine; default 50,000
	Pairs    int // default 5
	Warm     int // runs of each that are not measured; default 3, negative = none
	InFlight int // batches of the loop by hand that are under way; default 64. The sink decides that for itself
	Writers  int // of single inserts; default 64
}

func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		value *int
		is    int
	}{{&o.Rows, 200_000}, {&o.Batch, 50_000}, {&o.Pairs, 5}, {&o.Warm, 3}, {&o.InFlight, 64}, {&o.Writers, 64}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	o.Warm = max(o.Warm, 0)
	if o.Rows < 1 || o.Batch < 1 || o.Pairs < 1 || o.InFlight < 1 || o.Writers < 1 {
		return o, fmt.Errorf("%d rows in batches of %d, %d pairs, %d in flight, %d writers: want positive numbers", o.Rows, o.Batch, o.Pairs, o.InFlight, o.Writers)
	}
	return o, nil
}

// Scenario measures the sink against batches and single inserts by hand, and prints what it found. It is an error if the table is not as
// it should be after any run, and then no time is printed. The error wraps servicetest.ErrMissing on a machine that no node can run on.
func Scenario(ctx context.Context, w io.Writer, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	node, err := servicetest.StartCassandra(ctx, "", servicetest.CassandraOptions{Progress: w})
	if err != nil {
		return err
	}
	return errors.Join(onNode(ctx, w, o, node), node.Close())
}

func onNode(ctx context.Context, w io.Writer, o Options, node *servicetest.CassandraCluster) (err error) {
	c := &contest{o: o, rows: newRows(o.Rows), partitions: runtime.GOMAXPROCS(0)}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.open(ctx, node.Hosts(), node.Port()); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nA table of one node: %d rows of 60 bytes, %d in a partition; the sink in batches of %d, %d partitions at a time; by hand %d batches under way\n",
		o.Rows, rowsOfPartition, o.Batch, c.partitions, o.InFlight)
	rules := measure.Contest{Unit: "row", Count: o.Rows, Pairs: o.Pairs, Warm: o.Warm}
	sink := measure.Contestant{Name: "the sink", Run: c.checked(func(ts int64) error { return c.bySink(ctx, ts) })}
	byHand := measure.Contestant{Name: "batches by hand", Run: c.checked(func(ts int64) error { return batches(c.plain, c.rows, o.InFlight, ts) })}
	single := measure.Contestant{Name: "single inserts", Run: c.checked(func(ts int64) error { return singles(c.coalescing, c.rows, o.Writers, ts) })}
	if err := rules.Print(w, byHand, sink); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe same against single inserts by %d writers\n", o.Writers)
	return rules.Print(w, single, sink)
}

// contest is the connections of all contestants, and what they write.
type contest struct {
	o          Options
	rows       []Row
	partitions int
	run        int64
	timestamp  int64          // the last of the run before, or later
	plain      *gocql.Session // sends at once, as the sink's does
	coalescing *gocql.Session
	sink       *sink
}

func (c *contest) open(ctx context.Context, hosts []string, port int) (err error) {
	if err = makeTable(hosts, port); err != nil {
		return err
	}
	if c.plain, err = connect(hosts, port, keyspace, 0); err != nil {
		return err
	}
	if c.coalescing, err = connect(hosts, port, keyspace, 200*time.Microsecond); err != nil {
		return err
	}
	c.sink, err = openSink(ctx, hosts, port)
	return err
}

func (c *contest) close() error {
	for _, s := range []*gocql.Session{c.plain, c.coalescing} {
		if s != nil {
			s.Close()
		}
	}
	if c.sink == nil {
		return nil
	}
	return c.sink.Close()
}

// bySink writes the rows in batches of the engine's, whose timestamps are 1,000 µs apart at least.
func (c *contest) bySink(ctx context.Context, timestamp int64) error {
	for rest := c.rows; len(rest) > 0; timestamp += 1000 {
		n := min(c.o.Batch, len(rest))
		if err := c.sink.write(ctx, rest[:n], c.partitions, timestamp); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// checked makes a contestant's run of a writer. It gets a timestamp that is later than all before by more than a run's batches take.
func (c *contest) checked(write func(timestamp int64) error) func() (measure.Cost, error) {
	return func() (measure.Cost, error) {
		c.run++
		stamp(c.rows, c.run)
		c.timestamp = max(time.Now().UnixMicro(), c.timestamp+1000*int64(len(c.rows)/c.o.Batch+2))
		cost, err := measure.Of(func() error { return write(c.timestamp) })
		if err != nil {
			return cost, err
		}
		return cost, check(c.plain, len(c.rows), c.run)
	}
}
