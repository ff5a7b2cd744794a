package cassandra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/internal/cells"
	"github.com/tidemill/tidemill/dstream"
)

// errChanged says that a split cannot be read again.
var errChanged = errors.New("has changed since the batch was planned, so that the batch cannot be read again: start over with a fresh checkpoint, " +
	"and let nobody write to the table meanwhile")

// Read reads the rows of a range of tokens, in the order of their tokens, and within a partition in that of its clustering key.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	var want counted
	if len(c.Body) > 0 {
		if err := json.Unmarshal(c.Body, &want); err != nil {
			return 0, fmt.Errorf("cassandra table %s: split %.100q is not of this source", s.name(), c.Body)
		}
	}
	r := newRowReader(s, c, to)
	err = r.all(ctx)
	switch {
	case r.refused != nil:
		return r.fetched, r.refused // what to returned, as it is
	case err != nil:
		return r.fetched, fmt.Errorf("cassandra table %s: %w", s.name(), lasting(err))
	case len(c.Body) > 0 && r.fetched != want.Rows:
		return r.fetched, fmt.Errorf("cassandra table %s %w", s.name(), lastingError{errChanged})
	}
	return r.fetched, nil
}

// rowReader puts the rows of one split into a Reader.
type rowReader struct {
	table   string
	split   dstream.Split
	pages   pages
	row     cells.Row
	to      *dstream.Reader
	fetched int64
	refused error // of to
}

func newRowReader(s *Source, c dstream.Split, to *dstream.Reader) *rowReader {
	r := &rowReader{table: s.name(), split: c, to: to}
	r.row.Bind(s.columns)
	r.pages = pages{s: s, text: s.selection(), from: c.From, to: c.To, size: firstPage}
	return r
}

// all reads page by page, the next one while this one is decoded.
func (r *rowReader) all(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer r.pages.stop()
	defer end()
	for {
		rows, err := r.pages.next(ctx)
		if rows == nil || err != nil {
			return err
		}
		if err := errors.Join(r.page(rows), rows.Close()); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (r *rowReader) page(rows *gocql.Iter) error {
	before, n := r.row.Bytes, rows.NumRows()
	for {
		r.row.At = r.to.Row()
		if !rows.Scan(r.row.Into()...) {
			break
		}
		r.fetched++
		if r.refused = r.deliver(); r.refused != nil {
			return r.refused
		}
	}
	r.pages.resize(r.row.Bytes-before, n)
	return nil
}

// deliver adds the row that was scanned, or rejects it.
func (r *rowReader) deliver() error {
	err := r.row.Fault()
	if err == nil {
		return r.to.Add()
	}
	return r.to.Reject(dstream.BadRecord{Position: r.position(), Bytes: r.row.Frame(), Reason: err.Error()})
}

// position says where a person finds the row: by its key, if the rows have it.
func (r *rowReader) position() string {
	b := r.pages.s.columns
	var where []string
	for _, at := range slices.Concat(b.Partition, b.Clustering) {
		if at < 0 {
			return fmt.Sprintf("%s WHERE %s > %d AND %s <= %d, row %d", r.table, r.pages.s.token, r.split.From, r.pages.s.token, r.split.To, r.fetched)
		}
		c := b.Columns[at].Column
		where = append(where, cqltype.Quote(c.Name)+" = "+cqltype.Format(c.Type, r.row.Raw(at)))
	}
	return r.table + " WHERE " + strings.Join(where, " AND ")
}
