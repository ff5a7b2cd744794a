package cqltype

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// encode is the bytes of v as a value of a type; nil = null.
func encode(t testing.TB, typ Type, v any) ([]byte, error) {
	t.Helper()
	c, err := codec.For(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	put, err := NewEncoder(typ, field(c, reflect.TypeOf(v)))
	if err != nil {
		return nil, err
	}
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	cols, err := wrapped(c).Encode(p.UnsafePointer(), 1)
	if err != nil {
		t.Fatal(err)
	}
	out, null, err := put([]byte("before"), cols[0], 0)
	if err == nil && !strings.HasPrefix(string(out), "before") {
		t.Fatalf("%s: what stood in dst is lost", typ)
	}
	if null || err != nil {
		return nil, err
	}
	return out[len("before"):], nil
}

// field is a column that is a whole value: structs are rows by themselves, so they are put into one.
func field(c *codec.Codec, typ reflect.Type) *codec.Field { return &wrapped(c).Fields[0] }

func wrapped(c *codec.Codec) *codec.Codec {
	if c.Scalar {
		return c
	}
	out, err := codec.For(reflect.StructOf([]reflect.StructField{{Name: "V", Type: c.Type}}))
	if err != nil {
		panic(err)
	}
	return out
}

// decode reads a value of v's type.
func decode(t testing.TB, typ Type, b []byte, v any) (any, error) {
	t.Helper()
	c, err := codec.For(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	get, err := NewDecoder(typ, field(c, reflect.TypeOf(v)))
	if err != nil {
		return nil, err
	}
	p := reflect.New(reflect.TypeOf(v))
	err = get(b, p.UnsafePointer())
	return p.Elem().Interface(), err
}

func parsed(t testing.TB, text string) Type {
	t.Helper()
	typ, err := Parse(text, definitions)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

type address struct {
	Street string `col:"street"`
	Zip    *int32 `col:"zip"`
}

type street struct {
	Street string `col:"street"`
}

type pair struct {
	A int64
	B *string
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

var text, zip = "some", int32(7)

// values are pairs of a type and a value that it gives back as it was, with the bytes by the protocol's text where they are short.
var values = []struct {
	typ   string
	value any
	bytes string // in hex; empty = not looked at
}{
	{"boolean", true, "01"}, {"boolean", false, "00"},
	{"tinyint", int8(-1), "ff"}, {"smallint", int8(-1), "ffff"}, {"smallint", uint8(255), "00ff"}, {"smallint", int16(-2), "fffe"},
	{"int", int32(-2), "fffffffe"}, {"int", uint16(65535), "0000ffff"}, {"int", int8(5), "00000005"},
	{"bigint", int64(math.MinInt64), "8000000000000000"}, {"bigint", int(7), "0000000000000007"}, {"bigint", uint32(math.MaxUint32), "00000000ffffffff"},
	{"bigint", uint64(math.MaxInt64), "7fffffffffffffff"}, {"bigint", time.Minute, "0000000df8475800"},
	{"bigint", at("1970-01-01T00:00:00.000001Z"), "0000000000000001"}, {"bigint", at("1969-12-31T23:59:59.999999Z"), "ffffffffffffffff"},
	{"varint", int64(0), "00"}, {"varint", int64(127), "7f"}, {"varint", int64(128), "0080"}, {"varint", int64(-128), "80"}, {"varint", int64(-129), "ff7f"},
	{"varint", int64(math.MinInt64), "8000000000000000"}, {"varint", int64(math.MaxInt64), "7fffffffffffffff"},
	{"varint", uint64(math.MaxUint64), "00ffffffffffffffff"}, {"varint", uint64(1 << 62), "4000000000000000"}, {"varint", int8(-3), "fd"},
	{"varint", "-123456789012345678901234567890", ""}, {"varint", "0", "00"},
	{"float", float32(1.5), "3fc00000"}, {"double", 1.5, "3ff8000000000000"}, {"double", float32(1.5), "3ff8000000000000"},
	{"double", math.Inf(-1), "fff0000000000000"},
	{"decimal", "-12.50", "00000002fb1e"}, {"decimal", "0", "0000000000"}, {"decimal", "0.00", "0000000200"}, {"decimal", "1E+3", "fffffffd01"},
	{"decimal", "1.23E-10", ""}, {"decimal", "0.000001", "0000000601"}, {"decimal", "1E-7", "0000000701"}, {"decimal", "-1.5E+2147483648", ""},
	{"text", "ü", "c3bc"}, {"text", "", ""}, {"ascii", "ab", "6162"}, {"blob", []byte{0, 1}, "0001"}, {"blob", [3]byte{1, 2, 3}, "010203"},
	{"timestamp", at("1970-01-01T00:00:00.001Z"), "0000000000000001"}, {"timestamp", at("1969-12-31T23:59:59.999Z"), "ffffffffffffffff"},
	{"timestamp", time.Time{}, ""}, {"date", at("1970-01-02T00:00:00Z"), "80000001"}, {"date", at("1969-12-31T00:00:00Z"), "7fffffff"},
	{"date", at("0001-01-01T00:00:00Z"), ""},
	{"time", time.Hour, "00000346 30b8a000"}, {"time", day - 1, ""},
	{"duration", time.Duration(-1), "000001"}, {"duration", time.Duration(64), "00008080"}, {"duration", time.Duration(math.MinInt64), "0000ffffffffffffffffff"},
	{"duration", time.Duration(1 << 55), ""}, {"duration", time.Duration(1<<55 - 1), ""}, {"duration", 100 * time.Hour, ""},
	{"uuid", [16]byte{15: 9}, "00000000000000000000000000000009"}, {"uuid", "01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef"},
	{"timeuuid", "01234567-89ab-1def-0123-456789abcdef", ""}, {"timeuuid", [16]byte{6: 0x10}, ""},
	{"inet", "10.0.0.7", "0a000007"}, {"inet", "2001:db8::7", ""}, {"inet", [4]byte{127, 0, 0, 1}, "7f000001"},
	{"inet", [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: 7}, "0a000007"},
	{"list<int>", []int32{1, -1}, "0000000200000004000000010000 0004ffffffff"}, {"list<int>", []int32(nil), "00000000"}, {"list<bigint>", [2]int64{1, 2}, ""},
	{"set<text>", []string{"a", "b"}, ""}, {"map<text, int>", map[string]int32{"b": 2, "a": 1}, "00000002 00000001 61 00000004 00000001 00000001 62 00000004 00000002"},
	{"map<text, int>", map[string]int32(nil), "00000000"},
	{"frozen<list<frozen<map<int, text>>>>", []map[int32]string{{1: "a"}, {2: "b", 3: "c"}}, ""},
	{"tuple<bigint, text>", pair{1, &text}, ""}, {"tuple<bigint, text>", pair{1, nil}, "00000008 0000000000000001 ffffffff"},
	{"frozen<address>", address{"s", &zip}, "00000001 73 00000004 00000007"}, {"frozen<address>", street{"s"}, "00000001 73 ffffffff"},
	{"list<frozen<address>>", []address{{"s", nil}, {"t", &zip}}, ""},
}

func TestValues(t *testing.T) {
	for _, c := range values {
		typ := parsed(t, c.typ)
		b, err := encode(t, typ, c.value)
		if err != nil {
			t.Errorf("%s from %T: %v", c.typ, c.value, err)
			continue
		}
		if want := strings.ReplaceAll(c.bytes, " ", ""); want != "" && fmt.Sprintf("%x", b) != want {
			t.Errorf("%s of %v: got %x, want %s", c.typ, c.value, b, want)
		}
		back, err := decode(t, typ, b, c.value)
		if err != nil || !reflect.DeepEqual(back, c.value) {
			t.Errorf("%s of %#v: back comes %#v, %v (%x)", c.typ, c.value, back, err, b)
		}
	}
}

// What does not fit is told when a field is bound to a column, by the names of both types.
func TestMisfits(t *testing.T) {
	for _, c := range []struct {
		typ         string
		value       any
		write, read string // faults; empty = it goes
	}{
		{"int", int64(1), "int does not hold every int64: a column of type bigint does", ""},
		{"int", int(1), "int does not hold every int: a column of type bigint does", ""},
		{"bigint", int8(1), "", ""},
		{"int", uint32(1), "bigint does", ""},
		{"text", int64(1), "a column of type bigint does", "text cannot be read into a int64: it wants string"},
		{"blob", "x", "a column of type text does", "it wants []byte"},
		{"float", 1.5, "a column of type double does", ""},
		{"double", int64(1), "bigint does", "float64"},
		{"int", time.Second, "bigint does", "it wants an integer"},
		{"uuid", [15]byte{}, "blob does", "it wants [16]byte or string"},
		{"inet", [5]byte{}, "blob does", "it wants string"},
		{"counter", int64(1), "counters can only be added to", ""},
		{"vector<float, 3>", []float32{1}, "no form in version 4", "no form in version 4"},
		{"'x.Y'", "x", "custom types", "custom types"},
		{"list<int>", []*int32{&zip}, "element: CQL has no null there", ""},
		{"list<int>", []int64{1}, "element: int does not hold every int64", ""},
		{"list<int>", map[string]int32{}, "frozen<map<text, int>> does", "it wants a slice"},
		{"map<text, int>", map[string]*int32{}, "value: CQL has no null there", ""},
		{"map<text, int>", map[string]string{}, "value: int does not hold", "value: int cannot be read"},
		{"tuple<bigint>", pair{}, "one has 1 parts, the other 2", "one has 1 parts"},
		{"frozen<address>", pair{}, "has no part A; it has street, zip", "has no part A"},
		{"tuple<int, text>", pair{}, "part A: int does not hold every int64", ""},
		{"duration", int64(5), "bigint does", "it wants time.Duration"},
		{"date", time.Second, "bigint does", "it wants time.Time"},
	} {
		typ := parsed(t, c.typ)
		_, err := encode(t, typ, c.value)
		if fault(err) != c.write && (c.write == "" || !strings.Contains(fault(err), c.write)) {
			t.Errorf("write %T to %s: got %v, want %q", c.value, c.typ, err, c.write)
		}
		cd, _ := codec.For(reflect.TypeOf(c.value))
		_, err = NewDecoder(typ, field(cd, reflect.TypeOf(c.value)))
		if fault(err) != c.read && (c.read == "" || !strings.Contains(fault(err), c.read)) {
			t.Errorf("read %s into %T: got %v, want %q", c.typ, c.value, err, c.read)
		}
	}
}

func fault(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Single values that a column of a fitting type does not hold.
func TestValuesThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		typ   string
		value any
		want  string
	}{
		{"bigint", uint64(1 << 63), "9223372036854775808 is beyond what a bigint holds"},
		{"text", "a\xff", "no UTF-8"}, {"ascii", "ü", "not only ASCII"},
		{"time", day, "no time of a day"}, {"time", -time.Second, "no time of a day"},
		{"uuid", "x", "no UUID"}, {"uuid", "0123456789-ab-cdef-0123-456789abcde", "no UUID"}, {"uuid", "01234567-89ab-cdef-0123-456789abcdeg", "no UUID"},
		{"timeuuid", "01234567-89ab-cdef-0123-456789abcdef", "has version 12"}, {"timeuuid", [16]byte{}, "has version 0"},
		{"inet", "localhost", "no address"}, {"inet", "fe80::1%eth0", "no address"},
		{"varint", "1_000", "no whole number"}, {"varint", "", "no whole number"}, {"varint", strings.Repeat("1", 5000), "at most 4096"},
		{"decimal", "1.2.3", "no decimal"}, {"decimal", "1.-2", "no decimal"}, {"decimal", "e5", "no decimal"}, {"decimal", "1e3000000000", "no decimal"},
		{"list<text>", []string{"a", "\xff"}, "element: the text is no UTF-8"},
		{"map<text, text>", map[string]string{"\xff": ""}, "key: the text"}, {"map<text, text>", map[string]string{"a": "\xff"}, "value: the text"},
		{"frozen<address>", street{"\xff"}, "part street: the text"},
	} {
		if _, err := encode(t, parsed(t, c.typ), c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v to %s: got %v, want %q", c.value, c.typ, err, c.want)
		}
	}
}

func TestValuesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		typ   string
		bytes string
		into  any
		want  string
	}{
		{"int", "\x00\x00\x01\x00", int8(0), "256 is no int8"}, {"int", "\xff\xff\xff\xff", uint64(0), "-1 is no uint64"}, {"int", "\x00", int32(0), "has 1 bytes, and int has 4"},
		{"varint", "", int64(0), "varint of 0 bytes"}, {"varint", "\x00\x80\x00\x00\x00\x00\x00\x00\x00", int64(0), "varint of 9 bytes"}, {"varint", "\xff", uint64(0), "no uint64"},
		{"double", "\x3f\xf0\x00\x00\x00\x00\x00\x01", float32(0), "is no float32"}, {"text", "\xff", "", "is no UTF-8"},
		{"blob", "ab", [3]byte{}, "has 2 bytes, and the field has 3"}, {"inet", "abc", "", "has 3 bytes"}, {"inet", "0123456789abcdef", [4]byte{}, "16 bytes"},
		{"timestamp", "\x7f\xff\xff\xff\xff\xff\xff\xff", time.Time{}, "beyond"}, {"date", "\x00\x00\x00\x00", time.Time{}, "beyond"},
		{"duration", "\x02\x00\x00", time.Duration(0), "has 1 months"}, {"duration", "\x00\x00", time.Duration(0), "cut short"}, {"duration", "\x00\x00\xff\x00", time.Duration(0), "cut short"},
		{"list<int>", "\x7f\xff\xff\xff", []int32{}, "says that it has 2147483647 elements"}, {"list<int>", "\xff\xff\xff\xff", []int32{}, "elements"}, {"list<int>", "\x00", []int32{}, "cut short"},
		{"list<int>", "\x00\x00\x00\x01\x00\x00\x00\x05\x00", []int32{}, "cut short"}, {"list<int>", "\x00\x00\x00\x00", [1]int32{}, "has 0 elements, and the field has 1"},
		{"list<int>", "\x00\x00\x00\x01\xff\xff\xff\xff", []int32{}, "element 0: is null"},
		{"map<int, int>", "\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff", map[int32]int32{}, "entry 0: is null"},
		{"tuple<bigint, text>", "\x00\x00", pair{}, "cut short"}, {"tuple<bigint, text>", "", pair{}, "part A: is null"},
		{"decimal", "abcd", "", "at least 5"},
	} {
		if _, err := decode(t, parsed(t, c.typ), []byte(c.bytes), c.into); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %x into %T: got %v, want %q", c.typ, c.bytes, c.into, err, c.want)
		}
	}
}

