package cells

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
)

// Row is what gocql scans the columns of one row after another into. One goroutine uses it.
type Row struct {
	At    unsafe.Pointer // the Go row whose fields are set; zeroed
	Bytes int64          // of all values so far

	into  []any // for gocql's Scan
	all   []*cell
	fault error // of the first value that does not fit
}

// Bind adds the columns of a binding, in the order of its fields.
func (r *Row) Bind(b *schema.Binding) {
	for _, c := range b.Columns {
		r.Add(c.Column, c.Get)
	}
}

// Add adds a column. A nil decoder only keeps its bytes, for Raw.
func (r *Row) Add(c *schema.Column, get cqltype.Decoder) {
	x := &cell{of: r, name: c.Name, get: get}
	r.all = append(r.all, x)
	if c.Type.ID != cqltype.Tuple {
		r.into = append(r.into, x)
		return
	}
	t := &tuple{cell: x}
	for i := range c.Type.Of {
		r.into = append(r.into, &part{t, i == len(c.Type.Of)-1})
	}
}

// Into is the arguments of Scan.
func (r *Row) Into() []any { return r.into }

// Fault is why the row that was scanned last cannot be one of the Go type; nil = it can. It is asked once a row.
func (r *Row) Fault() error {
	err := r.fault
	r.fault = nil
	return err
}

// Raw is the bytes of a column of the row that was scanned last, by its place among those that were added; nil = null.
func (r *Row) Raw(column int) []byte { return r.all[column].raw }

// Frame is the row that was scanned last as the protocol has it: each value behind its length, which is -1 for null.
func (r *Row) Frame() []byte {
	var out []byte
	for _, x := range r.all {
		out = appendValue(out, x.raw)
	}
	return out
}

// cell is a column of the row.
type cell struct {
	of   *Row
	name string
	get  cqltype.Decoder
	raw  []byte // as it came; nil = null
}

// UnmarshalCQL sets the field. A value that does not fit spoils its row and no other, so it is no error of the scan's.
func (c *cell) UnmarshalCQL(_ gocql.TypeInfo, b []byte) error {
	c.raw = b
	c.of.Bytes += int64(len(b))
	if c.get == nil {
		return nil
	}
	if err := c.get(b, c.of.At); err != nil && c.of.fault == nil {
		c.of.fault = fmt.Errorf("column %q: %w", c.name, err)
	}
	return nil
}

func appendValue(dst, v []byte) []byte {
	if v == nil {
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
}

// tuple puts a tuple together again: gocql takes it apart. One whose parts are all null counts as null.
type tuple struct {
	*cell
	bytes []byte
	some  bool // a part is not null
}

// part is one of a tuple.
type part struct {
	t    *tuple
	last bool
}

// UnmarshalCQL takes a part, and with the last one sets the field.
func (p *part) UnmarshalCQL(info gocql.TypeInfo, b []byte) error {
	t := p.t
	t.bytes, t.some = appendValue(t.bytes, b), t.some || b != nil
	if !p.last {
		return nil
	}
	whole := t.bytes
	if !t.some {
		whole = nil
	}
	t.bytes, t.some = nil, false
	return t.UnmarshalCQL(info, whole)
}
