package codec

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// foreign makes a record of one column from JSON, with Arrow's own builders.
func foreign(t testing.TB, name string, dt arrow.DataType, json string) arrow.Record {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, dt, strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	s := arrow.NewSchema([]arrow.Field{{Name: name, Type: dt, Nullable: true}}, nil)
	return array.NewRecord(s, []arrow.Array{a}, int64(a.Len()))
}

// project reads a column of a foreign record into rows of T.
func project[T any](rec arrow.Record) ([]T, error) {
	type row struct {
		V T `col:"v"`
	}
	c, err := Of[row]()
	if err != nil {
		return nil, err
	}
	p, err := c.Project(rec.Schema())
	if err != nil {
		return nil, err
	}
	rows := make([]row, rec.NumRows())
	if err := p.Decode(unsafe.Pointer(unsafe.SliceData(rows)), len(rows), rec); err != nil {
		return nil, err
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = r.V
	}
	return out, nil
}

func fits[T any](t *testing.T, dt arrow.DataType, json string, want ...T) {
	t.Helper()
	got, err := project[T](foreign(t, "v", dt, json))
	if err != nil {
		t.Errorf("%s into %s: %v", dt, reflect.TypeFor[T](), err)
	} else if !same(reflect.ValueOf(got), reflect.ValueOf(want)) {
		t.Errorf("%s into %s: got %v, want %v", dt, reflect.TypeFor[T](), got, want)
	}
}

func refuses[T any](t *testing.T, dt arrow.DataType, json string, parts ...string) {
	t.Helper()
	_, err := project[T](foreign(t, "v", dt, json))
	for _, p := range append(parts, `"v"`) {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s into %s: error %v, want %q in it", dt, reflect.TypeFor[T](), err, p)
		}
	}
}

func TestWidening(t *testing.T) {
	p := arrow.PrimitiveTypes
	fits(t, p.Int8, "[-1, 5]", int16(-1), 5)
	fits(t, p.Int8, "[-1]", int64(-1))
	fits(t, p.Int16, "[-300]", int32(-300))
	fits(t, p.Int32, "[-300]", int64(-300))
	fits(t, p.Int32, "[-300]", -300)
	fits(t, p.Uint8, "[255]", int16(255))
	fits(t, p.Uint16, "[65535]", int32(65535))
	fits(t, p.Uint32, "[4294967295]", int64(4294967295))
	fits(t, p.Uint32, "[4294967295]", uint64(4294967295))
	fits(t, p.Uint8, "[255]", uint16(255))
	fits(t, p.Uint16, "[7]", float32(7))
	fits(t, p.Int8, "[7]", float32(7))
	fits(t, p.Uint32, "[4294967295]", 4294967295.0)
	fits(t, p.Float32, "[0.5]", 0.5)
	fits(t, p.Int64, "[1, null]", ptr(int64(1)), nil)
	fits(t, p.Int32, "[null, 1, null]", nil, ptr(int64(1)), nil)
	fits(t, arrow.BinaryTypes.LargeString, `["a", "", "bc"]`, "a", "", "bc")
	fits(t, arrow.BinaryTypes.Binary, `["YWI="]`, "ab")
	fits(t, arrow.BinaryTypes.String, `["ab"]`, []byte("ab"))
	fits(t, arrow.BinaryTypes.LargeBinary, `["YWI=", null]`, ptr([]byte("ab")), nil)
	fits(t, arrow.FixedWidthTypes.Timestamp_s, `["2001-02-03 04:05:06"]`, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	fits(t, arrow.FixedWidthTypes.Timestamp_ms, `["1901-02-03 04:05:06.789"]`, time.Date(1901, 2, 3, 4, 5, 6, 789e6, time.UTC))
	fits(t, &arrow.TimestampType{Unit: arrow.Microsecond}, `["2001-02-03 04:05:06"]`, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	fits(t, arrow.FixedWidthTypes.Date32, `["1969-12-31"]`, time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC))
	fits(t, arrow.FixedWidthTypes.Date64, `["2024-02-29"]`, time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC))
	fits(t, arrow.FixedWidthTypes.Duration_s, `["5s"]`, 5*time.Second)
	fits(t, arrow.FixedWidthTypes.Time32ms, `["00:00:01.5"]`, 1500*time.Millisecond)
	fits(t, arrow.FixedWidthTypes.Time64us, `["00:01:00"]`, time.Minute)
	fits(t, arrow.ListOf(p.Int16), "[[1, 2], []]", []int32{1, 2}, nil)
	fits(t, arrow.LargeListOf(arrow.BinaryTypes.String), `[["a"], ["b", "c"]]`, []string{"a"}, []string{"b", "c"})
	fits(t, arrow.FixedSizeListOf(2, p.Int32), "[[1, 2]]", [2]int64{1, 2})
	fits(t, arrow.MapOf(arrow.BinaryTypes.String, p.Int32), `[[{"key": "k", "value": 3}]]`, map[string]int{"k": 3})
	fits(t, arrow.StructOf(arrow.Field{Name: "x", Type: p.Int8}, arrow.Field{Name: "B", Type: p.Int16}), `[{"x": 1, "B": 2}]`, struct{ B int32 }{2})
	dict := &arrow.DictionaryType{IndexType: p.Uint8, ValueType: arrow.BinaryTypes.String}
	fits(t, dict, `["a", "b", "a"]`, "a", "b", "a")
	fits(t, dict, `["a", null, "a"]`, ptr("a"), nil, ptr("a"))
	fits(t, &arrow.DictionaryType{IndexType: p.Int64, ValueType: p.Int32}, `[5, 6, 5]`, int64(5), 6, 5)
	fits(t, arrow.ListOf(dict), `[["a", "b"], ["b"]]`, []string{"a", "b"}, []string{"b"})
}

