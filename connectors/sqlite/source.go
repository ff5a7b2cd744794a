package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/zeebo/xxh3"
)

// Source reads a table once. It is safe for concurrent use.
type Source struct {
	file
	db    *sql.DB
	order string // of the rows
}

func openSource(e dstream.Endpoint) (*Source, error) {
	f, err := parse(e)
	if err != nil {
		return nil, err
	}
	for _, x := range f.rows.Fields {
		if setterOf(x) == nil {
			return nil, fmt.Errorf("%s: field %s: a column cannot be read into a %s", e.URL.Redacted(), x.Name, x.Kind)
		}
	}
	if _, err := os.Stat(f.path); err != nil {
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	s := &Source{file: f, db: f.open("ro")}
	if err := s.with(context.Background(), s.db, s.bind); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// bind checks that the table has the fields' columns, and finds an order that is the same every time.
func (s *Source) bind(c connection) error {
	t, err := shapeOf(context.Background(), c, s.table)
	if err != nil {
		return err
	}
	if len(t.columns) == 0 {
		return fmt.Errorf("there is no such table")
	}
	for _, f := range s.rows.Fields {
		if t.find(f.Name) < 0 {
			return fmt.Errorf("there is no column %s, which %s has; there are %s", f.Name, s.rows.Type, strings.Join(t.columns, ", "))
		}
	}
	if s.order = strings.Join(quoted(t.key), ", "); s.order == "" {
		s.order = strings.Join(quoted(t.columns), ", ") // a view has no rowid, and equal rows may change places
	}
	return nil
}

// Close closes the file.
func (s *Source) Close() error { return s.db.Close() }

// place is the source's offsets.
type place struct {
	Next int64 `json:"next"` // rows that were planned
	Done bool  `json:"done"`
}

// Plan hands out the next rows of the table, in order, with a digest of what they are.
func (s *Source) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	var at place
	if len(from) > 0 {
		if err := json.Unmarshal(from, &at); err != nil {
			return dstream.Range{}, fmt.Errorf("sqlite: offsets %.100q are not of this source", from)
		}
	}
	if at.Done {
		return dstream.Range{To: from, Ended: true}, nil
	}
	r, err := s.plan(ctx, at, limit)
	return r, s.explain(err)
}

// errFull ends a scan at its limit.
var errFull = errors.New("enough")

func (s *Source) plan(ctx context.Context, at place, limit dstream.Limit) (dstream.Range, error) {
	next, bytes, h := at, int64(0), xxh3.New()
	err := s.scan(ctx, at.Next, math.MaxInt64, func(row []driver.Value) error {
		if n := next.Next - at.Next; limit.Rows > 0 && n >= limit.Rows || limit.Bytes > 0 && bytes >= limit.Bytes {
			return errFull
		}
		next.Next++
		bytes += digest(h, row)
		return nil
	})
	if next.Done = err == nil; err != nil && !errors.Is(err, errFull) {
		return dstream.Range{}, err
	}
	to, err := json.Marshal(next)
	r := dstream.Range{To: to, Ended: next.Done}
	if next.Next > at.Next {
		body := binary.LittleEndian.AppendUint64(nil, h.Sum64())
		r.Splits = []dstream.Split{{Name: s.table, From: at.Next, To: next.Next, Body: body}}
	}
	return r, err
}

// scan calls each for rows from … to−1.
func (s *Source) scan(ctx context.Context, from, to int64, each func(row []driver.Value) error) error {
	var names []string
	for _, f := range s.rows.Fields {
		names = append(names, quote(f.Name))
	}
	q := "SELECT " + strings.Join(names, ", ") + " FROM " + quote(s.table) + " ORDER BY " + s.order + " LIMIT ? OFFSET ?"
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		return query(ctx, c.(connection), q, []driver.Value{to - from, from}, each)
	})
}

// digest adds a row to a hash and returns about how many bytes it has.
func digest(h *xxh3.Hasher, row []driver.Value) (bytes int64) {
	for _, v := range row {
		var text string
		switch v := v.(type) {
		case string:
			text = v
		case []byte:
			text = string(v)
		case time.Time:
			text = v.UTC().Format(time.RFC3339Nano)
		default:
			text = fmt.Sprint(v)
		}
		h.WriteString(fmt.Sprintf("%T%d:", v, len(text)))
		h.WriteString(text)
		bytes += int64(len(text))
	}
	return bytes
}

// Read reads the rows of a split.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	h := xxh3.New()
	set := make([]setter, len(s.rows.Fields))
	for i, f := range s.rows.Fields {
		set[i] = setterOf(f)
	}
	var refused error
	err = s.scan(ctx, c.From, c.To, func(row []driver.Value) error {
		digest(h, row)
		fetched++
		refused = s.deliver(row, set, c.From+fetched, to)
		return refused
	})
	if refused != nil || err != nil {
		if refused == nil {
			err = s.explain(err)
		}
		return fetched, err
	}
	if fetched != c.To-c.From || len(c.Body) != 8 || h.Sum64() != binary.LittleEndian.Uint64(c.Body) {
		return fetched, fmt.Errorf("sqlite file %s: table %s has changed since the batch was planned, so that it cannot be read again: restore it, or start over with a fresh checkpoint", s.path, s.table)
	}
	return fetched, nil
}

// deliver makes a row of the cells, or rejects them.
func (s *Source) deliver(cells []driver.Value, set []setter, n int64, to *dstream.Reader) error {
	row := to.Row()
	for i, f := range s.rows.Fields {
		if reason := set[i](row, cells[i]); reason != "" {
			bytes, err := json.Marshal(cells)
			if err != nil {
				bytes = fmt.Appendf(nil, "%v", cells) // a float that JSON cannot write
			}
			return to.Reject(dstream.BadRecord{
				Position: fmt.Sprintf("%s:%s:%d", s.path, s.table, n), Bytes: bytes,
				Reason: fmt.Sprintf("column %q: %s", f.Name, reason),
			})
		}
	}
	return to.Add()
}
