package cqltype

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd/codec"
)

const (
	day      = 24 * time.Hour
	dayMicro = int64(day / time.Microsecond)
	epochDay = 1 << 31 // of a date: the days are counted from it, without a sign
)

// momentEncoder encodes times and durations; nil if the type does not hold the field.
func momentEncoder(t Type, f *codec.Field) Encoder {
	switch {
	case t.ID == Timestamp && f.Kind == codec.Time:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			return binary.BigEndian.AppendUint64(dst, uint64(floor(int64(col.(*array.Timestamp).Value(row)), 1000))), false, nil
		}
	case t.ID == Date && f.Kind == codec.Time:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			days := floor(int64(col.(*array.Timestamp).Value(row)), dayMicro)
			return binary.BigEndian.AppendUint32(dst, uint32(days+epochDay)), false, nil
		}
	case t.ID == Time && f.Kind == codec.Duration:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			d := time.Duration(col.(*array.Duration).Value(row))
			if d < 0 || d >= day {
				return dst, false, fmt.Errorf("%s is no time of a day: make the column bigint or duration", d)
			}
			return binary.BigEndian.AppendUint64(dst, uint64(d)), false, nil
		}
	case t.ID == Duration && f.Kind == codec.Duration:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			dst = append(dst, 0, 0) // months and days
			return appendVint(dst, int64(col.(*array.Duration).Value(row))), false, nil
		}
	}
	return nil
}

// floor divides and rounds down.
func floor(v, by int64) int64 {
	q := v / by
	if v%by < 0 {
		q--
	}
	return q
}

// appendVint appends a [vint] of the native protocol (v5 §3): zigzag, then as many leading ones as bytes follow the first.
func appendVint(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	more := (bits.Len64(u|1) - 1) / 7 // bytes behind the first
	if more >= 8 {
		return binary.BigEndian.AppendUint64(append(dst, 0xff), u)
	}
	first := ^byte(0xff>>more) | byte(u>>(8*more))
	dst = append(dst, first)
	for more--; more >= 0; more-- {
		dst = append(dst, byte(u>>(8*more)))
	}
	return dst
}