// nulls is where null may be.
type nulls struct {
	N    *int64
	S    *string
	List []int64
	Map  map[string]int64
	Sub  *pair
}

func TestNull(t *testing.T) {
	c, err := codec.Of[nulls]()
	if err != nil {
		t.Fatal(err)
	}
	types := []string{"bigint", "text", "list<bigint>", "map<text, bigint>", "tuple<bigint, text>"}
	n := int64(5)
	for _, row := range []nulls{{}, {&n, &text, []int64{1}, map[string]int64{"a": 1}, &pair{A: 1}}} {
		cols, err := c.Encode(unsafe.Pointer(&row), 1)
		if err != nil {
			t.Fatal(err)
		}
		var back nulls
		for i := range types {
			put, err := NewEncoder(parsed(t, types[i]), &c.Fields[i])
			if err != nil {
				t.Fatal(err)
			}
			get, _ := NewDecoder(parsed(t, types[i]), &c.Fields[i])
			b, null, err := put(nil, cols[i], 0)
			if err != nil || null != (c.Fields[i].Nullable && row.N == nil) {
				t.Errorf("%s: null %v, %v", c.Fields[i].Name, null, err)
			}
			if null {
				b = nil
			}
			if err := get(b, unsafe.Pointer(&back)); err != nil {
				t.Error(err)
			}
		}
		if !reflect.DeepEqual(back, row) {
			t.Errorf("got %+v, want %+v", back, row)
		}
	}
	if _, err := decode(t, parsed(t, "int"), nil, int32(0)); err == nil {
		t.Error("null went into an int32")
	}
	if got, err := decode(t, parsed(t, "list<int>"), nil, []int32{1}); err != nil || len(got.([]int32)) != 0 {
		t.Error(got, err)
	}
}

