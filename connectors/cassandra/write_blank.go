package cassandra

import (
	"context"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
)

// blanks is the memory that a sender makes statements in, again and again: most of what a row would cost is that.
type blanks struct {
	rows             *rowSet // whose values are sent
	inserts, deletes form
}

func newBlanks() *blanks { return new(blanks) }

// memory is about what blanks take: 32 bytes a value, and 88 an entry.
func (b *blanks) memory() int {
	return 32*(len(b.inserts.values)+len(b.deletes.values)) + 88*(len(b.inserts.entries)+len(b.deletes.entries))
}

// form is entries of one statement, which are made once: their arguments point to values, and those to the rows, so that filling it in writes
// lengths and places. Writing pointers costs far more, above all while garbage is collected.
type form struct {
	values  []value
	args    []any // *value or gocql.UnsetValue
	entries []gocql.BatchEntry
}

// value is a cell of the rows that are sent.
type value struct {
	of   *blanks
	cell cell
}

// MarshalCQL returns the bytes as they are, or nil.
func (v *value) MarshalCQL(gocql.TypeInfo) ([]byte, error) {
	if v.cell.n < 0 {
		return nil, nil
	}
	return v.of.rows.value(v.cell), nil
}

// send sends rows in one request. When it returns, gocql has copied their values into a frame.
func (b *blanks) send(ctx context.Context, s *cql.Session, c cargo) error {
	f, text, width := &b.inserts, b.rows.insert, b.rows.width
	if c.remove {
		f, text, width = &b.deletes, b.rows.remove, b.rows.key
	}
	if len(f.entries) < len(c.rows) {
		f.grow(b, text, width, len(c.rows))
	}
	f.fill(b.rows, c.rows, width)
	if len(c.rows) == 1 {
		return s.Query(ctx, text, f.entries[0].Args...).WithTimestamp(c.ts).Exec()
	}
	batch := s.Batch(ctx).WithTimestamp(c.ts)
	batch.Entries = f.entries[:len(c.rows)]
	return s.ExecuteBatch(batch)
}

// grow makes a form for n rows, or half as many again as it had.
func (f *form) grow(b *blanks, text string, width, n int) {
	n = min(max(n, len(f.entries)*3/2), batchRows)
	f.values, f.args, f.entries = make([]value, n*width), make([]any, n*width), make([]gocql.BatchEntry, n)
	for i := range f.values {
		f.values[i].of = b
		f.args[i] = &f.values[i]
	}
	for k := range f.entries {
		f.entries[k] = gocql.BatchEntry{Stmt: text, Args: f.args[k*width : (k+1)*width : (k+1)*width], Idempotent: true}
	}
}

func (f *form) fill(r *rowSet, rows []int32, width int) {
	for k, row := range rows {
		values, args := f.values[k*width:(k+1)*width], f.args[k*width:(k+1)*width]
		for i, c := range r.row(row)[:width] {
			values[i].cell = c
			given := c.n >= 0 || c.n == null && r.writeNulls
			switch _, was := args[i].(*value); {
			case given && !was:
				args[i] = &values[i]
			case !given && was:
				args[i] = gocql.UnsetValue
			}
		}
	}
}
