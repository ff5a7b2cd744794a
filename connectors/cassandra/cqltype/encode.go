package cqltype

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Encoder appends the value of a row of a column to dst. The column is of the type that the codec makes for the field. A null appends nothing. An
// error says why this value cannot be written; dst then has undefined bytes at its end. It is safe for concurrent use.
type Encoder func(dst []byte, col arrow.Array, row int) (out []byte, null bool, err error)

// NewEncoder returns the encoder of a field's values as values of type t. It is an error, which names both types, if t does not hold them
// all, a few pairs excepted that the package lists.
func NewEncoder(t Type, f *codec.Field) (Encoder, error) {
	put, err := encoderOf(t, f)
	if err != nil || !f.Nullable {
		return put, err
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		if col.IsNull(row) {
			return dst, true, nil
		}
		return put(dst, col, row)
	}, nil
}

// encoderOf encodes values that are there.
func encoderOf(t Type, f *codec.Field) (Encoder, error) {
	var put Encoder
	switch t.ID {
	case Counter:
		return nil, misfit(t, f, "counters can only be added to, and a batch that runs again would add twice: write each batch's delta to a row of its own")
	case Vector, Custom:
		return nil, misfit(t, f, unsupported(t))
	case List, Set:
		return sequenceEncoder(t, f)
	case Map:
		return mapEncoder(t, f)
	case Tuple, UDT:
		return structEncoder(t, f)
	case Tinyint, Smallint, Int, Bigint, Varint:
		put = integerEncoder(t, f)
	case Date, Time, Timestamp, Duration:
		put = momentEncoder(t, f)
	default:
		put = plainEncoder(t, f)
	}
	if put == nil {
		return nil, misfit(t, f, "")
	}
	return put, nil
}

// misfit names both types, and says what to do.
func misfit(t Type, f *codec.Field, why string) error {
	if why == "" {
		if d, err := Default(f); err == nil && d.ID != t.ID {
			why = fmt.Sprintf("a column of type %s does", d)
		} else {
			why = "change one of them"
		}
	}
	return fmt.Errorf("%s does not hold every %s: %s", t, f.Type, why)
}

func unsupported(t Type) string {
	if t.ID == Vector {
		return "vectors have no form in version 4 of the native protocol; use frozen<list<float>>"
	}
	return "custom types are not supported"
}

// sized appends a length and the value that it is the length of, -1 for null.
func (put Encoder) sized(dst []byte, col arrow.Array, row int) ([]byte, error) {
	start := len(dst)
	dst, null, err := put(append(dst, 0xff, 0xff, 0xff, 0xff), col, row)
	if err == nil && !null {
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	return dst, err
}
