package protobuf

import (
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint is one with rows of T whose records are messages of a file.
func endpoint[T any](t testing.TB, schema string, params ...string) dstream.Endpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.proto")
	if err := os.WriteFile(path, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	q := url.Values{"format": {"protobuf"}, "schema": {path}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return dstream.Endpoint{Name: "ads", URL: &url.URL{Scheme: "kafka", Host: "b", Path: "/ads", RawQuery: q.Encode()}, Rows: c}
}

func decoder[T any](t testing.TB, schema string, params ...string) format.Decoder {
	t.Helper()
	open, err := Open(endpoint[T](t, schema, params...))
	if err != nil {
		t.Fatal(err)
	}
	return open()
}

// one decodes one record: into a row, or into the reason why it is a bad one.
func one[T any](t testing.TB, d format.Decoder, rec []byte) (row T, reason string) {
	t.Helper()
	b, err := rdd.NewBuilder[T](1, func(c rdd.Chunk) bool {
		row = c.(*rdd.Rows[rdd.None, T]).Vals[0]
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { reason = r.Reason; return nil }}
	if err := d.DecodeRecord(rec, "ads/3@4711", to); err != nil {
		t.Fatal(err)
	}
	if reason != "" && !reflect.NewAt(b.Codec.Type, b.Row()).Elem().IsZero() || b.Rows != 1 && reason == "" {
		t.Fatalf("%x: %d rows, reason %q", rec, b.Rows, reason)
	}
	return row, reason
}

// descriptor is the message of a name, or the only one, of a file.
func descriptor(t testing.TB, schema, name string) protoreflect.MessageDescriptor {
	t.Helper()
	file, err := parse(&registry.Schema{Text: schema}, "")
	if err != nil {
		t.Fatal(err)
	}
	md, err := choose(file, name)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// marshal is the bytes of a message in protobuf's text format, as protobuf-go writes them.
func marshal(t testing.TB, schema, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(descriptor(t, schema, ""))
	if err := (prototext.UnmarshalOptions{AllowPartial: true}).Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	rec, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

const imports = `import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto"; `

func schema3(fields string) string {
	return `syntax = "proto3"; ` + imports + `message M { ` + fields + ` }`
}
func schema2(fields string) string { return `syntax = "proto2"; message M { ` + fields + ` }` }

type col[T any] struct {
	A T `col:"a"`
}

// converts checks what field a of a message becomes.
func converts[T any](t *testing.T, schema, text string, want T) {
	t.Helper()
	got, reason := one[col[T]](t, decoder[col[T]](t, schema), marshal(t, schema, text))
	if reason != "" || !reflect.DeepEqual(got.A, want) {
		t.Errorf("%s {%s}: %#v %q, want %#v", schema, text, got.A, reason, want)
	}
}

func refuses[T any](t *testing.T, schema, text, want string) {
	t.Helper()
	got, reason := one[col[T]](t, decoder[col[T]](t, schema), marshal(t, schema, text))
	if !strings.Contains(reason, want) {
		t.Errorf("%s {%s}: %v %q, want %q", schema, text, got, reason, want)
	}
}

func pointer[T any](v T) *T { return &v }

func TestConversions(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 123_456_000, time.UTC)
	converts(t, schema3("bool a = 1;"), "a: true", true)
	converts(t, schema3("int32 a = 1;"), "a: -5", int8(-5))
	converts(t, schema3("sint32 a = 1;"), "a: -5", int64(-5))
	converts(t, schema3("sint64 a = 1;"), "a: -9223372036854775808", int64(-1<<63))
	converts(t, schema3("uint32 a = 1;"), "a: 4294967295", uint32(1<<32-1))
	converts(t, schema3("uint64 a = 1;"), "a: 18446744073709551615", uint64(1<<64-1))
	converts(t, schema3("fixed32 a = 1;"), "a: 4294967295", int64(1<<32-1))
	converts(t, schema3("fixed64 a = 1;"), "a: 7", uint8(7))
	converts(t, schema3("sfixed32 a = 1;"), "a: -7", -7.0)
	converts(t, schema3("sfixed64 a = 1;"), "a: -7", int16(-7))
	converts(t, schema3("int64 a = 1;"), "a: 1700000000123", at.Truncate(time.Millisecond))
	converts(t, schema3("int64 a = 1;"), "a: 5", 5*time.Nanosecond)
	converts(t, schema3("float a = 1;"), "a: 1.5", 1.5)
	converts(t, schema3("double a = 1;"), "a: -1.5", float32(-1.5))
	converts(t, schema3("string a = 1;"), `a: "é"`, "é")
	converts(t, schema3("string a = 1;"), `a: "1m30s"`, 90*time.Second)
	converts(t, schema3("string a = 1;"), `a: "17"`, uint64(17))
	converts(t, schema3("bytes a = 1;"), `a: "ab"`, []byte("ab"))
	converts(t, schema3("bytes a = 1;"), `a: "ab"`, [2]byte{'a', 'b'})
	converts(t, schema3("bytes a = 1;"), `a: "ab"`, "ab")
	converts(t, schema3("enum E { view = 0; click = 1; } E a = 1;"), "a: click", "click")
	converts(t, schema3("enum E { view = 0; click = 1; } E a = 1;"), "a: click", int8(1))
	converts(t, schema3("repeated int32 a = 1;"), "a: 1 a: -2", []int64{1, -2})
	converts(t, schema3("repeated int32 a = 1 [packed = false];"), "a: 1 a: -2", [2]int8{1, -2})
	converts(t, schema3("repeated fixed64 a = 1;"), "a: 1 a: 2", [2]uint64{1, 2})
	converts(t, schema3("repeated string a = 1;"), `a: "x" a: ""`, []string{"x", ""})
	converts(t, schema3("repeated string a = 1;"), `a: "x" a: ""`, [2]string{"x", ""})
	converts(t, schema3("repeated double a = 1;"), `a: 1`, []*float64{pointer(1.0)})
	converts(t, schema3("message N { int64 a = 1; } repeated N a = 1;"), `a: {a: 1} a: {}`, []col[int64]{{1}, {}})
	converts(t, schema3("message N { int64 a = 1; } N a = 1;"), `a: {a: 1}`, col[int64]{1})
	converts(t, schema3("message N { optional int64 a = 1; } N a = 1;"), `a: {}`, &col[*int64]{})
	converts(t, schema3("map<string, int32> a = 1;"), `a: {key: "x" value: 1} a: {value: 2}`, map[string]int64{"x": 1, "": 2})
	converts(t, schema3("map<int64, int64> a = 1;"), `a: {key: -1}`, map[int8]*int64{-1: pointer(int64(0))})
	converts(t, schema3("message N { int64 a = 1; } map<bool, N> a = 1;"), `a: {key: true value: {a: 7}} a: {}`, map[bool]col[int64]{true: {7}, false: {}})
	converts(t, schema3("google.protobuf.Timestamp a = 1;"), "a: {seconds: 1700000000 nanos: 123456999}", at)
	converts(t, schema3("google.protobuf.Timestamp a = 1;"), "a: {seconds: 5}", struct {
		S int64 `col:"seconds"`
		N int32 `col:"nanos"`
	}{5, 0})
	converts(t, schema3("google.protobuf.Duration a = 1;"), "a: {seconds: -1 nanos: -500000000}", -1500*time.Millisecond)
	converts(t, schema3("google.protobuf.StringValue a = 1;"), `a: {value: "x"}`, pointer("x"))
	converts(t, schema3("google.protobuf.Int64Value a = 1;"), `a: {}`, pointer(int64(0)))
	converts(t, schema3("google.protobuf.BoolValue a = 1;"), `a: {value: true}`, true)
	converts(t, schema3("repeated google.protobuf.DoubleValue a = 1;"), `a: {value: 1} a: {}`, []float64{1, 0})
}

// TestAbsent: what is not in a message is what the file says.
func TestAbsent(t *testing.T) {
	converts(t, schema3("int64 a = 1;"), "", int64(0))
	converts(t, schema3("int64 a = 1;"), "", pointer(int64(0)))
	converts(t, schema3("int64 a = 1;"), "", time.Unix(0, 0).UTC())
	converts(t, schema3("optional int64 a = 1;"), "", int64(0))
	converts(t, schema3("optional int64 a = 1;"), "", (*int64)(nil))
	converts(t, schema3("optional int64 a = 1;"), "a: 0", pointer(int64(0)))
	converts(t, schema3("enum E { view = 0; } E a = 1;"), "", "view")
	converts(t, schema3("repeated int64 a = 1;"), "", []int64(nil))
	converts(t, schema3("google.protobuf.StringValue a = 1;"), "", (*string)(nil))
	converts(t, schema3("google.protobuf.Timestamp a = 1;"), "", (*time.Time)(nil))
	converts(t, schema3("oneof o { int64 a = 1; int64 b = 2; }"), "b: 5", int64(0))
	converts(t, schema3("int64 b = 1;"), "b: 5", (*int64)(nil))
	converts(t, schema2("optional int64 a = 1 [default = 7];"), "", int64(7))
	converts(t, schema2("optional string a = 1 [default = \"x\"];"), "", "x")
	converts(t, schema2("optional sint32 a = 1 [default = -7];"), "", int8(-7))
	converts(t, schema2("optional float a = 1 [default = 1.5];"), "", float32(1.5))
	converts(t, schema2("optional bytes a = 1 [default = \"ab\"];"), "", []byte("ab"))
	converts(t, schema2("optional bytes a = 1 [default = \"ab\"];"), "a: \"\"", []byte(nil))
	converts(t, schema2("optional bool a = 1 [default = true];"), "", true)
	converts(t, schema2("enum E { click = 3; view = 0; } optional E a = 1;"), "", int64(3))
	converts(t, schema2("optional fixed64 a = 1 [default = 9];"), "", (*uint64)(nil))
	refuses[int64](t, schema2("required int64 a = 1;"), "", `field "a" is missing`)
	refuses[time.Time](t, schema3("google.protobuf.Timestamp a = 1;"), "", `field "a" is missing`)
	refuses[col[int64]](t, schema3("message N { int64 a = 1; } N a = 1;"), "", `field "a" is missing`)
	refuses[[2]int64](t, schema3("repeated int64 a = 1;"), "", `field "a" has 0 elements, not 2`)
	refuses[float64](t, schema3("string a = 1;"), "", `field "a": "" is not a number`)
}

func TestReasons(t *testing.T) {
	refuses[int8](t, schema3("int32 a = 1;"), "a: 128", `field "a": 128 is out of the range of int8`)
	refuses[int64](t, schema3("uint64 a = 1;"), "a: 9223372036854775808", "9223372036854775808 is out of the range of int64")
	refuses[string](t, schema3("bytes a = 1;"), `a: "\xff"`, "is not valid UTF-8")
	refuses[string](t, schema3("enum E { view = 0; } E a = 1;"), "a: 9", "9 is a number for which the enum has no name")
	refuses[[2]int64](t, schema3("repeated int64 a = 1;"), "a: [1, 2, 3]", "has more than 2 elements")
	refuses[[]int8](t, schema3("repeated int64 a = 1;"), "a: [1, 200]", `field "a[1]": 200 is out of the range of int8`)
	refuses[[]int8](t, schema3("repeated int64 a = 1 [packed = false];"), "a: [1, 200]", `field "a[1]": 200 is out of the range of int8`)
	refuses[col[int8]](t, schema3("message N { int64 a = 1; } N a = 1;"), "a: {a: 200}", `field "a.a": 200 is out of the range of int8`)
	refuses[time.Time](t, schema3("google.protobuf.Timestamp a = 1;"), "a: {seconds: 99999999999999}", "out of the range of times")
	refuses[time.Time](t, schema3("google.protobuf.Timestamp a = 1;"), "a: {nanos: -1}", "nanoseconds")
	refuses[time.Duration](t, schema3("google.protobuf.Duration a = 1;"), "a: {seconds: 10000000000}", "out of the range of durations")
}

func TestWire(t *testing.T) {
	type row struct {
		A int64    `col:"a"`
		S string   `col:"s"`
		N struct { // a message
			X int64  `col:"x"`
			Y string `col:"y"`
		} `col:"n"`
		O *int64     `col:"o"`
		P *col[int8] `col:"p"`
		L [3]int64   `col:"l"`
	}
	d := decoder[row](t, schema3(`int64 a = 1; string s = 2; N n = 3; message N { int64 x = 1; string y = 2; }
		oneof u { int64 o = 4; P p = 5; string q = 6; } message P { int64 a = 1; } repeated int64 l = 7; bytes big = 3000;`))
	const rest = "\x1a\x00\x3a\x03\x01\x02\x03" // n, l
	for rec, want := range map[string]string{
		rest: "{0  {0 } <nil> <nil> [1 2 3]}",
		"\x1a\x02\x08\x05\x1a\x03\x12\x01y\x38\x01\x3a\x02\x02\x03":       "{0  {5 y} <nil> <nil> [1 2 3]}", // messages merge
		rest + "\x08\x01\x08\x02\x12\x01x\x12\x00":                        "{2  {0 } <nil> <nil> [1 2 3]}",  // the last counts
		rest + "\x20\x01\x32\x00":                                         "{0  {0 } <nil> <nil> [1 2 3]}",  // another member of a oneof
		rest + "\x2a\x00\x20\x01\x2a\x02\x08\x07\x32\x00\x2a\x02\x08\x09": "{0  {0 } <nil> p9 [1 2 3]}",
		rest + "\x2a\x00\x20\x00":                                         "{0  {0 } o0 <nil> [1 2 3]}",
		rest + "\x08\x80":                                                 "!field \"a\" ends too early, at byte 8",
		rest + "\x08":                                                     "!field \"a\" ends too early",
		rest + "\x12\x05x":                                                "!field \"s\" ends too early",
		rest + "\x09\x01":                                                 "!field \"a\" ends too early", // a of another wire type is unknown
		rest + "\x09\x01\x02\x03\x04\x05\x06\x07\x08":                     "{0  {0 } <nil> <nil> [1 2 3]}",
		rest + "\x00\x01":                                                 "!has a field of number 0",
		rest + "\x5b\x5b\x08\x01\x5c\x5c":                                 "{0  {0 } <nil> <nil> [1 2 3]}", // groups
		rest + "\x5b\x63":                                                 "!",
		rest + "\x0c":                                                     "!",
		rest + "\xc2\xbb\x01\x02xy":                                       "{0  {0 } <nil> <nil> [1 2 3]}",
		"\x1a\x01\x08\x1a\x01\x05\x3a\x03\x01\x02\x03":                    "!field \"n\" ends too early", // halves do not make a whole
		"\x1a\x00\x3a\x01\x80\x3a\x03\x01\x02\x03":                        "!field \"l\" ends too early",
	} {
		got, reason := one[row](t, d, []byte(rec))
		if want, bad := strings.CutPrefix(want, "!"); bad {
			if reason == "" || !strings.Contains(reason, want) {
				t.Errorf("%q: %+v %q, want %q", rec, got, reason, want)
			}
			continue
		}
		s := strings.Builder{}
		s.WriteString("{" + itoa(got.A) + " " + got.S + " {" + itoa(got.N.X) + " " + got.N.Y + "} ")
		if got.O != nil {
			s.WriteString("o" + itoa(*got.O) + " ")
		} else {
			s.WriteString("<nil> ")
		}
		if got.P != nil {
			s.WriteString("p" + itoa(int64(got.P.A)))
		} else {
			s.WriteString("<nil>")
		}
		s.WriteString(" [" + itoa(got.L[0]) + " " + itoa(got.L[1]) + " " + itoa(got.L[2]) + "]}")
		if s.String() != want || reason != "" {
			t.Errorf("%q: %s %q, want %s", rec, s.String(), reason, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	type row = col[int64]
	two := `syntax = "proto3"; package ads; message Click { int64 a = 1; message In { int64 a = 1; } } message View { string a = 1; }`
	for _, c := range []struct {
		schema string
		params []string
		want   string
	}{
		{`x`, nil, "is no Protobuf schema"},
		{`syntax = "proto3"; import "gone.proto"; message M {}`, nil, "gone.proto"},
		{`syntax = "proto3"; import "../x.proto"; message M {}`, nil, "x.proto"},
		{two, nil, "has 2 messages: say by message= which one a record is: ads.Click, ads.Click.In, ads.View"},
		{two, []string{"message", "Click"}, "has no message Click: there are ads.Click"},
		{two, []string{"message", "ads.View"}, ""},
		{two, []string{"message", "ads.Click.In"}, ""},
		{schema3(`bool a = 1;`), nil, `field "a" is of Protobuf's type bool, which does not fit into int64`},
		{schema3(`int64 b = 1;`), nil, `field "a" is not in the message M`},
		{schema3(`repeated int64 a = 1;`), nil, `repeated int64, which does not fit into int64`},
		{schema3(`map<int64, int64> a = 1;`), nil, `type map, which does not fit into int64`},
		{schema3(`message N {} N a = 1;`), nil, `message M.N, which does not fit into int64`},
		{schema2(`optional group A = 1 { }`), nil, `is a group, which is not read`},
		{schema3(`int64 a = 1;`), []string{"mesage", "M"}, "parameter mesage is not known with format=protobuf: valid are"},
	} {
		_, err := Open(endpoint[row](t, c.schema, c.params...))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.schema, c.params, err, c.want)
		}
	}
}

// TestImports: a file's imports are found beside it, below import=, and never above.
func TestImports(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ads/click.proto":  `syntax = "proto3"; package ads; import "geo/point.proto"; message Click { geo.Point a = 1; }`,
		"geo/point.proto":  `syntax = "proto3"; package geo; import "ads/kinds.proto"; message Point { int64 a = 1; }`,
		"ads/kinds.proto":  `syntax = "proto3"; package ads; enum Kind { none = 0; }`,
		"ads/beside.proto": `syntax = "proto3"; import "kinds.proto"; message M { ads.Kind a = 1; }`,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, reason := one[col[col[int64]]](t, decoder[col[col[int64]]](t, "", "schema", filepath.Join(dir, "ads/click.proto"), "import", dir), []byte("\x0a\x02\x08\x07"))
	if reason != "" || got.A.A != 7 {
		t.Errorf("%v %q", got, reason)
	}
	if kind, reason := one[col[string]](t, decoder[col[string]](t, "", "schema", filepath.Join(dir, "ads/beside.proto")), nil); kind.A != "none" || reason != "" {
		t.Errorf("%v %q", kind, reason)
	}
	if _, err := Open(endpoint[col[col[int64]]](t, "", "schema", filepath.Join(dir, "ads/click.proto"))); err == nil || !strings.Contains(err.Error(), "geo/point.proto") {
		t.Error(err)
	}
}
