package kafka

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd/codec"
)

// keyable refuses columns whose values have no text that is sure to be the same every time.
func keyable(f codec.Field) error {
	switch f.Kind {
	case codec.Float32, codec.Float64, codec.Struct, codec.List, codec.Array, codec.Map, codec.Invalid:
		return fmt.Errorf("field %s is a %s, which cannot be a key: strings, bytes, integers, booleans, times and durations can", f.Name, f.Type)
	}
	return nil
}

// keys are the keys of a chunk's rows, in memory of their own: the text of one column, or a JSON array of several. A null makes no key.
func (l *layout) keys(rec arrow.Record) ([][]byte, error) {
	if len(l.key) == 0 {
		return nil, nil
	}
	cells := make([]cell, len(l.key))
	for k, i := range l.key {
		var err error
		if cells[k], err = cellOf(rec.Column(i)); err != nil {
			return nil, fmt.Errorf("column %s: %w", rec.ColumnName(i), err)
		}
	}
	out := make([][]byte, rec.NumRows())
	var buf []byte
	for i := range out {
		if len(cells) == 1 && cells[0].array.IsNull(i) {
			continue
		}
		from := len(buf)
		if len(cells) == 1 {
			buf = cells[0].text(buf, i)
		} else {
			buf = appendTuple(buf, cells, i)
		}
		if out[i] = buf[from:len(buf):len(buf)]; out[i] == nil {
			out[i] = []byte{} // an empty key is one
		}
	}
	return out, nil
}

func appendTuple(buf []byte, cells []cell, i int) []byte {
	buf = append(buf, '[')
	for k, c := range cells {
		if k > 0 {
			buf = append(buf, ',')
		}
		switch {
		case c.array.IsNull(i):
			buf = append(buf, "null"...)
		case c.bare:
			buf = c.text(buf, i)
		default:
			buf = appendString(buf, c.text(nil, i), c.binary)
		}
	}
	return append(buf, ']')
}

// appendString appends text as a string of JSON, bytes in base64.
func appendString(buf, text []byte, binary bool) []byte {
	if binary {
		buf = base64.StdEncoding.AppendEncode(append(buf, '"'), text)
		return append(buf, '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(text)); err != nil {
		panic(err) // a string
	}
	return append(buf, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

// cell writes the values of a column of a key.
type cell struct {
	array        arrow.Array
	text         func(dst []byte, i int) []byte
	bare, binary bool // without quotes in JSON; in base64 there
}

func cellOf(a arrow.Array) (cell, error) {
	switch a := a.(type) {
	case *array.String:
		return cell{array: a, text: func(dst []byte, i int) []byte { return append(dst, a.Value(i)...) }}, nil
	case *array.Binary:
		return cell{array: a, binary: true, text: func(dst []byte, i int) []byte { return append(dst, a.Value(i)...) }}, nil
	case *array.FixedSizeBinary:
		return cell{array: a, binary: true, text: func(dst []byte, i int) []byte { return append(dst, a.Value(i)...) }}, nil
	case *array.Boolean:
		return cell{array: a, bare: true, text: func(dst []byte, i int) []byte { return strconv.AppendBool(dst, a.Value(i)) }}, nil
	case *array.Uint64:
		return cell{array: a, bare: true, text: func(dst []byte, i int) []byte { return strconv.AppendUint(dst, a.Value(i), 10) }}, nil
	case *array.Duration:
		return cell{array: a, bare: true, text: func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(a.Value(i)), 10) }}, nil
	case *array.Timestamp:
		return cell{array: a, text: func(dst []byte, i int) []byte {
			return time.UnixMicro(int64(a.Value(i))).UTC().AppendFormat(dst, time.RFC3339Nano)
		}}, nil
	}
	if a.Len() > 0 {
		if _, err := wholeOf(a, 0); err != nil {
			return cell{}, err
		}
	}
	return cell{array: a, bare: true, text: func(dst []byte, i int) []byte {
		n, _ := wholeOf(a, i)
		return strconv.AppendInt(dst, n, 10)
	}}, nil
}

// wholeOf is value i of a column of integers.
func wholeOf(a arrow.Array, i int) (int64, error) {
	switch a := a.(type) {
	case *array.Int8:
		return int64(a.Value(i)), nil
	case *array.Int16:
		return int64(a.Value(i)), nil
	case *array.Int32:
		return int64(a.Value(i)), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Uint8:
		return int64(a.Value(i)), nil
	case *array.Uint16:
		return int64(a.Value(i)), nil
	case *array.Uint32:
		return int64(a.Value(i)), nil
	case *array.Uint64:
		if v := a.Value(i); v <= math.MaxInt64 {
			return int64(v), nil
		}
		return 0, fmt.Errorf("%d is too large", a.Value(i))
	}
	return 0, fmt.Errorf("a column of type %s holds no integers", a.DataType())
}
