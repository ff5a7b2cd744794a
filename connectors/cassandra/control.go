package cassandra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// control is the table of marks: for each job, sink and table what was last written. It lies in the keyspace of the table, so that it is
// there whenever that is.
type control struct {
	address
	courier *courier
}

const controlTable = "tidemill_sinks"

func newControl(a address, c *courier) control { return control{a, c} }

func (c control) name() string { return cqltype.Quote(c.keyspace) + "." + controlTable }

func (c control) ddl() string {
	return "CREATE TABLE IF NOT EXISTS " + c.name() +
		" (job text, sink text, target text, last_batch bigint, ts bigint, epoch bigint, PRIMARY KEY ((job, sink), target))"
}

// mark is a control row.
type mark struct{ batch, ts, epoch int64 }

// FencedError says that a newer driver has written to the table since: whoever sent this write is not in charge any more.
type FencedError struct {
	ID      dstream.WriteID
	Epoch   int64  // that has written
	Control string // the table that says so
}

// Error says what to do.
func (e *FencedError) Error() string {
	return fmt.Sprintf("epoch %d of job %s has written to sink %s, so epoch %d may not: another driver took over; "+
		"if the job was started over on purpose, name another table, or empty this one and forget its mark: %s",
		e.Epoch, e.ID.Job, e.ID.Sink, e.ID.Epoch, forget(e.Control, e.ID))
}

// Unwrap says that no retry helps.
func (e *FencedError) Unwrap() error { return dstream.ErrPermanent }

// forget is the statement that deletes the control rows of a sink.
func forget(table string, id dstream.WriteID) string {
	return "DELETE FROM " + table + " WHERE job = " + cqltype.Literal(id.Job) + " AND sink = " + cqltype.Literal(id.Sink)
}

// ClockError says that the table holds rows of a later timestamp than this run would write with, beside which its rows would not be seen.
type ClockError struct {
	ID      dstream.WriteID
	Batch   int64 // that was written last
	TS      int64 // its timestamp, in µs since 1970
	Control string
}

// Error says what to do.
func (e *ClockError) Error() string {
	at, now := time.UnixMicro(e.TS).UTC(), time.UnixMicro(e.ID.Timestamp).UTC()
	return fmt.Sprintf("batch %d of job %s, sink %s was written with the time %s, and this run begins with batch %d at %s: what it writes would be "+
		"older than what is there, and not be seen. Either the job was started over and the clock is behind: set it, or wait; or else name "+
		"another table, or empty this one and forget its mark: %s",
		e.Batch, e.ID.Job, e.ID.Sink, at.Format(time.RFC3339), e.ID.Batch, now.Format(time.RFC3339), forget(e.Control, e.ID))
}

// Unwrap says that no retry helps.
func (e *ClockError) Unwrap() error { return dstream.ErrPermanent }

// start makes the table if there is none, and compares the mark with the next write.
func (c control) start(ctx context.Context, id dstream.WriteID) error {
	m, found, err := c.read(ctx, id)
	switch {
	case err != nil:
		return err
	case !found:
		return c.make(ctx)
	case m.epoch > id.Epoch:
		return &FencedError{id, m.epoch, c.name()}
	case m.ts > id.Timestamp: // a batch log never goes back, so this is another log
		return &ClockError{id, m.batch, m.ts, c.name()}
	}
	return nil
}

func (c control) make(ctx context.Context) error {
	if err := c.courier.session.DDL(ctx, c.ddl()); err != nil {
		return fmt.Errorf("make the table of control rows: %w", err)
	}
	return nil
}

// read returns the mark of a sink. A table that is missing has none.
func (c control) read(ctx context.Context, id dstream.WriteID) (m mark, found bool, err error) {
	err = c.courier.deliver(ctx, parcel{token: c.token(id), send: func(ctx context.Context) error {
		err := c.courier.session.Query(ctx, "SELECT last_batch, ts, epoch FROM "+c.name()+" WHERE job = ? AND sink = ? AND target = ?", id.Job, id.Sink, c.table).
			Consistency(gocql.LocalQuorum).Scan(&m.batch, &m.ts, &m.epoch)
		found = err == nil
		if errors.Is(err, gocql.ErrNotFound) || noTable(err) {
			return nil
		}
		return err
	}})
	if err != nil {
		err = fmt.Errorf("read the control row in %s: %w", c.name(), err)
	}
	return m, found, err
}

// mark writes the control row, with the timestamp of the batch's rows: that of an older batch is not seen beside it.
func (c control) mark(ctx context.Context, id dstream.WriteID) error {
	send := func(ctx context.Context) error {
		return c.courier.session.Query(ctx, "INSERT INTO "+c.name()+" (job, sink, target, last_batch, ts, epoch) VALUES (?, ?, ?, ?, ?, ?)",
			id.Job, id.Sink, c.table, id.Batch, id.Timestamp, id.Epoch).Consistency(gocql.LocalQuorum).WithTimestamp(id.Timestamp + 1).Exec()
	}
	err := c.courier.deliver(ctx, parcel{token: c.token(id), send: send})
	if noTable(err) { // Start was not called, or somebody dropped it
		if err = c.make(ctx); err == nil {
			err = c.courier.deliver(ctx, parcel{token: c.token(id), send: send})
		}
	}
	if err != nil {
		return fmt.Errorf("write the control row in %s: %w", c.name(), err)
	}
	return nil
}

func (c control) token(id dstream.WriteID) ring.Token {
	return ring.Murmur3(ring.AppendComposite(nil, []byte(id.Job), []byte(id.Sink)))
}

// noTable tells the answer that there is no such table: an invalid statement, since the statements are right otherwise.
func noTable(err error) bool {
	var answer gocql.RequestError
	return errors.As(err, &answer) && answer.Code() == gocql.ErrCodeInvalid && cql.Classify(err) == cql.Lasting
}
