package rdd

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Names of the columns that a record holds beside the fields of keys ("key." in front) and of rows.
const (
	keyPrefix   = "key."
	timeColumn  = "@time"
	tokenColumn = "@token"
)

// Record returns the rows as Arrow columns: the key's fields, the row's fields, then event time and token if there are any.
func (r *Rows[K, V]) Record() (arrow.Record, error) {
	var fields []arrow.Field
	var cols []arrow.Array
	ck := codecFor[K]() // None has no columns
	ks, err := encode(ck, r.Keys)
	if err != nil {
		return nil, fmt.Errorf("encode keys: %w", err)
	}
	for i, f := range ck.Schema().Fields() {
		f.Name = keyPrefix + f.Name
		fields, cols = append(fields, f), append(cols, ks[i])
	}
	cv := codecFor[V]()
	vs, err := encode(cv, r.Vals)
	if err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	fields, cols = append(fields, cv.Schema().Fields()...), append(cols, vs...)
	for _, c := range []struct {
		name string
		vals []int64
	}{{timeColumn, r.Times}, {tokenColumn, r.Tokens}} {
		if c.vals != nil {
			fields = append(fields, arrow.Field{Name: c.name, Type: arrow.PrimitiveTypes.Int64})
			cols = append(cols, int64s(c.vals))
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(len(r.Vals))), nil
}

func encode[T any](c *codec.Codec, rows []T) ([]arrow.Array, error) {
	var base unsafe.Pointer
	if len(rows) > 0 {
		base = unsafe.Pointer(&rows[0])
	}
	return c.Encode(base, len(rows))
}

// int64s copies vals into an Arrow column.
func int64s(vals []int64) arrow.Array {
	own := append(make([]int64, 0, len(vals)), vals...)
	buf := memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(own))
	return array.NewInt64Data(array.NewData(arrow.PrimitiveTypes.Int64, len(own), []*memory.Buffer{nil, buf}, nil, 0, 0))
}

// rowsOf is the inverse of Record: fresh rows whose text points into the record's buffers.
func rowsOf[K, V any](rec arrow.Record) (*Rows[K, V], error) {
	n, cols := int(rec.NumRows()), rec.Columns()
	out := &Rows[K, V]{Sealed: AllColumns}
	var err error
	if out.Keys, cols, err = decode[K](cols, n); err != nil {
		return nil, fmt.Errorf("decode keys: %w", err)
	}
	if reflect.TypeFor[K]() == reflect.TypeFor[None]() {
		out.Keys = nil
	}
	if out.Vals, cols, err = decode[V](cols, n); err != nil {
		return nil, fmt.Errorf("decode rows: %w", err)
	}
	names := rec.Schema().Fields()
	for i, c := range cols {
		vals, ok := c.(*array.Int64)
		if !ok || vals.NullN() > 0 {
			return nil, fmt.Errorf("decode rows: column %d is not int64", i)
		}
		switch names[len(names)-len(cols)+i].Name {
		case timeColumn:
			out.Times = vals.Int64Values()
		case tokenColumn:
			out.Tokens = vals.Int64Values()
		default:
			return nil, fmt.Errorf("decode rows: unexpected column %q", names[len(names)-len(cols)+i].Name)
		}
	}
	return out, nil
}

func decode[T any](cols []arrow.Array, n int) ([]T, []arrow.Array, error) {
	c := codecFor[T]()
	if len(cols) < len(c.Fields) {
		return nil, nil, fmt.Errorf("%d columns where %s needs %d", len(cols), c.Type, len(c.Fields))
	}
	rows := make([]T, n)
	var base unsafe.Pointer
	if n > 0 {
		base = unsafe.Pointer(&rows[0])
	}
	if err := c.Decode(base, n, cols[:len(c.Fields)]); err != nil {
		return nil, nil, err
	}
	return rows, cols[len(c.Fields):], nil
}

// Decode makes a chunk of a record that a chunk of Rows[K, V] returned. Its text points into the record.
func Decode[K, V any](rec arrow.Record) (Chunk, error) {
	rows, err := rowsOf[K, V](rec)
	if err != nil {
		return nil, err // not rows: a nil *Rows in a Chunk is not nil
	}
	return rows, nil
}
