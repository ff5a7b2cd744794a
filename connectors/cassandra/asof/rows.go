package asof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/internal/cells"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/rdd/codec"
)

// errTorn ends an attempt.
var errTorn = errors.New("asof: a row was overwritten after the snapshot; Read tries again")

// Rows returns the rows of a sink's table, in the order of the query. rest is what stands behind FROM: "", "WHERE campaign_id = ?" with args for its ?, an
// ORDER BY; a LIMIT counts rows that are left out. The fields of T are columns, by the rules of package schema; not all columns need a field.
func (s *Snapshot) Rows[T any](sink, rest string, args ...any) ([]T, error) {
	q, err := s.r.query(s, sink, codecOf[T])
	if err != nil {
		return nil, fmt.Errorf("asof: sink %s: %w", sink, err)
	}
	iter := s.r.session.Query(q.text(rest), args...).WithContext(s.ctx).Consistency(s.r.o.Consistency).Iter()
	var rows []T
	for {
		var zero T
		rows = append(rows, zero)
		q.row.At = unsafe.Pointer(&rows[len(rows)-1])
		q.newest = noTime
		if !iter.Scan(q.into...) {
			break
		}
		keep, err := q.judge(s)
		if err != nil {
			return nil, errors.Join(err, iter.Close())
		}
		if !keep {
			rows = rows[:len(rows)-1]
		}
	}
	if err := iter.Close(); err != nil {
		return nil, fmt.Errorf("asof: read %s: %w", q.sink.Table, err)
	}
	return rows[:len(rows)-1], nil
}

func codecOf[T any]() (*codec.Codec, error) { return codec.Of[T]() }

// noTime is the write time of what was never written.
const noTime = -1 << 63

// query is a read of one table.
type query struct {
	sink    Sink
	table   *schema.Table
	columns []string // as they are selected
	into    []any    // for Scan
	row     cells.Row
	key     []int // places of the key's columns in the row
	newest  int64 // write time of the row at hand
}

func (r *reader) query(s *Snapshot, sink string, rows func() (*codec.Codec, error)) (*query, error) {
	at := slices.IndexFunc(r.o.Sinks, func(o Sink) bool { return o.Name == sink })
	if at < 0 {
		return nil, errors.New("is not among those of the options")
	}
	c, err := rows()
	if err != nil {
		return nil, err
	}
	q := &query{sink: r.o.Sinks[at]}
	if q.table, err = r.table(s, q.sink); err != nil {
		return nil, err
	}
	b, err := schema.Bind(q.table, c, schema.Scan)
	if err != nil {
		return nil, err
	}
	return q, q.plan(b)
}

// table reads the table once for all attempts.
func (r *reader) table(s *Snapshot, sink Sink) (*schema.Table, error) {
	if t := r.tables[sink.Name]; t != nil {
		return t, nil
	}
	keyspace, name, _ := strings.Cut(sink.Table, ".")
	t, err := schema.Read(s.ctx, schema.Of(r.session), keyspace, name)
	if err == nil {
		r.tables[sink.Name] = t
	}
	return t, err
}

// plan chooses the columns: the fields', the key's and the write times.
func (q *query) plan(b *schema.Binding) error {
	q.row.Bind(b)
	for _, c := range b.Columns {
		q.columns = append(q.columns, cqltype.Quote(c.Column.Name))
	}
	for _, name := range q.table.Names(schema.Partition, schema.Clustering) {
		at := slices.Index(q.columns, cqltype.Quote(name))
		if at < 0 {
			at = len(q.columns)
			q.columns = append(q.columns, cqltype.Quote(name))
			q.row.Add(q.table.Column(name), nil)
		}
		q.key = append(q.key, at)
	}
	q.into = slices.Clone(q.row.Into())
	for _, c := range q.table.Columns {
		if c.Type.Multicell() || c.Role == schema.Partition || c.Role == schema.Clustering || c.Role == schema.Static && b.Rows.Schema().FieldIndices(c.Name) == nil {
			continue
		}
		q.columns = append(q.columns, "writetime("+cqltype.Quote(c.Name)+")")
		q.into = append(q.into, &stamp{&q.newest})
	}
	if len(q.into) == len(q.row.Into()) {
		return fmt.Errorf("table %s has no column outside its key that has a write time, so nobody knows as of when its rows are: give them a field that is not part of the key", q.table)
	}
	return nil
}

func (q *query) text(rest string) string {
	return strings.TrimSpace("SELECT " + strings.Join(q.columns, ", ") + " FROM " + q.table.String() + " " + rest)
}

// judge decides whether the row at hand is part of the snapshot.
func (q *query) judge(s *Snapshot) (keep bool, err error) {
	if err := q.row.Fault(); err != nil {
		return false, fmt.Errorf("asof: %s WHERE %s: %w", q.table, q.keyText(), err)
	}
	switch verdictOf(q.newest, s.at.ts, q.sink.WrittenOnce) {
	case kept:
		return true, nil
	case left:
		return false, nil
	case unknown:
		return false, fmt.Errorf("asof: %s WHERE %s: the row has no value outside its key, so nobody knows when it was written", q.table, q.keyText())
	}
	if s.torn == nil {
		s.torn = &TornError{Table: q.table.String(), Key: q.keyText(), Written: q.newest}
	}
	return false, errTorn
}

// verdict is what to do with a row.
type verdict int

const (
	kept    verdict = iota // it is as it was
	left                   // it was not there
	torn                   // it was overwritten, or was not there: nobody knows
	unknown                // it has no write time
)

// verdictOf judges a row by its latest write time and the ts of the snapshot's batch, whose rows have ts+1.
func verdictOf(newest, ts int64, once bool) verdict {
	switch {
	case newest == noTime:
		return unknown
	case newest <= ts+1:
		return kept
	case once:
		return left
	}
	return torn
}

func (q *query) keyText() string {
	var parts []string
	for i, name := range q.table.Names(schema.Partition, schema.Clustering) {
		parts = append(parts, cqltype.Quote(name)+" = "+cqltype.Format(q.table.Column(name).Type, q.row.Raw(q.key[i])))
	}
	return strings.Join(parts, " AND ")
}

// stamp keeps the latest of the write times that it gets.
type stamp struct{ newest *int64 }

// UnmarshalCQL takes a bigint; null is a column without a value.
func (s *stamp) UnmarshalCQL(_ gocql.TypeInfo, b []byte) error {
	if len(b) == 8 {
		*s.newest = max(*s.newest, int64(binary.BigEndian.Uint64(b)))
	}
	return nil
}