func TestNoFit(t *testing.T) {
	p := arrow.PrimitiveTypes
	refuses[int32](t, p.Int64, "[1]", "int64", "int32")
	refuses[int64](t, p.Uint64, "[1]", "uint64")
	refuses[uint32](t, p.Int8, "[1]", "int8")
	refuses[uint16](t, p.Uint32, "[1]", "uint32")
	refuses[float32](t, p.Int32, "[1]", "int32")
	refuses[float64](t, p.Int64, "[1]", "int64")
	refuses[float32](t, p.Float64, "[1]", "float64")
	refuses[string](t, p.Int64, "[1]", "int64", "string")
	refuses[time.Time](t, arrow.FixedWidthTypes.Timestamp_ns, "[1]", "microseconds")
	refuses[time.Duration](t, p.Int64, "[1]", "time.Duration")
	refuses[[2]byte](t, &arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj"]`, "[2]byte")
	refuses[[3]int64](t, arrow.FixedSizeListOf(2, p.Int64), "[[1, 2]]", "array of 3")
	refuses[[]string](t, arrow.ListOf(p.Int64), "[[1]]", "elements", "string")
	refuses[map[string]int](t, arrow.ListOf(p.Int64), "[[1]]", "map")
	refuses[int64](t, p.Int64, "[1, null]", "row 1 is null", "pointer")
	refuses[string](t, arrow.BinaryTypes.String, `[null]`, "row 0 is null")
	refuses[[]int64](t, arrow.ListOf(p.Int64), "[[1], null]", "row 1 is null")
	refuses[[]int64](t, arrow.ListOf(p.Int64), "[[1], [2, null]]", "elements", "is null")
	refuses[struct{ B int32 }](t, arrow.StructOf(arrow.Field{Name: "C", Type: p.Int8}), `[{"C": 1}]`, `no column "B"`, "there are C")
}

func TestTimesBeyond(t *testing.T) {
	day := arrow.FixedWidthTypes.Timestamp_s
	a := array.MakeFromData(values(day, 1, nil, bytesOf([]int64{1 << 62})))
	rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "v", Type: day}}, nil), []arrow.Array{a}, 1)
	if _, err := project[time.Time](rec); err == nil || !strings.Contains(err.Error(), "overflow") {
		t.Error("got", err)
	}
	c, _ := Of[time.Time]()
	for _, when := range []time.Time{time.Unix(1<<60, 0), time.Unix(-1<<60, 0), time.Date(294248, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := Encode(c, []time.Time{{}, when}); err == nil || !strings.Contains(err.Error(), `"value": row 1`) {
			t.Errorf("%v: %v", when, err)
		}
	}
}

