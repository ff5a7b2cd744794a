package codec

import (
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// moment is the column of time.Time: microseconds since 1970 in UTC, rounded down.
// Location and monotonic clock do not travel. The zero time is the year 1, which
// microseconds can count, so it comes back as a time that IsZero.
type moment struct{}

// All seconds between these have microseconds that an int64 can count.
const firstSecond, lastSecond = math.MinInt64 / 1_000_000, math.MaxInt64 / 1_000_000

func (moment) dataType() arrow.DataType { return arrow.FixedWidthTypes.Timestamp_us }
func (moment) flat() bool               { return true }
func (moment) clone(window)             {}

func (c moment) encode(w window) (arrow.ArrayData, error) {
	out := make([]int64, w.n)
	for i := range out {
		t := at[time.Time](w, i)
		if s := t.Unix(); (s <= firstSecond || s >= lastSecond) && time.UnixMicro(t.UnixMicro()).Unix() != s {
			return nil, fmt.Errorf("row %d: the year %d is out of the range of microseconds", i, t.Year())
		}
		out[i] = t.UnixMicro()
	}
	return values(c.dataType(), w.n, nil, bytesOf(out)), nil
}

func (c moment) bind(dt arrow.DataType) (reader, error) {
	switch t := dt.(type) {
	case *arrow.TimestampType:
		if t.Unit == arrow.Nanosecond {
			return nil, fmt.Errorf("a column of type %s does not fit into time.Time, which travels in microseconds", dt)
		}
		if t.Unit == arrow.Microsecond {
			return microsReader{}, nil
		}
		return momentReader[int64]{int64(t.Unit.Multiplier() / time.Microsecond)}, nil
	case *arrow.Date64Type:
		return momentReader[int64]{1000}, nil
	case *arrow.Date32Type:
		return momentReader[int32]{24 * 3600 * 1_000_000}, nil
	}
	return unpack(c, dt, "time.Time")
}

// microsReader reads what encode makes.
type microsReader struct{}

func (microsReader) read(w window, d arrow.ArrayData, lo int) error {
	src, err := present[int64](w, d, lo)
	if err != nil {
		return err
	}
	off := w.off
	for _, us := range src {
		*(*time.Time)(unsafe.Add(w.base, off)) = time.UnixMicro(us).UTC()
		off += w.stride
	}
	return nil
}

// momentReader reads times counted in units of so many microseconds.
type momentReader[S int32 | int64] struct{ unit int64 }

func (r momentReader[S]) read(w window, d arrow.ArrayData, lo int) error {
	return scaled(w, d, lo, r.unit, func(us S, i int) { *at[time.Time](w, i) = time.UnixMicro(int64(us) * r.unit).UTC() })
}

// span is the column of time.Duration: nanoseconds.
type span struct{ fixed[int64] }

func newSpan() span { return span{fixed[int64]{arrow.FixedWidthTypes.Duration_ns, nothing}} }

func (c span) bind(dt arrow.DataType) (reader, error) {
	var unit arrow.TimeUnit
	switch t := dt.(type) {
	case *arrow.DurationType:
		unit = t.Unit
	case *arrow.Time64Type:
		unit = t.Unit
	case *arrow.Time32Type:
		return spanReader[int32]{int64(t.Unit.Multiplier())}, nil
	default:
		return unpack(c, dt, "time.Duration")
	}
	if unit == arrow.Nanosecond {
		return widen[int64, int64]{}, nil
	}
	return spanReader[int64]{int64(unit.Multiplier())}, nil
}

// spanReader reads durations and times of day counted in units of so many nanoseconds.
type spanReader[S int32 | int64] struct{ unit int64 }

func (r spanReader[S]) read(w window, d arrow.ArrayData, lo int) error {
	return scaled(w, d, lo, r.unit, func(v S, i int) { *at[int64](w, i) = int64(v) * r.unit })
}

// scaled calls set for each value, all of which can be multiplied by unit.
func scaled[S int32 | int64](w window, d arrow.ArrayData, lo int, unit int64, set func(v S, i int)) error {
	src, err := present[S](w, d, lo)
	if err != nil {
		return err
	}
	most := math.MaxInt64 / unit
	for i, v := range src {
		if int64(v) > most || int64(v) < -most {
			return fmt.Errorf("row %d: %d units of %d overflow", i, v, unit)
		}
		set(v, i)
	}
	return nil
}
