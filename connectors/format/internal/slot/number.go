package slot

import (
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

func itoa(x int64) string { return strconv.FormatInt(x, 10) }

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func outOfRange(text string, k codec.Kind) error {
	return Bad(text, " is out of the range of "+k.String())
}

func fromInt[N integer](k codec.Kind) func(unsafe.Pointer, int64) error {
	return func(v unsafe.Pointer, x int64) error {
		n := N(x)
		if int64(n) != x || (n < 0) != (x < 0) {
			return outOfRange(itoa(x), k)
		}
		*(*N)(v) = n
		return nil
	}
}

func fromUint[N integer](k codec.Kind) func(unsafe.Pointer, uint64) error {
	return func(v unsafe.Pointer, x uint64) error {
		n := N(x)
		if uint64(n) != x || n < 0 {
			return outOfRange(strconv.FormatUint(x, 10), k)
		}
		*(*N)(v) = n
		return nil
	}
}

// Int returns the setter of a field for whole numbers, which count u since 1970 where the field is a time.
func Int(f *codec.Field, u Unit) func(v unsafe.Pointer, x int64) error {
	switch f.Kind {
	case codec.Int8:
		return fromInt[int8](f.Kind)
	case codec.Int16:
		return fromInt[int16](f.Kind)
	case codec.Int32:
		return fromInt[int32](f.Kind)
	case codec.Int64, codec.Duration:
		return func(v unsafe.Pointer, x int64) error { *(*int64)(v) = x; return nil }
	case codec.Uint8:
		return fromInt[uint8](f.Kind)
	case codec.Uint16:
		return fromInt[uint16](f.Kind)
	case codec.Uint32:
		return fromInt[uint32](f.Kind)
	case codec.Uint64:
		return fromInt[uint64](f.Kind)
	case codec.Float32:
		return func(v unsafe.Pointer, x int64) error { *(*float32)(v) = float32(x); return nil }
	case codec.Float64:
		return func(v unsafe.Pointer, x int64) error { *(*float64)(v) = float64(x); return nil }
	case codec.Time:
		return u.set
	}
	return nil
}

func (u Unit) set(v unsafe.Pointer, x int64) error {
	if x < u.min || x > u.max {
		return Bad(itoa(x), " "+u.name+" since 1970 is out of the range of times")
	}
	*(*time.Time)(v) = u.time(x)
	return nil
}

// Uint is Int for numbers that may not fit into an int64.
func Uint(f *codec.Field, u Unit) func(v unsafe.Pointer, x uint64) error {
	switch f.Kind {
	case codec.Uint8:
		return fromUint[uint8](f.Kind)
	case codec.Uint16:
		return fromUint[uint16](f.Kind)
	case codec.Uint32:
		return fromUint[uint32](f.Kind)
	case codec.Uint64:
		return func(v unsafe.Pointer, x uint64) error { *(*uint64)(v) = x; return nil }
	case codec.Float32:
		return func(v unsafe.Pointer, x uint64) error { *(*float32)(v) = float32(x); return nil }
	case codec.Float64:
		return func(v unsafe.Pointer, x uint64) error { *(*float64)(v) = float64(x); return nil }
	}
	set := Int(f, u)
	if set == nil {
		return nil
	}
	return func(v unsafe.Pointer, x uint64) error {
		if x > math.MaxInt64 {
			return outOfRange(strconv.FormatUint(x, 10), codec.Int64)
		}
		return set(v, int64(x))
	}
}

// Span returns the setter of a field for lengths of time that count unit.
func Span(f *codec.Field, unit time.Duration) func(v unsafe.Pointer, x int64) error {
	switch f.Kind {
	case codec.Time:
		return nil
	case codec.Duration:
		return func(v unsafe.Pointer, x int64) error {
			d := time.Duration(x) * unit
			if d/unit != time.Duration(x) {
				return Bad(itoa(x), " times "+unit.String()+" is out of the range of durations")
			}
			*(*time.Duration)(v) = d
			return nil
		}
	}
	return Int(f, Unit{})
}

// Moment is Int for numbers that are times and nothing else but, perhaps, numbers.
func Moment(f *codec.Field, u Unit) func(v unsafe.Pointer, x int64) error {
	if f.Kind == codec.Duration {
		return nil
	}
	return Int(f, u)
}

// Float returns the setter of a field for floats.
func Float(f *codec.Field) func(v unsafe.Pointer, x float64) error {
	switch f.Kind {
	case codec.Float32:
		return func(v unsafe.Pointer, x float64) error {
			y := float32(x)
			if math.IsInf(float64(y), 0) && !math.IsInf(x, 0) {
				return outOfRange(strconv.FormatFloat(x, 'g', -1, 64), codec.Float32)
			}
			*(*float32)(v) = y
			return nil
		}
	case codec.Float64:
		return func(v unsafe.Pointer, x float64) error { *(*float64)(v) = x; return nil }
	}
	return nil
}

// Truth returns the setter of a field for true and false.
func Truth(f *codec.Field) func(v unsafe.Pointer, x bool) error {
	if f.Kind != codec.Bool {
		return nil
	}
	return func(v unsafe.Pointer, x bool) error { *(*bool)(v) = x; return nil }
}
