package cassandra

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Sink upserts rows into a table and deletes them from it. It is safe for concurrent use.
type Sink struct {
	address
	sinkOptions
	job, as string // the names of the job and of the sink in it
	session *cql.Session
	layout  *layout
	courier *courier
	control control
	unmade  string // the statement that would make the table, of a sink that is only looked at
	keep    int    // bytes of rows that a write keeps before it sends them
	sets    spare[*rowSet]
	blanks  spare[*blanks]

	admitted atomic.Pointer[dstream.WriteID] // the batch that was last found to be written by the driver in charge
}

// sinkOptions is what only the URL of a sink says.
type sinkOptions struct {
	create      bool
	writeNulls  bool
	ttl         time.Duration
	consistency gocql.Consistency
}

var consistencies = map[string]gocql.Consistency{
	"local_quorum": gocql.LocalQuorum, "quorum": gocql.Quorum, "each_quorum": gocql.EachQuorum, "local_one": gocql.LocalOne,
	"one": gocql.One, "two": gocql.Two, "three": gocql.Three, "all": gocql.All,
}

func parseSink(e dstream.Endpoint) (a address, o sinkOptions, err error) {
	p := param.Of(e.URL)
	if a, err = parseAddress(e.URL, p); err != nil {
		return a, o, err
	}
	o.create = p.Bool("create", false)
	o.writeNulls = p.OneOf("nulls", "unset", "write") == "write"
	o.ttl = p.Duration("ttl", 0, 0)
	o.consistency = consistencies[p.OneOf("consistency", "local_quorum", "quorum", "each_quorum", "local_one", "one", "two", "three", "all")]
	a.options.Consistency = o.consistency
	if err := p.Err(); err != nil {
		return a, o, err
	}
	if o.ttl%time.Second != 0 || o.ttl > schema.MaxTTL {
		return a, o, fmt.Errorf("%s: ttl=%s: Cassandra counts whole seconds, up to 20 years", e.URL.Redacted(), o.ttl)
	}
	return a, o, nil
}

// openSink connects, and checks that the table takes the rows; with create=true it makes one that is missing, unless the sink is only
// looked at.
func openSink(e dstream.Endpoint) (*Sink, error) {
	a, o, err := parseSink(e)
	if err != nil {
		return nil, err
	}
	session, err := a.connect()
	if err != nil {
		return nil, err
	}
	s := &Sink{address: a, sinkOptions: o, job: e.Job, as: e.Name, session: session, courier: newCourier(session, a.keyspace, a.name()), keep: keptBytes}
	s.control = newControl(a, s.courier)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s.layout, err = s.fit(ctx, e); err != nil {
		session.Close()
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), lasting(err))
	}
	return s, nil
}

// fit reads the table, which it makes if it may, and finds the place of each column.
func (s *Sink) fit(ctx context.Context, e dstream.Endpoint) (*layout, error) {
	rows, ttl, err := withoutTTL(e.Rows)
	if err != nil {
		return nil, err
	}
	t, err := s.readTable(ctx, rows, e.Look)
	if err != nil {
		return nil, err
	}
	b, err := schema.Bind(t, rows, schema.Write)
	if err != nil {
		return nil, err
	}
	return newLayout(b, e.Rows, ttl, s.sinkOptions), nil
}

// readTable reads the table's columns. One that is missing is made, or it is said how to make it.
func (s *Sink) readTable(ctx context.Context, rows *codec.Codec, look bool) (*schema.Table, error) {
	t, err := schema.Read(ctx, asking(s.session), s.keyspace, s.table)
	var missing *schema.MissingError
	if !errors.As(err, &missing) || missing.Table == "" {
		return t, err
	}
	text, failed := schema.Create(s.keyspace, s.table, rows, schema.Options{})
	switch {
	case !s.create && failed == nil:
		missing.Make = text + "; or add create=true"
		return nil, missing
	case !s.create:
		return nil, missing
	case failed != nil:
		return nil, lastingError{failed}
	case look:
		s.unmade = text
		return schema.Planned(s.keyspace, s.table, rows)
	}
	if err := s.session.DDL(ctx, text); err != nil {
		return nil, fmt.Errorf("make the table: %w", err)
	}
	return schema.Read(ctx, asking(s.session), s.keyspace, s.table)
}

// Guarantee is ExactlyOnce: a batch that is run again writes the same values with the same timestamps.
func (s *Sink) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// By is the partition key, so that no two writers have rows of one primary key.
func (s *Sink) By() []string { return s.layout.table.Names(schema.Partition) }

// Close ends the session.
func (s *Sink) Close() error {
	s.session.Close()
	return nil
}

// Start refuses a run that would write in vain, or against another driver; and makes the table of control rows.
func (s *Sink) Start(ctx context.Context, id dstream.WriteID) error {
	if err := s.control.start(ctx, id); err != nil {
		return fmt.Errorf("cassandra table %s: %w", s.name(), lasting(err))
	}
	return nil
}

// Finish leaves a mark that the batch is written.
func (s *Sink) Finish(ctx context.Context, id dstream.WriteID, _ []dstream.Receipt) error {
	if err := s.control.mark(ctx, id); err != nil {
		return fmt.Errorf("cassandra table %s: %w", s.name(), lasting(err))
	}
	return nil
}

// Write sends one operation for each primary key. If it fails, some of the rows may be written: they are written again, the same.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	n, err := s.write(ctx, id, rows)
	if err != nil {
		return dstream.Receipt{}, err
	}
	return dstream.Receipt{Rows: n}, nil
}

func (s *Sink) write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (int64, error) {
	if err := s.admit(ctx, id); err != nil {
		return 0, fmt.Errorf("cassandra table %s: %w", s.name(), lasting(err))
	}
	w := newWriter(s, id.Timestamp)
	defer w.release()
	for out, err := range rows {
		if err != nil {
			return 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := w.take(ctx, out); err != nil {
			return 0, fmt.Errorf("cassandra table %s: %w", s.name(), err)
		}
	}
	if err := w.flush(ctx); err != nil {
		return 0, fmt.Errorf("cassandra table %s: %w", s.name(), err)
	}
	return w.taken, nil
}

// admit refuses the writes of a driver that was overtaken. It asks once a batch.
func (s *Sink) admit(ctx context.Context, id dstream.WriteID) error {
	if last := s.admitted.Load(); last != nil && last.Epoch == id.Epoch && last.Batch == id.Batch && last.Timestamp == id.Timestamp {
		return nil
	}
	m, found, err := s.control.read(ctx, id)
	if err != nil {
		return err
	}
	if found && m.epoch > id.Epoch {
		return &FencedError{ID: id, Epoch: m.epoch, Control: s.control.name()}
	}
	s.admitted.Store(&id)
	return nil
}
