package format

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/rdd/codec"
	"pgregory.net/rapid"
)

type userID string

// every has a field of each type that a codec has a column for.
type every struct {
	Bool     bool
	Int      int
	Int8     int8
	Int16    int16
	Int32    int32
	Int64    int64
	Uint     uint
	Uint8    uint8
	Uint16   uint16
	Uint32   uint32
	Uint64   uint64
	Float32  float32
	Float64  float64
	Text     string `col:"te\"x t"`
	Named    userID
	Bytes    []byte
	Time     time.Time
	Span     time.Duration
	Fixed    [5]byte
	Part     part
	List     []part
	Deep     [][]string
	Pair     [2]*int16
	ByText   map[string]float64
	ByInt    map[int32]*part
	ByBool   map[bool]string
	ByBytes  map[[2]byte]time.Time
	BySpan   map[time.Duration][]byte
	PBool    *bool
	PText    *string
	PTime    *time.Time
	PSpan    *time.Duration
	PBytes   *[]byte
	PFixed   *[1]byte
	PPart    *part
	PList    *[]int64
	Pointers []*string
	Embedded
}

type Embedded struct{ Inner uint16 }

type part struct {
	Text string
	At   *time.Time
	Sub  struct{ N uint64 }
}

// generator draws values of any type that a codec has a column for.
func generator(t *rapid.T, typ reflect.Type, text *rapid.Generator[string]) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ {
	case reflect.TypeFor[time.Time]():
		us := rapid.Int64Range(-62167219200_000_000, 253402300799_999_999).Draw(t, "time") // the years 0 to 9999
		return reflect.ValueOf(time.UnixMicro(us).UTC())
	}
	switch k := typ.Kind(); k {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int") >> (64 - typ.Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint") >> (64 - typ.Bits()))
	case reflect.Float32, reflect.Float64:
		f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 5e-324, 1e21, 1e-7})).Draw(t, "float")
		v.SetFloat(f)
	case reflect.String:
		v.SetString(text.Draw(t, "text"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(typ.Elem()))
			v.Elem().Set(generator(t, typ.Elem(), text))
		}
	case reflect.Struct:
		for i := range typ.NumField() {
			v.Field(i).Set(generator(t, typ.Field(i).Type, text))
		}
	case reflect.Array:
		for i := range typ.Len() {
			v.Index(i).Set(generator(t, typ.Elem(), text))
		}
	case reflect.Slice, reflect.Map:
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			if k == reflect.Slice {
				v.Set(reflect.Append(v, generator(t, typ.Elem(), text)))
				continue
			}
			if v.IsNil() {
				v.Set(reflect.MakeMap(typ))
			}
			v.SetMapIndex(generator(t, typ.Key(), text), generator(t, typ.Elem(), text))
		}
	}
	return v
}

// anyText is any valid text; writtenText leaves out NUL, which only JSON can write.
var anyText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", "a,b", "\"", "\r\n", "\ufeffx", "null", "true", "\u2028", "\\", "\t", "世界", "\x7f"}))

func writtenText(s string) bool { return !strings.Contains(s, "\x00") }

// roundTrip encodes rows and decodes them again.
func roundTrip[T any](t testing.TB, params string, rows []T) outcome[T] {
	t.Helper()
	e := endpoint[T](t, "files:./dir?"+params)
	enc, err := OpenEncoder(e)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Encode(e.Rows, rows)
	if err != nil {
		t.Fatal(err)
	}
	half := rec.NumRows() / 2 // slices have offsets, which must not matter
	file := enc.Header(nil)
	for _, r := range []struct{ lo, hi int64 }{{0, half}, {half, rec.NumRows()}} {
		if file, err = enc.Append(file, rec.NewSlice(r.lo, r.hi), nil); err != nil {
			t.Fatal(err)
		}
	}
	return decode[T](t, decoder[T](t, params), string(file))
}

func TestRoundTrip(t *testing.T) {
	for _, params := range []string{"format=json", "format=csv", "format=csv&header=false&sep=%7C"} {
		text := anyText
		if strings.Contains(params, "csv") {
			text = anyText.Filter(writtenText)
		}
		t.Run(params, rapid.MakeCheck(func(r *rapid.T) {
			rows := make([]every, rapid.IntRange(0, 4).Draw(r, "rows"))
			for i := range rows {
				rows[i] = generator(r, reflect.TypeFor[every](), text).Interface().(every)
			}
			// Nil and empty are one to the codec: what it gives back is what has to come back.
			c := endpoint[every](t, "").Rows
			rec, err := codec.Encode(c, rows)
			if err != nil {
				r.Fatal(err)
			}
			want, err := codec.Decode[every](c, rec)
			if err != nil {
				r.Fatal(err)
			}
			got := roundTrip(t, params, rows)
			if len(got.bad) > 0 || fmt.Sprint(follows(got.rows)) != fmt.Sprint(follows(want)) {
				r.Fatalf("rejected %q\n got %v\nwant %v", got.bad, follows(got.rows), follows(want))
			}
		}))
	}
}

// TestRoundTripScalars does the same for rows that are one value.
func TestRoundTripScalars(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC)
	check := func(name string, got, want any, bad []string) {
		t.Helper()
		if len(bad) > 0 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v %q, want %v", name, got, bad, want)
		}
	}
	for _, params := range []string{"format=json", "format=csv"} {
		texts := []string{"", "a\n\"b\"", "\ufeffx", "\r", "null"}
		s := roundTrip(t, params, texts)
		check(params, fmt.Sprintf("%q", s.rows), fmt.Sprintf("%q", texts), s.bad)
		i := roundTrip(t, params, []int64{math.MinInt64, 0, math.MaxInt64})
		check(params, i.rows, []int64{math.MinInt64, 0, math.MaxInt64}, i.bad)
		m := roundTrip(t, params, []time.Time{{}, at})
		check(params, m.rows, []time.Time{{}, at}, m.bad)
		l := roundTrip(t, params, [][]string{nil, {"a", "b"}})
		check(params, l.rows, [][]string{nil, {"a", "b"}}, l.bad)
		k := roundTrip(t, params, []map[string]int32{{"a": 1, "": 2}})
		check(params, k.rows, []map[string]int32{{"a": 1, "": 2}}, k.bad)
	}
	w := roundTrip(t, "format=text", []string{"", "a b", "世界"})
	check("text", w.rows, []string{"", "a b", "世界"}, w.bad)
}
