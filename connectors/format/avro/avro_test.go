package avro

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// endpoint is one with rows of T whose records are of a schema.
func endpoint[T any](t testing.TB, schema string, params ...string) dstream.Endpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.avsc")
	if err := os.WriteFile(path, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	q := url.Values{"format": {"avro"}, "schema": {path}}
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

func encode(t testing.TB, schema string, v any) []byte {
	t.Helper()
	s, err := avro.ParseWithCache(schema, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := avro.Marshal(s, v)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// converts checks what a value of a schema becomes as a row of T.
func converts[T any](t *testing.T, schema string, v any, want T, params ...string) {
	t.Helper()
	got, reason := one[T](t, decoder[T](t, schema, params...), encode(t, schema, v))
	if reason != "" || !reflect.DeepEqual(got, want) {
		t.Errorf("%s %v: %v %q, want %v", schema, v, got, reason, want)
	}
}

// refuses checks why a value of a schema is no row of T.
func refuses[T any](t *testing.T, schema string, v any, want string) {
	t.Helper()
	_, reason := one[T](t, decoder[T](t, schema), encode(t, schema, v))
	if !strings.Contains(reason, want) {
		t.Errorf("%s %v: %q, want %q", schema, v, reason, want)
	}
}

func logicalType(of, name string) string {
	return fmt.Sprintf(`{"type": %q, "logicalType": %q}`, of, name)
}

func TestConversions(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 123_456_000, time.UTC)
	seven := int64(7)
	converts(t, `"boolean"`, true, true)
	converts(t, `"int"`, -5, int8(-5))
	converts(t, `"int"`, math.MinInt32, int64(math.MinInt32))
	converts(t, `"long"`, int64(math.MinInt64), int64(math.MinInt64))
	converts(t, `"long"`, int64(200), uint8(200))
	converts(t, `"long"`, int64(7), float32(7))
	converts(t, `"long"`, int64(1_700_000_000), time.Unix(1_700_000_000, 0).UTC(), "time", "s")
	converts(t, `"long"`, int64(5), 5*time.Nanosecond)
	converts(t, `"float"`, float32(1.5), 1.5)
	converts(t, `"double"`, 1.5, float32(1.5))
	converts(t, `"string"`, "é", "é")
	converts(t, `"string"`, "-17", int16(-17))
	converts(t, `"string"`, "1e3", 1000.0)
	converts(t, `"string"`, "-Infinity", math.Inf(-1))
	converts(t, `"string"`, "1m30s", 90*time.Second)
	converts(t, `"string"`, "2023-11-15T00:13:20.123456999+02:00", at)
	converts(t, `"string"`, "1700000000123", at.Truncate(time.Millisecond))
	converts(t, `"bytes"`, []byte("ab"), []byte("ab"))
	converts(t, `"bytes"`, []byte("ab"), "ab")
	converts(t, `"bytes"`, []byte("ab"), [2]byte{'a', 'b'})
	converts(t, `{"type": "fixed", "name": "f", "size": 2}`, [2]byte{1, 2}, []byte{1, 2})
	converts(t, `{"type": "enum", "name": "e", "symbols": ["view", "click"]}`, "click", "click")
	converts(t, `{"type": "enum", "name": "e", "symbols": ["view", "click"]}`, "click", uint8(1))
	converts(t, `{"type": "array", "items": ["long", "null"]}`, []*int64{nil, &seven}, []*int64{nil, &seven})
	converts(t, `["null", {"type": "array", "items": "long"}]`, nil, []int64(nil))
	converts(t, `["string", "long"]`, map[string]any{"long": int64(7)}, int64(7))
	converts(t, `{"type": "array", "items": "string"}`, []string{"a", "b"}, []string{"a", "b"})
	converts(t, `{"type": "array", "items": "int"}`, []int{1, 2}, [2]int16{1, 2})
	converts(t, `{"type": "array", "items": ["null", "long"]}`, []*int64{&seven, nil}, []*int64{&seven, nil})
	converts(t, `{"type": "map", "values": "int"}`, map[string]int{"1": 2, "-3": 4}, map[int8]int64{1: 2, -3: 4})
	converts(t, `{"type": "map", "values": {"type": "map", "values": "string"}}`, map[string]map[string]string{"a": {"b": "c"}}, map[string]map[string]string{"a": {"b": "c"}})
}

func TestLogicalTypes(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 123_456_000, time.UTC)
	id := [16]byte{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00}
	const text = "123e4567-e89b-12d3-a456-426614174000"
	converts(t, logicalType("int", "date"), at, at.Truncate(24*time.Hour))
	converts(t, logicalType("int", "date"), at, int32(19675))
	converts(t, logicalType("int", "time-millis"), 1500*time.Millisecond, 1500*time.Millisecond)
	converts(t, logicalType("long", "time-micros"), 1500*time.Microsecond, 1500*time.Microsecond)
	converts(t, logicalType("long", "timestamp-millis"), at, at.Truncate(time.Millisecond))
	converts(t, logicalType("long", "timestamp-micros"), at, at)
	converts(t, logicalType("long", "timestamp-micros"), at, at.UnixMicro())
	converts(t, logicalType("long", "local-timestamp-micros"), at, at)
	converts(t, logicalType("long", "timestamp-nanos"), at.UnixNano()+999, at)
	converts(t, logicalType("string", "uuid"), text, text)
	converts(t, logicalType("string", "uuid"), text, id)
	converts(t, `{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}`, id, text)
	converts(t, `{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}`, id, id)
	decimal := `{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}`
	for _, c := range []struct {
		unscaled int64
		text     string
	}{{1230, "12.30"}, {-1, "-0.01"}, {0, "0.00"}, {-128, "-1.28"}, {32768, "327.68"}} {
		converts(t, decimal, big.NewRat(c.unscaled, 100), c.text)
		converts(t, decimal, big.NewRat(c.unscaled, 100), float64(c.unscaled)/100)
	}
	converts(t, `{"type": "fixed", "name": "d", "size": 4, "logicalType": "decimal", "precision": 9}`, big.NewRat(-70000, 1), "-70000")
	refuses[time.Time](t, logicalType("long", "timestamp-millis"), time.UnixMilli(math.MaxInt64/100), "out of the range of times")
	refuses[[16]byte](t, logicalType("string", "uuid"), "123e4567xe89b-12d3-a456-426614174000", "is not a UUID")
}

func TestReasons(t *testing.T) {
	refuses[int8](t, `"int"`, 128, "the record: 128 is out of the range of int8")
	refuses[uint64](t, `"long"`, int64(-1), "-1 is out of the range of uint64")
	refuses[float32](t, `"double"`, 1e300, "1e+300 is out of the range of float32")
	refuses[float64](t, `"string"`, "cheap", `the record: "cheap" is not a number`)
	refuses[int64](t, `"string"`, "+1", "is not a whole number")
	refuses[string](t, `"bytes"`, []byte{0xff}, "is not valid UTF-8")
	refuses[[3]byte](t, `"bytes"`, []byte{1}, "has 1 bytes, not 3")
	refuses[int64](t, `["null", "long"]`, nil, "is null, which only a pointer can be")
	refuses[int64](t, `["string", "long", "boolean"]`, map[string]any{"boolean": true}, "is of Avro's type boolean, which does not fit into int64")
	refuses[[3]int64](t, `{"type": "array", "items": "long"}`, []int64{1, 2}, "has 2 elements, not 3")
	refuses[[1]int64](t, `{"type": "array", "items": "long"}`, []int64{1, 2}, "has more than 1 elements")
	refuses[[]int8](t, `{"type": "array", "items": "long"}`, []int64{1, 200}, `field "[1]": 200 is out of the range of int8`)
	refuses[map[string]int8](t, `{"type": "map", "values": "long"}`, map[string]int64{"x": 200}, `field "[\"x\"]": 200`)
}

// TestBytes: what is no record of a schema is a bad record that says where.
func TestBytes(t *testing.T) {
	type row struct {
		S string   `col:"s"`
		L []string `col:"l"`
	}
	const schema = `{"type": "record", "name": "r", "fields": [{"name": "x", "type": ["null", "string"]},
		{"name": "s", "type": "string"}, {"name": "l", "type": {"type": "array", "items": "string"}}, {"name": "b", "type": "boolean"}]}`
	d := decoder[row](t, schema)
	good := "\x02\x04yy\x02a\x04\x02b\x02c\x00\x01"
	for rec, want := range map[string]string{
		good:                            "",
		good + "\x00":                   "the record has 1 bytes behind its end",
		good[:len(good)-1]:              "the record ends too early, at byte 12",
		"\x04\x04yy":                    "a branch that its union lacks",
		"\x01":                          "a branch that its union lacks",
		"\x00\x10a":                     `field "s" ends too early, at byte 1`,
		"\x00\x01":                      `field "s" has a negative length`,
		"\x00\x02a\x7f":                 `field "l" ends too early`,
		"\x00\x02a\xfe\xff\xff\xff\x0f": `field "l" has a list longer than itself`,
		"\x00\x02a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00": `field "l" has a list longer than itself`,
		"\x00\x02a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02":     `field "l" has a number of more than 64 bits`,
		"\x00\x02a\x03\x08\x02b\x02c\x00\x00":                   "", // blocks may say how long they are
		"":                                                      "the record ends too early, at byte 0",
	} {
		got, reason := one[row](t, d, []byte(rec))
		if (want == "") != (reason == "") || !strings.Contains(reason, want) || want == "" && (got.S != "a" || len(got.L) != 2) {
			t.Errorf("%q: %+v %q, want %q", rec, got, reason, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	type row struct {
		ID  int64 `col:"id"`
		Geo struct {
			Lat float64 `col:"lat"`
		} `col:"geo"`
	}
	record := func(fields string) string { return `{"type": "record", "name": "r", "fields": [` + fields + `]}` }
	id := `{"name": "id", "type": "long"}`
	for schema, want := range map[string]string{
		`{`:                                      "is no Avro schema",
		`"lnog"`:                                 "is no Avro schema",
		`"long"`:                                 "the record is of Avro's type long, which does not fit into avro.row",
		record(id):                               `field "geo" is not in the schema`,
		record(`{"name": "ID", "type": "long"}`): `field "id" is not in the schema`,
		record(id + `,{"name": "geo", "type": ["null", "string"]}`):                                                            `field "geo" is of Avro's type string`,
		record(id + `,{"name": "geo", "type": ` + record(id) + `}`):                                                            `duplicate`,
		record(`{"name": "id", "type": ` + logicalType("string", "uuid") + `}`):                                                `field "geo" is not in the schema`,
		record(id + `,{"name": "geo", "type": {"type": "record", "name": "g", "fields": [{"name": "lat", "type": "bytes"}]}}`): `field "geo.lat" is of Avro's type bytes, which does not fit into float64`,
	} {
		_, err := Open(endpoint[row](t, schema))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `format of "ads"`) {
			t.Errorf("%s: %v, want %s", schema, err, want)
		}
	}
	_, err := Open(endpoint[int64](t, `"long"`, "sehcma", "x"), "group")
	if err == nil || !strings.Contains(err.Error(), "parameter sehcma is not known with format=avro: valid are format, max_record") || !strings.Contains(err.Error(), "registry_ca, registry_cert, registry_key, group") {
		t.Error(err)
	}
	if _, err := Open(endpoint[int64](t, `"long"`, "message", "x")); err == nil {
		t.Error("message= is no parameter of Avro")
	}
}

// TestWholeFile: a decoder of records says so where there are lines, and is a User and a Checker.
func TestWholeFile(t *testing.T) {
	d := decoder[int64](t, `"long"`)
	if _, _, err := d.Decode([]byte("\x02"), true, nil, nil); err == nil || !strings.Contains(err.Error(), "format=avro has no lines") {
		t.Error(err)
	}
	d.(registry.User).Use(context.Background())
	if err := d.(registry.Checker).Check(context.Background()); err != nil {
		t.Error(err)
	}
}
