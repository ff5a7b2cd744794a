package codec

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// parts is the fields of a struct: a row's or a nested one's.
type parts struct {
	fields  []Field
	columns []column
	blanks  []blank
}

// blank is a field that stays out of the columns, by col:"-". Decoding clears it: a
// reused row must not show what it held before.
type blank struct {
	off uintptr
	of  element
}

func (p *parts) flat() bool {
	for _, c := range p.columns {
		if !c.flat() {
			return false
		}
	}
	return true
}

func (p *parts) clone(w window) {
	for i, c := range p.columns {
		if !c.flat() {
			c.clone(w.part(p.fields[i].Offset))
		}
	}
}

func (p *parts) wipe(w window) {
	for _, b := range p.blanks {
		for i := range w.n {
			b.of.zero(unsafe.Pointer(at[byte](w.part(b.off), i)))
		}
	}
}

func (p *parts) arrow() []arrow.Field {
	out := make([]arrow.Field, len(p.fields))
	for i, f := range p.fields {
		out[i] = arrow.Field{Name: f.Name, Type: p.columns[i].dataType(), Nullable: f.Nullable}
	}
	return out
}

// nested is the column of a struct within a row.
type nested struct {
	parts
	dt *arrow.StructType
}

func newNested(p parts) *nested { return &nested{p, arrow.StructOf(p.arrow()...)} }

func (c *nested) dataType() arrow.DataType { return c.dt }

func (c *nested) encode(w window) (arrow.ArrayData, error) {
	kids := make([]arrow.ArrayData, len(c.columns))
	for i, col := range c.columns {
		d, err := col.encode(w.part(c.fields[i].Offset))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.fields[i].Name, err)
		}
		kids[i] = d
	}
	return values(c.dt, w.n, kids), nil
}

func (c *nested) bind(dt arrow.DataType) (reader, error) {
	from, ok := dt.(*arrow.StructType)
	if !ok {
		return nil, misfit(dt, "a struct")
	}
	r := nestedReader{parts: &c.parts}
	for i, f := range c.fields {
		at, err := find(from.Fields(), f.Name)
		if err != nil {
			return nil, err
		}
		elem, err := c.columns[i].bind(from.Field(at).Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		r.readers, r.at = append(r.readers, elem), append(r.at, at)
	}
	return r, nil
}

type nestedReader struct {
	*parts
	readers []reader
	at      []int // of each reader's child
}

func (r nestedReader) read(w window, d arrow.ArrayData, lo int) error {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return err
	}
	r.wipe(w)
	for i, elem := range r.readers {
		f := &r.fields[i]
		if err := elem.read(w.part(f.Offset), d.Children()[r.at[i]], pos); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