func TestMissingColumn(t *testing.T) {
	type row struct {
		EventTime int64
		Ad        string `col:"ad_id"`
	}
	c, err := Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	i64 := arrow.PrimitiveTypes.Int64
	for names, parts := range map[string][]string{
		"event_time ad_id":          {`no column "EventTime"`, `did you mean "event_time"?`, "there are event_time, ad_id"},
		"EventTime adid":            {`no column "ad_id"`, `did you mean "adid"?`},
		"EventTime z":               {`no column "ad_id"; there are EventTime, z`},
		"EventTime EventTime ad_id": {"two columns", `"EventTime"`},
	} {
		var fields []arrow.Field
		for name := range strings.FieldsSeq(names) {
			fields = append(fields, arrow.Field{Name: name, Type: i64})
		}
		_, err := c.Project(arrow.NewSchema(fields, nil))
		for _, p := range parts {
			if err == nil || !strings.Contains(err.Error(), p) {
				t.Errorf("%s: error %v, want %q in it", names, err, p)
			}
		}
	}
}

// TestStrict gives Decode arrays that are not the codec's.
func TestStrict(t *testing.T) {
	c, _ := Of[struct{ V int64 }]()
	rows := make([]struct{ V int64 }, 2)
	decode := func(n int, cols ...arrow.Array) string {
		return fmt.Sprint(c.Decode(unsafe.Pointer(&rows[0]), n, cols))
	}
	i32 := foreign(t, "V", arrow.PrimitiveTypes.Int32, "[1, 2]").Column(0)
	i64 := foreign(t, "V", arrow.PrimitiveTypes.Int64, "[1]").Column(0)
	if got := decode(2, i32); !strings.Contains(got, "int32, want int64") {
		t.Error(got)
	}
	if got := decode(2, i64); !strings.Contains(got, "1 values") {
		t.Error(got)
	}
	if got := decode(1, i64, i64); !strings.Contains(got, "2 columns, want 1") {
		t.Error(got)
	}
	if _, err := Decode[int](c, encodeRows(t, c, reflect.ValueOf(rows))); err == nil || !strings.Contains(err.Error(), "used for rows of int") {
		t.Error(err)
	}
}

// TestTooLarge fills columns beyond their bound without the memory for it: all rows
// share one text.
func TestTooLarge(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	check := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), ErrTooLarge.Error()) || !strings.Contains(err.Error(), `column "value"`) {
			t.Error("got", err)
		}
	}
	cs, _ := Of[string]()
	rows := make([]string, 257)
	for i := range rows {
		rows[i] = big
	}
	_, err := Encode(cs, rows)
	check(err)
	if _, err = Encode(cs, rows[:2]); err != nil {
		t.Error(err)
	}
	ci, _ := Of[[]int64]()
	ints := make([]int64, 1<<20)
	lists := make([][]int64, 33)
	for i := range lists {
		lists[i] = ints
	}
	_, err = Encode(ci, lists)
	check(err)
	cz, _ := Of[[]struct{}]()
	_, err = Encode(cz, [][]struct{}{make([]struct{}, 1<<62), make([]struct{}, 1<<62)})
	check(err)
}
