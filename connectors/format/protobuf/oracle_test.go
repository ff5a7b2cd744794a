package protobuf

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

func itoa(x int64) string { return strconv.FormatInt(x, 10) }

const wideSchema = `syntax = "proto3"; message Wide {
	bool b = 1; int32 i = 2; sint64 z = 3; uint64 u = 4; fixed32 f = 5; double d = 6; string s = 7; bytes y = 8;
	repeated sint32 l = 9; repeated string ls = 10; map<string, int64> m = 11; map<uint32, In> mi = 12;
	In n = 13; repeated In ln = 14; optional int64 o = 15;
	oneof one { string p = 16; int64 q = 17; In r = 18; bytes unwanted = 19; }
	repeated bytes more = 300;
	message In { string k = 1; optional float v = 2; In deeper = 3; int32 not_wanted = 4; } }`

type wide struct {
	B  bool             `col:"b"`
	I  int32            `col:"i"`
	Z  int64            `col:"z"`
	U  uint64           `col:"u"`
	F  uint32           `col:"f"`
	D  float64          `col:"d"`
	S  string           `col:"s"`
	Y  []byte           `col:"y"`
	L  []int32          `col:"l"`
	LS []string         `col:"ls"`
	M  map[string]int64 `col:"m"`
	MI map[uint32]in    `col:"mi"`
	N  *in              `col:"n"`
	LN []in             `col:"ln"`
	O  *int64           `col:"o"`
	P  *string          `col:"p"`
	Q  *int64           `col:"q"`
	R  *in              `col:"r"`
	BS [][]byte         `col:"more"`
}

type in struct {
	K string   `col:"k"`
	V *float32 `col:"v"`
	D *leaf    `col:"deeper"`
}

type leaf struct {
	K string `col:"k"`
}

// read is what protobuf-go says that a message is, field by field of the struct at to, by reflection.
func read(m protoreflect.Message, to reflect.Value) {
	for i := range to.NumField() {
		fd := m.Descriptor().Fields().ByName(protoreflect.Name(to.Type().Field(i).Tag.Get("col")))
		f, v := to.Field(i), m.Get(fd)
		switch {
		case fd.IsList():
			for k := range v.List().Len() {
				e := reflect.New(f.Type().Elem()).Elem()
				set(e, v.List().Get(k))
				f.Set(reflect.Append(f, e))
			}
		case fd.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				if f.IsNil() {
					f.Set(reflect.MakeMap(f.Type()))
				}
				e := reflect.New(f.Type().Elem()).Elem()
				set(e, v)
				f.SetMapIndex(reflect.ValueOf(k.Interface()), e)
				return true
			})
		case f.Kind() == reflect.Pointer:
			if m.Has(fd) {
				f.Set(reflect.New(f.Type().Elem()))
				set(f.Elem(), v)
			}
		default:
			set(f, v)
		}
	}
}

func set(f reflect.Value, v protoreflect.Value) {
	switch x := v.Interface().(type) {
	case protoreflect.Message:
		read(x, f)
	case []byte:
		if len(x) > 0 {
			f.SetBytes(x)
		}
	default:
		f.Set(reflect.ValueOf(x))
	}
}

// same is equality of rows whose floats may be NaN: by their bits.
func same(a, b wide) bool {
	if math.Float64bits(a.D) != math.Float64bits(b.D) {
		return false
	}
	a.D, b.D = 0, 0
	return reflect.DeepEqual(bits(a), bits(b))
}

// bits takes the floats out of the messages of a row.
func bits(w wide) (out []any) {
	one := func(i *in) {
		if i != nil && i.V != nil {
			out = append(out, i.K, math.Float32bits(*i.V))
			i.V = nil
		}
	}
	one(w.N)
	one(w.R)
	for k := range w.LN {
		one(&w.LN[k])
	}
	values := map[uint32]uint32{}
	for k, v := range w.MI {
		if v.V != nil {
			values[k] = math.Float32bits(*v.V)
			v.V = nil
			w.MI[k] = v
		}
	}
	return append(out, values, w)
}

var wideMessage = func() func(testing.TB) protoreflect.MessageDescriptor {
	var md protoreflect.MessageDescriptor
	return func(t testing.TB) protoreflect.MessageDescriptor {
		if md == nil {
			md = descriptor(t, wideSchema, "")
		}
		return md
	}
}()

// agree checks that we take what protobuf-go takes, for the same row. We take more: what no field wants we pass over, and it does not.
func agree(t testing.TB, d format.Decoder, rec []byte) {
	t.Helper()
	m := dynamicpb.NewMessage(wideMessage(t))
	err := unmarshal(rec, m)
	got, reason := one[wide](t, d, rec)
	if reason != "" && err == nil {
		t.Fatalf("%x: %q, protobuf-go says %v", rec, reason, err)
	}
	var want wide
	if reason != "" || err != nil {
		return
	}
	read(m, reflect.ValueOf(&want).Elem())
	if !same(got, want) {
		t.Fatalf("%x: %+v, want %+v", rec, got, want)
	}
}

// unmarshal is proto.Unmarshal; protobuf-go v1.36.12 panics on some broken entries of maps, which counts as an error.
func unmarshal(rec []byte, m proto.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("protobuf-go panics: %v", p)
		}
	}()
	return proto.Unmarshal(rec, m)
}

