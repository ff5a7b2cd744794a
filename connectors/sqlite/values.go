package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// layout is that of SQLite's own date functions, with six digits so that text sorts as time does.
const layout = "2006-01-02 15:04:05.000000"

// value is one cell of a column as SQLite takes it.
type value func(row int) (driver.Value, error)

// valuesOf returns the cells of a column. as is the affinity of the column that they go to.
func valuesOf(a arrow.Array, as affinity) value {
	get := present(a, as)
	if a.NullN() == 0 {
		return get
	}
	return func(i int) (driver.Value, error) {
		if a.IsNull(i) {
			return nil, nil
		}
		return get(i)
	}
}

func present(a arrow.Array, as affinity) value {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) (driver.Value, error) { return a.Value(i), nil }
	case *array.Int8:
		return whole(a.Int8Values())
	case *array.Int16:
		return whole(a.Int16Values())
	case *array.Int32:
		return whole(a.Int32Values())
	case *array.Int64:
		return whole(a.Int64Values())
	case *array.Uint8:
		return whole(a.Uint8Values())
	case *array.Uint16:
		return whole(a.Uint16Values())
	case *array.Uint32:
		return whole(a.Uint32Values())
	case *array.Uint64:
		return unsigned(a.Uint64Values())
	case *array.Duration:
		return whole(a.DurationValues())
	case *array.Float32:
		return func(i int) (driver.Value, error) { return float64(a.Value(i)), nil }
	case *array.Float64:
		return func(i int) (driver.Value, error) { return a.Value(i), nil }
	case *array.String:
		return func(i int) (driver.Value, error) { return a.Value(i), nil }
	case *array.Binary:
		return func(i int) (driver.Value, error) { return orEmpty(a.Value(i)), nil }
	case *array.FixedSizeBinary:
		return func(i int) (driver.Value, error) { return orEmpty(a.Value(i)), nil }
	case *array.Timestamp:
		return moments(a, as)
	}
	return func(i int) (driver.Value, error) {
		text, err := json.Marshal(a.GetOneForMarshal(i))
		return string(text), err
	}
}

func whole[N int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | arrow.Duration](v []N) value {
	return func(i int) (driver.Value, error) { return int64(v[i]), nil }
}

func unsigned(v []uint64) value {
	return func(i int) (driver.Value, error) {
		if v[i] > math.MaxInt64 {
			return nil, fmt.Errorf("%d is beyond what SQLite's integers hold, %d", v[i], int64(math.MaxInt64))
		}
		return int64(v[i]), nil
	}
}

// orEmpty tells no bytes from NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// moments is times in µs, the codec's unit.
func moments(a *array.Timestamp, as affinity) value {
	v := a.TimestampValues()
	if as == integer {
		return whole(arrowDurations(v))
	}
	var buf []byte
	return func(i int) (driver.Value, error) {
		buf = time.UnixMicro(int64(v[i])).UTC().AppendFormat(buf[:0], layout)
		return string(buf), nil
	}
}

func arrowDurations(v []arrow.Timestamp) []int64 {
	out := make([]int64, len(v))
	for i, t := range v {
		out[i] = int64(t)
	}
	return out
}