// A time is cut, never rounded up: a window's start stays in front of what is in it.
func TestTimesAreCut(t *testing.T) {
	for in, want := range map[string]string{"2026-01-01T00:00:00.001999Z": "2026-01-01T00:00:00.001Z", "1969-12-31T23:59:59.9989Z": "1969-12-31T23:59:59.998Z"} {
		b, err := encode(t, Type{ID: Timestamp}, at(in))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(t, Type{ID: Timestamp}, b, time.Time{}); err != nil || !got.(time.Time).Equal(at(want)) {
			t.Errorf("%s: got %v, %v", in, got, err)
		}
	}
}

// Rows of a chunk that is a part of another have their own values.
func TestSlicedColumns(t *testing.T) {
	type row struct {
		L []int64
		M map[string]int64
		A [2]int64
		P pair
		N *string
	}
	c, err := codec.Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	rows := []row{{[]int64{1, 2}, map[string]int64{"a": 1}, [2]int64{1, 2}, pair{A: 1}, nil}, {[]int64{3}, map[string]int64{"b": 2, "c": 3}, [2]int64{3, 4}, pair{2, &text}, &text}}
	rec, err := codec.Encode(c, rows)
	if err != nil {
		t.Fatal(err)
	}
	part := rec.NewSlice(1, 2)
	for i, typ := range []string{"list<bigint>", "map<text, bigint>", "list<bigint>", "tuple<bigint, text>", "text"} {
		put, err := NewEncoder(parsed(t, typ), &c.Fields[i])
		if err != nil {
			t.Fatal(err)
		}
		whole, _, err1 := put(nil, rec.Column(i), 1)
		cut, _, err2 := put(nil, part.Column(i), 0)
		if err1 != nil || err2 != nil || !bytes.Equal(whole, cut) {
			t.Errorf("%s: %x, %v and %x, %v", typ, whole, err1, cut, err2)
		}
	}
}

