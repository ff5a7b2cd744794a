package slot

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// fieldOf is the field that a row of type T is.
func fieldOf[T any](t *testing.T) *codec.Field {
	t.Helper()
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	f := Root(c)
	return &f
}

// tryWhole checks which whole numbers a field takes; those it takes come out as they went in.
func tryWhole[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](t *testing.T, least, most float64) {
	t.Helper()
	f := fieldOf[T](t)
	set, setUint := Int(f, Unit{}), Uint(f, Unit{})
	for _, x := range []int64{0, -1, 1, math.MinInt8, math.MinInt8 - 1, math.MaxInt8, math.MaxInt8 + 1, math.MaxUint8, math.MaxUint8 + 1, math.MinInt16,
		math.MaxUint16, math.MinInt32, math.MaxInt32, math.MaxUint32, math.MaxUint32 + 1, math.MinInt64, math.MaxInt64} {
		var v T
		err := set(unsafe.Pointer(&v), x)
		if fits := float64(x) >= least && float64(x) <= most; (err == nil) != fits || fits && int64(v) != x {
			t.Errorf("%s: %d became %d, %v", f.Kind, x, v, err)
		}
		u := uint64(x)
		err = setUint(unsafe.Pointer(&v), u)
		if fits := float64(u) <= most && (u <= math.MaxInt64 || most > math.MaxInt64); (err == nil) != fits || fits && uint64(v) != u {
			t.Errorf("%s: %d became %d, %v", f.Kind, u, v, err)
		}
	}
}

func TestWhole(t *testing.T) {
	tryWhole[int8](t, math.MinInt8, math.MaxInt8)
	tryWhole[int16](t, math.MinInt16, math.MaxInt16)
	tryWhole[int32](t, math.MinInt32, math.MaxInt32)
	tryWhole[int64](t, math.MinInt64, math.MaxInt64)
	tryWhole[uint8](t, 0, math.MaxUint8)
	tryWhole[uint16](t, 0, math.MaxUint16)
	tryWhole[uint32](t, 0, math.MaxUint32)
	tryWhole[uint64](t, 0, math.MaxUint64)
}

func TestTimes(t *testing.T) {
	f := fieldOf[time.Time](t)
	for _, u := range []Unit{Days, Seconds, Millis, Micros, Nanos} {
		for _, x := range []int64{0, -1, u.min, u.max} {
			var v time.Time
			if err := Moment(f, u)(unsafe.Pointer(&v), x); err != nil || time.UnixMicro(v.UnixMicro()).UTC() != v {
				t.Errorf("%d %s: %v %v", x, u.name, v, err)
			}
		}
		var v time.Time
		if u.max < math.MaxInt64 && Int(f, u)(unsafe.Pointer(&v), u.max+1) == nil {
			t.Errorf("%d %s fits", u.max+1, u.name)
		}
	}
	var v time.Time
	if Instant(&v, lastSecond+1, 0) == nil || Instant(&v, 0, 1e9) == nil || Instant(&v, -1, 999_999_999) != nil || v.UnixMicro() != -1 {
		t.Error(v)
	}
	var d time.Duration
	span := Span(fieldOf[time.Duration](t), time.Microsecond)
	if span(unsafe.Pointer(&d), math.MaxInt64/1000) != nil || span(unsafe.Pointer(&d), math.MaxInt64/1000+1) == nil || span(unsafe.Pointer(&d), math.MinInt64/999) == nil {
		t.Error(d)
	}
	if Span(f, time.Second) != nil || Moment(fieldOf[time.Duration](t), Days) != nil {
		t.Error("a time is no length of time")
	}
}

func TestText(t *testing.T) {
	f, i, u, b := fieldOf[float64](t), fieldOf[int64](t), fieldOf[uint8](t), fieldOf[bool](t)
	for text, want := range map[string][3]bool{ // fits into a float64, an int64, a uint8
		"1": {true, true, true}, "-1": {true, true, false}, "256": {true, true, false}, "+1": {}, "01": {false, true, true}, "": {}, " 1": {}, "1 ": {},
		"1e3": {true, false, false}, "0x1": {}, "1_0": {}, "Inf": {}, "NaN": {true, false, false}, "1e999": {}, "9223372036854775808": {true, false, false}, "null": {}, "[1]": {},
	} {
		var v [3]uint64
		got := [3]bool{
			Text(f, Millis)(unsafe.Pointer(&v[0]), []byte(text)) == nil,
			Text(i, Millis)(unsafe.Pointer(&v[1]), []byte(text)) == nil,
			Text(u, Millis)(unsafe.Pointer(&v[2]), []byte(text)) == nil,
		}
		if got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if Text(b, Millis) != nil || Raw(i) != nil || Float(i) != nil || Truth(i) != nil || Int(b, Millis) != nil || Uint(b, Millis) != nil {
		t.Error("a kind takes what it should not")
	}
}

func TestMisfit(t *testing.T) {
	err := Within("a", WithinItem(3, Within("b", WithinEntry("k", Missing()))))
	if err.Error() != `field "a[3].b[\"k\"]" is missing` || Null().Error() != "the record is null, which only a pointer can be" {
		t.Error(err, Null())
	}
}
