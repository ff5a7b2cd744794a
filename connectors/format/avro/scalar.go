package avro

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
)

// The logical types that the library does not know by name.
const (
	timestampNanos      avro.LogicalType = "timestamp-nanos"
	localTimestampNanos avro.LogicalType = "local-timestamp-nanos"
)

// logical is the logical type of a schema, also one that the library leaves among the properties; empty if it has none.
func logical(s avro.Schema) avro.LogicalType {
	if l, ok := s.(avro.LogicalTypeSchema); ok && l.Logical() != nil {
		return l.Logical().Type()
	}
	if p, ok := s.(avro.PropertySchema); ok {
		name, _ := p.Prop("logicalType").(string)
		switch l := avro.LogicalType(name); l {
		case timestampNanos, localTimestampNanos, avro.UUID:
			return l
		}
	}
	return ""
}

// scalar is the op of a value without parts; nil if the field does not take such values.
func (c *compiler) scalar(s avro.Schema, f *codec.Field) (op, error) {
	switch s.Type() {
	case avro.Boolean:
		return truthOp(f), nil
	case avro.Int:
		return wholeOp(c.whole(s, f), math.MaxInt32), nil
	case avro.Long:
		if f.Kind == codec.Int64 {
			return longOp, nil
		}
		return wholeOp(c.whole(s, f), math.MaxInt64), nil
	case avro.Float:
		return realOp(f, 4), nil
	case avro.Double:
		return realOp(f, 8), nil
	case avro.String:
		set := slot.Text(f, c.unit)
		if logical(s) == avro.UUID && isUUID(f) {
			set = setUUID
		}
		return textOp(set), nil
	case avro.Bytes:
		set, err := bytesSetter(s, f)
		return textOp(set), err
	case avro.Fixed:
		set, err := bytesSetter(s, f)
		return fixedOp(set, s.(*avro.FixedSchema).Size()), err
	case avro.Enum:
		return enumOp(s.(*avro.EnumSchema), f), nil
	}
	return nil, nil
}

// whole is the setter for ints and longs of a schema.
func (c *compiler) whole(s avro.Schema, f *codec.Field) func(unsafe.Pointer, int64) error {
	switch logical(s) {
	case avro.Date:
		return slot.Moment(f, slot.Days)
	case avro.TimestampMillis, avro.LocalTimestampMillis:
		return slot.Moment(f, slot.Millis)
	case avro.TimestampMicros, avro.LocalTimestampMicros:
		return slot.Moment(f, slot.Micros)
	case timestampNanos, localTimestampNanos:
		return slot.Moment(f, slot.Nanos)
	case avro.TimeMillis:
		return slot.Span(f, time.Millisecond)
	case avro.TimeMicros:
		return slot.Span(f, time.Microsecond)
	}
	return slot.Int(f, c.unit)
}

func wholeOp(set func(unsafe.Pointer, int64) error, most int64) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		x, end, err := long(b, i)
		if err != nil {
			return end, err
		}
		if x > most || x < -most-1 {
			return i, garbled("an int of more than 32 bits", i)
		}
		return end, set(v, x)
	}
}

func longOp(b []byte, i int, v unsafe.Pointer) (int, error) {
	x, i, err := long(b, i)
	*(*int64)(v) = x
	return i, err
}

func truthOp(f *codec.Field) op {
	set := slot.Truth(f)
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		if i >= len(b) {
			return i, short(i)
		}
		if b[i] > 1 {
			return i, garbled("a boolean that is neither 0 nor 1", i)
		}
		return i + 1, set(v, b[i] == 1)
	}
}

func realOp(f *codec.Field, bytes int) op {
	set := slot.Float(f)
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		if bytes > len(b)-i {
			return i, short(i)
		}
		if bytes == 4 {
			return i + 4, set(v, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))))
		}
		return i + 8, set(v, math.Float64frombits(binary.LittleEndian.Uint64(b[i:])))
	}
}

func textOp(set func(unsafe.Pointer, []byte) error) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		n, i, err := size(b, i)
		if err != nil {
			return i, err
		}
		return i + n, set(v, b[i:i+n])
	}
}

func fixedOp(set func(unsafe.Pointer, []byte) error, n int) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		if n > len(b)-i {
			return i, short(i)
		}
		return i + n, set(v, b[i:i+n])
	}
}

func enumOp(s *avro.EnumSchema, f *codec.Field) op {
	symbols := s.Symbols()
	set := slot.Int(f, slot.Unit{})
	switch {
	case f.Kind == codec.String:
		set = func(v unsafe.Pointer, x int64) error { *(*string)(v) = symbols[x]; return nil }
	case f.Kind < codec.Int8 || f.Kind > codec.Uint64:
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		x, end, err := long(b, i)
		if err != nil {
			return end, err
		}
		if uint64(x) >= uint64(len(symbols)) {
			return i, slot.Bad(strconv.FormatInt(x, 10), " is no symbol of an enum of "+strconv.Itoa(len(symbols)))
		}
		return end, set(v, x)
	}
}