func TestDefault(t *testing.T) {
	for _, c := range []struct {
		of   any
		want string
	}{
		{true, "boolean"}, {int8(0), "tinyint"}, {int16(0), "smallint"}, {rune(0), "int"}, {0, "bigint"}, {uint8(0), "smallint"}, {uint16(0), "int"},
		{uint32(0), "bigint"}, {uint64(0), "varint"}, {float32(0), "float"}, {0.0, "double"}, {"", "text"}, {[]byte{}, "blob"}, {[4]byte{}, "blob"},
		{[16]byte{}, "uuid"}, {time.Time{}, "timestamp"}, {time.Second, "bigint"}, {[]string{}, "frozen<list<text>>"}, {[2]pair{}, "frozen<list<tuple<bigint, text>>>"},
		{map[string][]int64{}, "frozen<map<text, frozen<list<bigint>>>>"}, {pair{}, "tuple<bigint, text>"},
	} {
		cd, err := codec.For(reflect.TypeOf(c.of))
		if err != nil {
			t.Fatal(err)
		}
		f := field(cd, reflect.TypeOf(c.of))
		typ, err := Default(f)
		if err != nil || typ.String() != c.want {
			t.Errorf("%T: got %s, %v, want %s", c.of, typ, err, c.want)
		}
		if _, err := NewEncoder(typ, f); err != nil {
			t.Errorf("%T: %v", c.of, err)
		}
		if _, err := NewDecoder(typ, f); err != nil {
			t.Errorf("%T: %v", c.of, err)
		}
	}
}

