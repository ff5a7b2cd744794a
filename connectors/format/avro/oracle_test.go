package avro

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/rdd/codec"
	"pgregory.net/rapid"
)

// wide has a field of each family. Hamba's decoder, which walks by reflection and shares nothing with ours, takes it too.
type wide struct {
	B  bool              `avro:"b" col:"b"`
	I  int32             `avro:"i" col:"i"`
	L  int64             `avro:"l" col:"l"`
	F  float32           `avro:"f" col:"f"`
	D  float64           `avro:"d" col:"d"`
	S  string            `avro:"s" col:"s"`
	Y  []byte            `avro:"y" col:"y"`
	X  [3]byte           `avro:"x" col:"x"`
	E  string            `avro:"e" col:"e"`
	U  *string           `avro:"u" col:"u"`
	T  time.Time         `avro:"t" col:"t"`
	A  []int64           `avro:"a" col:"a"`
	AR []inner           `avro:"ar" col:"ar"`
	M  map[string]string `avro:"m" col:"m"`
	MR map[string]inner  `avro:"mr" col:"mr"`
	N  inner             `avro:"n" col:"n"`
	P  *inner            `avro:"p" col:"p"`
	Z  int64             `avro:"z" col:"z"`
}

type inner struct {
	K string   `avro:"k" col:"k"`
	V *float64 `avro:"v" col:"v"`
}

const innerSchema = `{"type": "record", "name": "inner", "fields": [{"name": "k", "type": "string"}, {"name": "v", "type": ["double", "null"]}]}`

const wideSchema = `{"type": "record", "name": "wide", "fields": [
	{"name": "n", "type": ` + innerSchema + `},
	{"name": "b", "type": "boolean"}, {"name": "i", "type": "int"}, {"name": "l", "type": "long"}, {"name": "f", "type": "float"},
	{"name": "d", "type": "double"}, {"name": "s", "type": "string"}, {"name": "y", "type": "bytes"},
	{"name": "x", "type": {"type": "fixed", "name": "three", "size": 3}},
	{"name": "e", "type": {"type": "enum", "name": "kinds", "symbols": ["view", "click", "purchase"]}},
	{"name": "u", "type": ["null", "string"]}, {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
	{"name": "a", "type": {"type": "array", "items": "long"}}, {"name": "ar", "type": {"type": "array", "items": "inner"}},
	{"name": "m", "type": {"type": "map", "values": "string"}}, {"name": "mr", "type": {"type": "map", "values": "inner"}},
	{"name": "p", "type": ["null", "inner"]}, {"name": "z", "type": "long"}]}`

// narrow wants some fields of wide, between ones that it does not.
type narrow struct {
	Z int64            `col:"z"`
	S string           `col:"s"`
	N inner            `col:"n"`
	M map[string]inner `col:"mr"`
	Q *string          `col:"not in the schema"`
}

var (
	wideParsed = avro.MustParse(wideSchema)
	finite     = rapid.Float64()
	short8     = rapid.StringN(0, 8, 20)
)

func inners() *rapid.Generator[inner] {
	return rapid.Custom(func(t *rapid.T) inner { return inner{short8.Draw(t, "k"), rapid.Ptr(finite, true).Draw(t, "v")} })
}

func wides() *rapid.Generator[wide] {
	return rapid.Custom(func(t *rapid.T) wide {
		w := wide{
			B: rapid.Bool().Draw(t, "b"), I: rapid.Int32().Draw(t, "i"), L: rapid.Int64().Draw(t, "l"),
			F: rapid.Float32().Draw(t, "f"), D: finite.Draw(t, "d"), S: short8.Draw(t, "s"),
			Y: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "y"), E: rapid.SampledFrom([]string{"view", "click", "purchase"}).Draw(t, "e"),
			U: rapid.Ptr(short8, true).Draw(t, "u"), T: time.UnixMicro(rapid.Int64Range(-1<<55, 1<<55).Draw(t, "t")).UTC(),
			A: rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(t, "a"), AR: rapid.SliceOfN(inners(), 0, 3).Draw(t, "ar"),
			M: rapid.MapOfN(short8, short8, 0, 3).Draw(t, "m"), MR: rapid.MapOfN(short8, inners(), 0, 3).Draw(t, "mr"),
			N: inners().Draw(t, "n"), P: rapid.Ptr(inners(), true).Draw(t, "p"), Z: rapid.Int64().Draw(t, "z"),
		}
		copy(w.X[:], rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "x"))
		return w
	})
}

// tidy makes what is empty nil, as rows have it.
func (w wide) tidy() wide {
	for _, f := range []any{&w.Y, &w.A, &w.AR, &w.M, &w.MR} {
		if v := reflect.ValueOf(f).Elem(); v.Len() == 0 {
			v.SetZero()
		}
	}
	w.T = w.T.UTC()
	return w
}

