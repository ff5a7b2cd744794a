package cqltype

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd/codec"
)

// widths is how many bytes the whole numbers of a type have; varint as many as it takes.
var widths = [Custom + 1]int{Tinyint: 1, Smallint: 2, Int: 4, Bigint: 8, Counter: 8}

// needs is how many bytes the values of a kind take as signed numbers; 0 = it has no whole numbers.
func needs(k codec.Kind) int {
	switch k {
	case codec.Int8:
		return 1
	case codec.Int16, codec.Uint8:
		return 2
	case codec.Int32, codec.Uint16:
		return 4
	case codec.Int64, codec.Uint32, codec.Uint64, codec.Duration, codec.Time:
		return 8
	}
	return 0
}

// integerEncoder encodes whole numbers, and times as numbers; nil if the type does not hold the field.
func integerEncoder(t Type, f *codec.Field) Encoder {
	n := needs(f.Kind)
	moment := f.Kind == codec.Duration || f.Kind == codec.Time
	switch {
	case t.ID == Varint && f.Kind == codec.String:
		return textEncoder(appendText[Varint])
	case n == 0 || moment && t.ID != Bigint:
		return nil
	case t.ID == Varint:
		return varintEncoder(f)
	case n > widths[t.ID]:
		return nil
	case f.Kind == codec.Uint64:
		return unsignedEncoder
	case f.Kind == codec.Int64:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			return binary.BigEndian.AppendUint64(dst, uint64(col.(*array.Int64).Value(row))), false, nil
		}
	}
	width, get := widths[t.ID], wholeOf(f.Kind)
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		return appendWhole(dst, get(col, row), width), false, nil
	}
}

func appendWhole(dst []byte, v int64, width int) []byte {
	switch width {
	case 1:
		return append(dst, byte(v))
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v))
}

func unsignedEncoder(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
	v := col.(*array.Uint64).Value(row)
	if v > math.MaxInt64 {
		return dst, false, fmt.Errorf("%d is beyond what a bigint holds, %d: make the column varint", v, int64(math.MaxInt64))
	}
	return binary.BigEndian.AppendUint64(dst, v), false, nil
}

// varintEncoder encodes the shortest two's complement.
func varintEncoder(f *codec.Field) Encoder {
	if f.Kind == codec.Uint64 {
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			v := col.(*array.Uint64).Value(row)
			if v > math.MaxInt64 {
				dst = append(dst, 0) // the sign
				return binary.BigEndian.AppendUint64(dst, v), false, nil
			}
			return appendShortest(dst, int64(v)), false, nil
		}
	}
	get := wholeOf(f.Kind)
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		return appendShortest(dst, get(col, row)), false, nil
	}
}

func appendShortest(dst []byte, v int64) []byte {
	n := 8
	for n > 1 && v>>(8*n-9) == v>>63 { // the first byte only repeats the sign of the next
		n--
	}
	for n--; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

// wholeOf gets the numbers of a column of a kind.
func wholeOf(k codec.Kind) func(col arrow.Array, row int) int64 {
	switch k {
	case codec.Int8:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Int8).Value(row)) }
	case codec.Int16:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Int16).Value(row)) }
	case codec.Int32:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Int32).Value(row)) }
	case codec.Uint8:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Uint8).Value(row)) }
	case codec.Uint16:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Uint16).Value(row)) }
	case codec.Uint32:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Uint32).Value(row)) }
	case codec.Duration:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Duration).Value(row)) }
	case codec.Time:
		return func(col arrow.Array, row int) int64 { return int64(col.(*array.Timestamp).Value(row)) }
	}
	return func(col arrow.Array, row int) int64 { return col.(*array.Int64).Value(row) }
}