// FuzzDecode: no bytes make a decoder panic or take much more memory than they are long; and what was read is written and read the same.
func FuzzDecode(f *testing.F) {
	for i, c := range values {
		b, err := encode(f, parsed(f, c.typ), c.value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, b)
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		if i < 0 || i >= len(values) {
			return
		}
		c := values[i]
		typ := parsed(t, c.typ)
		v, err := decode(t, typ, b, c.value)
		if err != nil {
			return
		}
		again, err := encode(t, typ, v)
		if err != nil {
			if typ.ID == ASCII || typ.ID == Time || typ.ID == Timeuuid || typ.ID == Decimal || typ.holds(Text) {
				return // writing is stricter than reading
			}
			t.Fatalf("%s: %v was read of %x and cannot be written: %v", typ, v, b, err)
		}
		back, err := decode(t, typ, again, c.value)
		if err != nil || !reflect.DeepEqual(back, v) && fmt.Sprint(back) != fmt.Sprint(v) {
			t.Fatalf("%s: %v was read of %x, and %v, %v of %x", typ, v, b, back, err, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	type row struct {
		Campaign string
		Start    time.Time
		Views    int64
		Price    float64
	}
	c, err := codec.Of[row]()
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]row, 1000)
	for i := range rows {
		rows[i] = row{"campaign-0000001", time.UnixMilli(int64(i)), int64(i), 1.5}
	}
	rec, err := codec.Encode(c, rows)
	if err != nil {
		b.Fatal(err)
	}
	var put []Encoder
	for i := range c.Fields {
		typ, _ := Default(&c.Fields[i])
		p, err := NewEncoder(typ, &c.Fields[i])
		if err != nil {
			b.Fatal(err)
		}
		put = append(put, p)
	}
	var dst []byte
	for b.Loop() {
		for r := range rows {
			dst = dst[:0]
			for i, p := range put {
				dst, _, _ = p(dst, rec.Column(i), r)
			}
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
}
