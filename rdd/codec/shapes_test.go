package codec

import (
	"math"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

type (
	userID string
	cents  int64
	flags  []userID
	digest [20]byte
)

type everything struct {
	B   bool
	I   int
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	U   uint
	U8  uint8
	U16 uint16
	U32 uint32
	U64 uint64
	F32 float32
	F64 float64
	S   string
	X   []byte
	T   time.Time
	D   time.Duration
	H   digest
}

type named struct {
	ID    userID    `col:"id,partition"`
	At    time.Time `col:"at,key"`
	Price cents
	Day   time.Weekday
	Raw   jsonText
	Out   chan int `col:"-"`
	_     int32
	lost  map[string]any `col:"-"` //lint:ignore U1000 that it stays out of the columns is the point
}

type jsonText []byte

type nullable struct {
	I *int
	S *string
	B *bool
	T *time.Time
	X *[]byte
	N *inner
	L *[]int16
	H *[16]byte
	M *map[string]int
}

type inner struct {
	A string `col:"a"`
	B int32
	C *float64
	D []string
}

type base struct {
	Created time.Time
	Deeper
}

// Deeper is exported and embedded in base, which is not.
type Deeper struct{ Level uint8 }

type embedding struct {
	base
	Named Deeper `col:"named"`
	Tail  string
}

type structs struct {
	N     inner
	P     *inner
	Two   [2]inner
	Empty struct{}
	Deep  struct {
		N struct{ N struct{ S string } }
	}
}

type lists struct {
	S []string
	I []int64
	B []bool
	F flags
	P []*string
	N []inner
	L [][]int32
	X [][]byte
	T []time.Time
	Z []struct{}
	M []map[string]string
}

type arrays struct {
	I [3]int64
	S [2]string
	L [2][]string
	P [2]*int8
	A [2][2]uint16
	H [1]byte
}

type maps struct {
	S map[string]string
	I map[int32]inner
	U map[uint8]*string
	B map[bool][]int
	H map[[2]byte]float64
	E map[userID]struct{}
	M map[string]map[int64]string
	D map[time.Duration]bool
}

// shape is a row type with the rows that are worth a test of their own.
type shape struct {
	t    reflect.Type
	rows reflect.Value // slice
}

func rowsOf[T any](rows ...T) shape {
	return shape{reflect.TypeFor[T](), reflect.ValueOf(rows)}
}

func ptr[T any](v T) *T { return &v }

// shapes is every row type under test, with extremes.
func shapes() []shape {
	far := time.UnixMicro(math.MaxInt64).UTC()
	long := time.UnixMicro(math.MinInt64).UTC()
	in := inner{"a", -1, ptr(math.Inf(-1)), []string{"", "x"}}
	return []shape{
		rowsOf(everything{},
			everything{true, math.MinInt, math.MinInt8, math.MinInt16, math.MinInt32, math.MinInt64, math.MaxUint, math.MaxUint8, math.MaxUint16, math.MaxUint32, math.MaxUint64, math.MaxFloat32, -math.MaxFloat64, "日本\x00\xff", []byte{0, 255}, far, math.MinInt64, digest{1, 19: 255}},
			everything{S: "x", T: long, D: math.MaxInt64, F32: float32(math.Inf(1)), F64: math.SmallestNonzeroFloat64, I: math.MaxInt}),
		rowsOf(named{}, named{ID: "u", At: time.Date(2026, 2, 28, 23, 59, 59, 999_999_000, time.UTC), Price: -5, Day: time.Friday, Raw: jsonText("{}")}),
		rowsOf(nullable{}, nullable{ptr(-1), ptr("s"), ptr(true), ptr(time.Unix(1, 0).UTC()), ptr([]byte("x")), &in, ptr([]int16{1, -2}), ptr([16]byte{15: 9}), ptr(map[string]int{"k": 1})},
			nullable{S: ptr("")}, nullable{N: &inner{}}, nullable{}),
		rowsOf(embedding{}, embedding{base{time.Unix(0, 0).UTC(), Deeper{7}}, Deeper{8}, "t"}),
		rowsOf(structs{}, structs{N: in, P: &in, Two: [2]inner{in, {A: "second"}}}, structs{Two: [2]inner{1: in}}),
		rowsOf(lists{}, lists{S: []string{"", "a", "bb"}, I: []int64{1}, B: []bool{true, false, true}, F: flags{"f"}, P: []*string{nil, ptr("p"), nil}, N: []inner{in, {}}, L: [][]int32{nil, {1, 2}, {3}}, X: [][]byte{nil, {1}}, T: []time.Time{{}, far}, Z: make([]struct{}, 5), M: []map[string]string{{"a": "b"}, nil}}, lists{}),
		rowsOf(arrays{}, arrays{[3]int64{1, 2, 3}, [2]string{"", "s"}, [2][]string{{"x"}, nil}, [2]*int8{nil, ptr(int8(-1))}, [2][2]uint16{{1, 2}, {3, 4}}, [1]byte{9}}),
		rowsOf(maps{}, maps{map[string]string{"b": "1", "a": "2", "": ""}, map[int32]inner{-1: in, 5: {}}, map[uint8]*string{0: nil, 255: ptr("z")}, map[bool][]int{true: {1}, false: nil}, map[[2]byte]float64{{1, 2}: 0.5}, map[userID]struct{}{"x": {}}, map[string]map[int64]string{"m": {3: "c"}, "n": nil}, map[time.Duration]bool{-1: true}}),
		rowsOf(struct{}{}, struct{}{}),
		rowsOf(int64(0), math.MinInt64, math.MaxInt64),
		rowsOf("", "a", "日本"),
		rowsOf(time.Time{}, far),
		rowsOf(time.Duration(0), math.MinInt64),
		rowsOf([]byte(nil), []byte("xyz")),
		rowsOf([]string(nil), []string{"a", ""}),
		rowsOf(map[string]int(nil), map[string]int{"a": 1, "b": 2}),
		rowsOf(userID(""), "u"),
		rowsOf([16]byte{}, [16]byte{1, 15: 2}),
		rowsOf([2]*string{}, [2]*string{nil, ptr("x")}),
		rowsOf(false, true, true),
	}
}

func (s shape) codec(t testing.TB) *Codec {
	t.Helper()
	c, err := For(s.t)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// encode makes a record of a slice of rows.
func encodeRows(t testing.TB, c *Codec, rows reflect.Value) arrow.Record {
	t.Helper()
	cols, err := c.Encode(rows.UnsafePointer(), rows.Len())
	if err != nil {
		t.Fatal(err)
	}
	return record(c, cols, rows.Len())
}

// decodeRows makes a slice of rows of a record, over memory full of other rows.
func decodeRows(t testing.TB, c *Codec, rec arrow.Record, over reflect.Value) reflect.Value {
	t.Helper()
	n := int(rec.NumRows())
	rows := reflect.MakeSlice(reflect.SliceOf(c.Type), n, n)
	for i := range n {
		rows.Index(i).Set(over.Index((i + 1) % over.Len()))
	}
	if err := c.Decode(unsafe.Pointer(rows.UnsafePointer()), n, rec.Columns()); err != nil {
		t.Fatal(err)
	}
	return rows
}

// same is reflect.DeepEqual but for nil and empty, which are one.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice, reflect.Map:
		if a.Len() == 0 && b.Len() == 0 {
			return true
		}
		if a.Len() != b.Len() || a.Kind() == reflect.Map && !sameEntries(a, b) {
			return false
		}
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		if a.Type() == timeType {
			return a.Interface() == b.Interface()
		}
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	}
	if k := a.Kind(); k == reflect.Slice || k == reflect.Array {
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Kind() == reflect.Map || reflect.DeepEqual(plainValue(a), plainValue(b))
}

func sameEntries(a, b reflect.Value) bool {
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !same(it.Value(), v) {
			return false
		}
	}
	return true
}

// plainValue is the value of a scalar, whether or not its field is exported.
func plainValue(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	}
	return v.IsZero()
}
