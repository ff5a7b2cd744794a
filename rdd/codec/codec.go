package codec

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Codec turns rows of one Go type into Arrow columns and back. It is immutable,
// derived once per type, and safe for concurrent use.
type Codec struct {
	Type   reflect.Type // of a row
	Fields []Field      // one a column, in column order; embedded structs are flattened
	Scalar bool         // a whole row is one column, named "value"
	Flat   bool         // columns refer to nothing but strings: a Go copy of a row is a deep copy

	parts   parts
	schema  *arrow.Schema
	readers []bound // of the columns' own types
}

// Field is one column of a row, or one part of a nested one.
type Field struct {
	Name      string       // column name: the col tag's, else the Go field's name
	Kind      Kind         // family of the column
	Offset    uintptr      // bytes from the start of the row, or of the struct that it is part of
	Type      reflect.Type // Go type, without the pointer of a nullable field
	Nullable  bool         // the Go field is a pointer; nil is null
	Partition bool         // tagged col:"name,partition": part of a table's partition key
	Key       bool         // tagged col:"name,key": part of a table's primary key behind the partition key
	Size      uintptr      // bytes of Type
	Fields    []Field      // Struct: its fields; List, Array: the element; Map: key, value
}

// MaxColumnBytes bounds the text, the elements or the entries of one column: 256 MiB,
// far below the 2 GiB at which Arrow's 32-bit offsets wrap. A chunk that exceeds it
// has too many rows.
const MaxColumnBytes = 256 << 20

// Of returns the codec of T. Errors say which field has a type that no column can
// hold, by its path (Session.Editor.x), and what to do; the caller adds where in the
// user's program T was used.
func Of[T any]() (*Codec, error) { return For(reflect.TypeFor[T]()) }

var derived sync.Map // reflect.Type → *Codec

// For is Of for a type that is not known when the program is compiled.
func For(t reflect.Type) (*Codec, error) {
	if c, ok := derived.Load(t); ok {
		return c.(*Codec), nil
	}
	c, err := derive(t)
	if err != nil {
		return nil, err
	}
	first, _ := derived.LoadOrStore(t, c)
	return first.(*Codec), nil
}

// Schema returns the schema of the columns.
func (c *Codec) Schema() *arrow.Schema { return c.schema }

// Encode copies n rows into one array a column; rows points to the first of n
// contiguous rows of c.Type. Offsets start at 0 and nothing refers to the rows
// afterwards. It fails only for a column over MaxColumnBytes and for a time that
// microseconds in an int64 cannot count (290,000 years from 1970).
func (c *Codec) Encode(rows unsafe.Pointer, n int) ([]arrow.Array, error) {
	cols := make([]arrow.Array, len(c.Fields))
	for i, col := range c.parts.columns {
		f := &c.Fields[i]
		d, err := col.encode(c.window(rows, n).part(f.Offset))
		if err != nil {
			return nil, fmt.Errorf("encode column %q: %w", f.Name, err)
		}
		cols[i] = array.MakeFromData(d)
	}
	return cols, nil
}

// window is n rows.
func (c *Codec) window(rows unsafe.Pointer, n int) window {
	return window{base: rows, stride: c.Type.Size(), n: n}
}

// Decode sets every field of n contiguous rows of c.Type, the first at rows, from
// arrays of exactly the codec's types and at least n values. Strings point into the
// arrays' buffers, which must be Go memory and never written again; everything else
// is copied. Types, lengths and offsets are checked, so that arrays may be made of
// foreign bytes; after an error rows are partly set.
func (c *Codec) Decode(rows unsafe.Pointer, n int, cols []arrow.Array) error {
	if len(cols) != len(c.readers) {
		return fmt.Errorf("decode %s: %d columns, want %d", c.Type, len(cols), len(c.readers))
	}
	for i, r := range c.readers {
		f := &c.Fields[i]
		if err := r.column(c.window(rows, n).part(f.Offset), cols[i].Data()); err != nil {
			return fmt.Errorf("decode column %q: %w", f.Name, err)
		}
	}
	c.parts.wipe(c.window(rows, n))
	return nil
}

// Clone makes n contiguous rows, the first at rows, own what they point to: slices,
// maps and pointers are copied, deeply. The bytes of strings stay shared, since
// nobody writes them. It does nothing for a Flat codec.
func (c *Codec) Clone(rows unsafe.Pointer, n int) {
	if !c.Flat {
		c.parts.clone(c.window(rows, n))
	}
}

// Encode copies rows into a record of c's schema. See Codec.Encode.
func Encode[T any](c *Codec, rows []T) (arrow.Record, error) {
	if err := c.holds(reflect.TypeFor[T]()); err != nil {
		return nil, err
	}
	cols, err := c.Encode(unsafe.Pointer(unsafe.SliceData(rows)), len(rows))
	if err != nil {
		return nil, err
	}
	return array.NewRecord(c.schema, cols, int64(len(rows))), nil
}

// Decode returns the rows of a record of c's schema. See Codec.Decode.
func Decode[T any](c *Codec, rec arrow.Record) ([]T, error) {
	if err := c.holds(reflect.TypeFor[T]()); err != nil {
		return nil, err
	}
	rows := make([]T, rec.NumRows())
	err := c.Decode(unsafe.Pointer(unsafe.SliceData(rows)), len(rows), rec.Columns())
	return rows, err
}

func (c *Codec) holds(t reflect.Type) error {
	if t != c.Type {
		return fmt.Errorf("codec of %s used for rows of %s", c.Type, t)
	}
	return nil
}