// valid tells whether a row has only strings that a row may have, which hamba does not look at.
func (w wide) valid() bool {
	all := []string{w.S, w.N.K}
	if w.U != nil {
		all = append(all, *w.U)
	}
	if w.P != nil {
		all = append(all, w.P.K)
	}
	for _, a := range w.AR {
		all = append(all, a.K)
	}
	for k, v := range w.M {
		all = append(all, k, v)
	}
	for k, v := range w.MR {
		all = append(all, k, v.K)
	}
	return utf8.ValidString(strings.Join(all, "\n"))
}

// same is equality of rows whose floats may be NaN.
func same(a, b any) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	return reflect.DeepEqual(a, b) || sameValue(va, vb)
}

func sameValue(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || sameValue(a.Elem(), b.Elem()))
	case reflect.Slice:
		ok := a.Len() == b.Len()
		for i := 0; ok && i < a.Len(); i++ {
			ok = sameValue(a.Index(i), b.Index(i))
		}
		return ok
	case reflect.Map:
		ok := a.Len() == b.Len()
		for _, k := range a.MapKeys() {
			ok = ok && b.MapIndex(k).IsValid() && sameValue(a.MapIndex(k), b.MapIndex(k))
		}
		return ok
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[time.Time]() {
			return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
		}
		ok := true
		for i := 0; ok && i < a.NumField(); i++ {
			ok = sameValue(a.Field(i), b.Field(i))
		}
		return ok
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// TestAgainstHamba: what hamba writes is read back, in full and in part, and of what is broken at random places nothing is taken
// that hamba reads differently.
func TestAgainstHamba(t *testing.T) {
	all, part := decoder[wide](t, wideSchema), decoder[narrow](t, wideSchema)
	rapid.Check(t, func(r *rapid.T) {
		w := wides().Draw(r, "wide")
		rec, err := avro.Marshal(wideParsed, w)
		if err != nil {
			r.Fatal(err)
		}
		got, reason := one[wide](t, all, rec)
		if reason != "" || !same(got, w.tidy()) {
			r.Fatalf("%+v\n%q, want\n%+v", got, reason, w)
		}
		few, reason := one[narrow](t, part, rec)
		want := narrow{w.Z, w.S, w.N, w.tidy().MR, nil}
		if reason != "" || !same(few, want) {
			r.Fatalf("%+v %q, want %+v", few, reason, want)
		}
		broken := append([]byte(nil), rec...)
		for range rapid.IntRange(1, 3).Draw(r, "changes") {
			broken[rapid.IntRange(0, len(broken)-1).Draw(r, "at")] = rapid.Byte().Draw(r, "byte")
		}
		agree(t, all, broken)
	})
}

// agree checks that a record that we take hamba reads as the same row.
func agree(t testing.TB, d format.Decoder, rec []byte) {
	got, reason := one[wide](t, d, rec)
	if reason != "" {
		return
	}
	var want wide
	if err := avro.Unmarshal(wideParsed, rec, &want); err != nil {
		t.Fatalf("%x: a row, but hamba says %v", rec, err)
	}
	if want.valid() && !same(got, want.tidy()) {
		t.Fatalf("%x: %+v, hamba reads %+v", rec, got, want)
	}
}

// FuzzRecord: whatever bytes a record has, it becomes a row that hamba reads as well, or a bad record, in full and in part.
func FuzzRecord(f *testing.F) {
	for i := range 4 {
		rec, err := avro.Marshal(wideParsed, wides().Example(i))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(rec)
	}
	f.Add([]byte("\x00\x02\x00\x00\x00"))
	all, part := decoder[wide](f, wideSchema), decoder[narrow](f, wideSchema)
	f.Fuzz(func(t *testing.T, rec []byte) {
		agree(t, all, rec)
		one[narrow](t, part, rec)
	})
}

// optional is a row of which any schema may lack everything.
type optional struct {
	Z *int64   `col:"z"`
	S *[]wide  `col:"s"`
	A *[]int64 `col:"a"`
}

// FuzzSchema: whatever a registry says a schema is, compiling it and decoding by it ends without a panic.
func FuzzSchema(f *testing.F) {
	f.Add(wideSchema, []byte("\x00\x02\x00\x00\x00"))
	f.Add(`{"type": "record", "name": "a", "fields": [{"name": "z", "type": "long"}, {"name": "a", "type": ["null", "a"]}]}`, []byte("\x02\x02\x02\x00"))
	f.Add(`{"type": "record", "name": "a", "fields": [{"name": "a", "type": "a"}, {"name": "z", "type": "long"}]}`, []byte("\x02"))
	f.Add(`{"type": "array", "items": "null"}`, []byte("\xfe\xff\xff\x0f\x00"))
	f.Add(`{"type": "fixed", "name": "f", "size": -3}`, []byte("\x02"))
	f.Fuzz(func(t *testing.T, schema string, rec []byte) {
		s, err := parse(&registry.Schema{Text: schema})
		if err != nil {
			return
		}
		decodeAs[optional](t, s, rec)
		decodeAs[[]int64](t, s, rec)
		decodeAs[map[string][]string](t, s, rec)
	})
}

func decodeAs[T any](t *testing.T, s avro.Schema, rec []byte) {
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := newPlan(s, c, slot.Millis); err == nil {
		var row T
		_ = p.Decode(unsafe.Pointer(&row), rec)
	}
}
