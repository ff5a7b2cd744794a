package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// put appends value i of an array, which is not null, to dst.
type put func(dst []byte, i int) []byte

// writer writes the values of one array.
type writer struct {
	array arrow.Array
	text  put // as in a cell, without quotes
	value put // as JSON
}

// json appends value i as JSON, null included.
func (w *writer) json(dst []byte, i int) []byte {
	if w.array.IsNull(i) {
		return append(dst, "null"...)
	}
	return w.value(dst, i)
}

// plain writes the same as text and as JSON.
func plain(a arrow.Array, p put) writer { return writer{a, p, p} }

// inQuotes writes text that needs no escaping.
func inQuotes(a arrow.Array, p put) writer {
	return writer{a, p, func(dst []byte, i int) []byte { return append(p(append(dst, '"'), i), '"') }}
}

type signed interface {
	~int8 | ~int16 | ~int32 | ~int64
}

func ints[F signed](a arrow.Array, v []F) (writer, error) {
	return plain(a, func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(v[i]), 10) }), nil
}

func uints[F uint8 | uint16 | uint32 | uint64](a arrow.Array, v []F) (writer, error) {
	return plain(a, func(dst []byte, i int) []byte { return strconv.AppendUint(dst, uint64(v[i]), 10) }), nil
}

func floats[F float32 | float64](a arrow.Array, v []F, bits int) (writer, error) {
	text := func(dst []byte, i int) []byte { return appendFloat(dst, float64(v[i]), bits) }
	value := func(dst []byte, i int) []byte {
		if f := float64(v[i]); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(text(append(dst, '"'), i), '"')
		}
		return text(dst, i)
	}
	return writer{a, text, value}, nil
}

// appendFloat writes the shortest number that is read back as f, small and large ones with an exponent from where
// encoding/json does.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// writerOf returns the writer of an array of any type that a codec makes.
func writerOf(a arrow.Array) (writer, error) {
	switch v := a.(type) {
	case *array.Boolean:
		return plain(a, func(dst []byte, i int) []byte { return strconv.AppendBool(dst, v.Value(i)) }), nil
	case *array.Int8:
		return ints(a, v.Int8Values())
	case *array.Int16:
		return ints(a, v.Int16Values())
	case *array.Int32:
		return ints(a, v.Int32Values())
	case *array.Int64:
		return ints(a, v.Int64Values())
	case *array.Uint8:
		return uints(a, v.Uint8Values())
	case *array.Uint16:
		return uints(a, v.Uint16Values())
	case *array.Uint32:
		return uints(a, v.Uint32Values())
	case *array.Uint64:
		return uints(a, v.Uint64Values())
	case *array.Float32:
		return floats(a, v.Float32Values(), 32)
	case *array.Float64:
		return floats(a, v.Float64Values(), 64)
	case *array.String:
		return writer{a, func(dst []byte, i int) []byte { return appendValid(dst, v.Value(i)) },
			func(dst []byte, i int) []byte { return appendQuoted(dst, v.Value(i)) }}, nil
	case *array.Binary:
		return inQuotes(a, func(dst []byte, i int) []byte { return base64.StdEncoding.AppendEncode(dst, v.Value(i)) }), nil
	case *array.FixedSizeBinary:
		return inQuotes(a, func(dst []byte, i int) []byte { return base64.StdEncoding.AppendEncode(dst, v.Value(i)) }), nil
	case *array.Timestamp:
		return times(v)
	case *array.Duration:
		return durations(v)
	}
	return writerOfParts(a)
}

// times writes RFC 3339, which has years of four digits only.
func times(a *array.Timestamp) (writer, error) {
	unit := a.DataType().(*arrow.TimestampType).Unit
	for i := range a.Len() {
		if a.IsNull(i) {
			continue
		}
		if y := a.Value(i).ToTime(unit).Year(); y < 0 || y > 9999 {
			return writer{}, fmt.Errorf("row %d: the year %d cannot be written in RFC 3339", i, y)
		}
	}
	return inQuotes(a, func(dst []byte, i int) []byte {
		return a.Value(i).ToTime(unit).AppendFormat(dst, time.RFC3339Nano)
	}), nil
}

// durations writes nanoseconds.
func durations(a *array.Duration) (writer, error) {
	unit := int64(a.DataType().(*arrow.DurationType).Unit.Multiplier())
	v := a.DurationValues()
	return plain(a, func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(v[i])*unit, 10) }), nil
}