func random(md protoreflect.MessageDescriptor, t *rapid.T, depth int) protoreflect.Message {
	m := dynamicpb.NewMessage(md)
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		for range rapid.IntRange(0, 2).Draw(t, "n") {
			switch {
			case fd.Message() != nil && depth > 3:
			case fd.IsMap():
				m.Mutable(fd).Map().Set(value(fd.MapKey(), t, depth).MapKey(), value(fd.MapValue(), t, depth))
			case fd.IsList():
				m.Mutable(fd).List().Append(value(fd, t, depth))
			default:
				m.Set(fd, value(fd, t, depth))
			}
		}
	}
	return m
}

func value(fd protoreflect.FieldDescriptor, t *rapid.T, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "uint64"))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.Float32().Draw(t, "float"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rapid.Float64().Draw(t, "double"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.StringN(0, 5, 10).Draw(t, "string"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
	}
	return protoreflect.ValueOfMessage(random(fd.Message(), t, depth+1))
}

// TestAgainstProtobufGo: what protobuf-go writes we read as it does; also two messages in one, which merge, and what is broken.
func TestAgainstProtobufGo(t *testing.T) {
	d := decoder[wide](t, wideSchema)
	rapid.Check(t, func(r *rapid.T) {
		var rec []byte
		for range rapid.IntRange(1, 2).Draw(r, "messages") {
			part, err := proto.MarshalOptions{Deterministic: true}.Marshal(random(wideMessage(t), r, 0).Interface())
			if err != nil {
				r.Fatal(err)
			}
			rec = append(rec, part...)
		}
		agree(t, d, rec)
		for range rapid.IntRange(0, 3).Draw(r, "changes") {
			if len(rec) > 0 {
				rec[rapid.IntRange(0, len(rec)-1).Draw(r, "at")] = rapid.Byte().Draw(r, "byte")
			}
		}
		agree(t, d, rec)
	})
}

// FuzzRecord: whatever bytes a record has, we and protobuf-go read them alike.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{
		"", "\x08\x01\x10\x05", "\x3a\x01x\x42\x00\x4a\x03\x01\x02\x03", "\x5a\x05\x0a\x01x\x10\x01\x62\x04\x08\x01\x12\x00",
		"\x6a\x03\x0a\x01k\x6a\x05\x15\x00\x00\x80\x3f", "\x82\x01\x01p\x88\x01\x07\x92\x01\x00\x9a\x01\x00", "\x72\x05\x1a\x03\x0a\x01d",
		"\xe2\x12\x01x", "\x0b\x0c", "\x6a\x02\x0a\x05",
	} {
		f.Add([]byte(s))
	}
	d := decoder[wide](f, wideSchema)
	f.Fuzz(func(t *testing.T, rec []byte) { agree(t, d, rec) })
}

// FuzzIndex: which message a record says it is, is bounded.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00x"))
	f.Add([]byte("\x04\x00\x02x"))
	f.Add([]byte("\xfe\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		path, rest, err := index(payload)
		if err == nil && (len(path) == 0 || len(path) > maxIndex || len(rest) >= len(payload)) {
			t.Errorf("%x: %v and %x", payload, path, rest)
		}
	})
}

const eventSchema = `syntax = "proto3"; message Event { string user_id = 1; string page_id = 2; string ad_id = 3; string ad_type = 4;
	string event_type = 5; int64 event_time = 6; string ip_address = 7; }`

type adEvent struct {
	Ad    string    `col:"ad_id"`
	Event string    `col:"event_type"`
	At    time.Time `col:"event_time"`
}

func events(t testing.TB, n int) (out [][]byte) {
	for i := range n {
		id := `"123e4567-e89b-12d3-a456-4266141740` + strconv.Itoa(10+i%90) + `"`
		out = append(out, marshal(t, eventSchema, `user_id: `+id+` page_id: `+id+` ad_id: `+id+
			` ad_type: "banner" event_type: "view" event_time: `+itoa(1_700_000_000_000+int64(i))+` ip_address: "1.2.3.4"`))
	}
	return out
}

func drop[T any](t testing.TB) *dstream.Reader {
	b, err := rdd.NewBuilder[T](4096, func(rdd.Chunk) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { t.Fatal(r.Reason); return nil }}
}

// TestAllocates: records whose wanted fields are text and numbers cost no allocation.
func TestAllocates(t *testing.T) {
	recs, d, to := events(t, 100), decoder[adEvent](t, eventSchema), drop[adEvent](t)
	allocs := testing.AllocsPerRun(10, func() {
		for _, r := range recs {
			if err := d.DecodeRecord(r, "", to); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations for 100 records", allocs)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkRecords(b *testing.B) {
	recs, d, to := events(b, 1000), decoder[adEvent](b, eventSchema), drop[adEvent](b)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		for _, r := range recs {
			if err := d.DecodeRecord(r, "", to); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(recs))*float64(b.N)/(cpu()-from).Seconds()/1e6, "Mrows/cpu-s")
}

func BenchmarkDynamic(b *testing.B) {
	recs, md := events(b, 1000), descriptor(b, eventSchema, "")
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		for _, r := range recs {
			if err := proto.Unmarshal(r, dynamicpb.NewMessage(md)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(recs))*float64(b.N)/(cpu()-from).Seconds()/1e6, "Mrows/cpu-s")
}
