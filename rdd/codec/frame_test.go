package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/endian"
	"github.com/apache/arrow/go/v15/arrow/ipc"
)

// sealed is the frame of a body, with the right length and checksum.
func sealed(body []byte) []byte {
	frame := append([]byte(frameMagic), make([]byte, 12)...)
	frame = append(frame, body...)
	binary.LittleEndian.PutUint64(frame[4:], uint64(len(body)))
	binary.LittleEndian.PutUint32(frame[12:], frameSum(frame[:12], body))
	return frame
}

// stream is an IPC stream of records, as others would write it.
func stream(t testing.TB, recs []arrow.Record, opts ...ipc.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, append(opts, ipc.WithSchema(recs[0].Schema()))...)
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func frameOf(t testing.TB, rec arrow.Record) []byte {
	t.Helper()
	frame, err := AppendFrame(nil, rec)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func innerRecord(t testing.TB) arrow.Record {
	c, err := Of[inner]()
	if err != nil {
		t.Fatal(err)
	}
	return encodeRows(t, c, reflect.ValueOf([]inner{{"some text that is repeated, that is repeated", 1, ptr(2.0), []string{"d", "e"}}, {A: "b"}}))
}

func TestWriteFrame(t *testing.T) {
	rec := innerRecord(t)
	var b bytes.Buffer
	n, crc, err := WriteFrame(&b, rec)
	if err != nil || n != int64(b.Len()) || crc != binary.LittleEndian.Uint32(b.Bytes()[12:]) {
		t.Fatalf("%d bytes, crc %x, %v; wrote %d", n, crc, err, b.Len())
	}
	if _, _, err := WriteFrame(&b, rec); err != nil {
		t.Fatal(err)
	}
	r := iotest.OneByteReader(&b)
	for range 2 {
		got, err := ReadFrame(r, Limits{})
		if err != nil || Digest(got) != Digest(rec) {
			t.Fatal(got, err)
		}
	}
	if _, err := ReadFrame(r, Limits{}); err != io.EOF {
		t.Fatal("behind the last frame:", err)
	}
	full := errors.New("disk full")
	if _, _, err := WriteFrame(failing{full}, rec); !errors.Is(err, full) {
		t.Fatal(err)
	}
}

type failing struct{ err error }

func (w failing) Write([]byte) (int, error) { return 0, w.err }

// TestTornFrame cuts a frame everywhere.
func TestTornFrame(t *testing.T) {
	frame := frameOf(t, innerRecord(t))
	for n := range frame {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := ReadFrame(bytes.NewReader(frame[:n]), Limits{}); !errors.Is(err, want) || errors.Is(err, ErrFrame) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	broken := errors.New("broken wire")
	r := io.MultiReader(bytes.NewReader(frame[:99]), iotest.ErrReader(broken))
	if _, err := ReadFrame(r, Limits{}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

// TestFlippedFrame flips every bit of a frame.
func TestFlippedFrame(t *testing.T) {
	frame := frameOf(t, innerRecord(t))
	for i := range 8 * len(frame) {
		bad := bytes.Clone(frame)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := ReadFrame(bytes.NewReader(bad), Limits{}); err == nil {
			t.Fatalf("bit %d flipped and not noticed", i)
		}
		if i/8 < frameHeader {
			continue
		}
		readSealed(t, bad[frameHeader:])
	}
}

// readSealed reads a body whose checksum is right. Whatever it is, there is an error
// or a sound record.
func readSealed(t testing.TB, body []byte) (arrow.Record, error) {
	t.Helper()
	rec, err := ReadFrame(bytes.NewReader(sealed(body)), Limits{})
	if err != nil {
		return nil, err
	}
	again := reframe(t, rec)
	if Digest(rec) != Digest(again) {
		t.Fatalf("digest %x, after another frame %x", Digest(rec), Digest(again))
	}
	return rec, nil
}

// lies is bodies that are not what they say, by what the error must say.
func lies(t testing.TB) map[string][]byte {
	rec := innerRecord(t)
	text := func(offsets []int32, s string) arrow.Record {
		d := values(arrow.BinaryTypes.String, len(offsets)-1, nil, bytesOf(offsets), []byte(s))
		schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: d.DataType()}}, nil)
		return array.NewRecord(schema, []arrow.Array{array.MakeFromData(d)}, int64(len(offsets)-1))
	}
	null := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.Null}}, nil), []arrow.Array{array.NewNull(3)}, 3)
	plain := stream(t, []arrow.Record{rec})
	return map[string][]byte{
		"compressed body;":                stream(t, []arrow.Record{rec}, ipc.WithLZ4()),
		"compressed body":                 stream(t, []arrow.Record{rec}, ipc.WithZstd()),
		"offset 2 after 3":                stream(t, []arrow.Record{text([]int32{0, 3, 2, 4}, "abcd")}),
		"offset -5 after 0":               stream(t, []arrow.Record{text([]int32{0, -5, 2, 4}, "abcd")}),
		"offset 2147483647 after 0":       stream(t, []arrow.Record{text([]int32{0, math.MaxInt32, 2, 4}, "abcd")}),
		"Arrow's type number 1":           stream(t, []arrow.Record{null}),
		"bytes behind the record":         stream(t, []arrow.Record{rec, rec}),
		"no record":                       stream(t, []arrow.Record{rec})[:schemaLength(plain)],
		"no message where one must begin": nil,
		"message of 4294967280 bytes":     {255, 255, 255, 255, 0xf0, 255, 255, 255},
		"message body of":                 inflated(plain),
		"schema out of proportion":        bomb(30),
		"big-endian":                      stream(t, []arrow.Record{bigEndian()}),
		"nested deeper":                   stream(t, []arrow.Record{deep(40)}),
	}
}

// schemaLength is where the first message of a stream ends.
func schemaLength(stream []byte) int { return 8 + int(binary.LittleEndian.Uint32(stream[4:])) }

// inflated is a stream whose record says that its body has 2⁴⁰ bytes more.
func inflated(stream []byte) []byte {
	out := bytes.Clone(stream)
	meta := out[schemaLength(out)+8:]
	at := root(meta).field(3)
	binary.LittleEndian.PutUint64(meta[at:], binary.LittleEndian.Uint64(meta[at:])+1<<40)
	return out
}

func bigEndian() arrow.Record {
	fields := []arrow.Field{{Name: "v", Type: arrow.PrimitiveTypes.Int8}}
	a := array.MakeFromData(values(fields[0].Type, 1, nil, []byte{1}))
	return array.NewRecord(arrow.NewSchemaWithEndian(fields, nil, endian.BigEndian), []arrow.Array{a}, 1)
}

// deep is an empty record of a list of lists of … of int64.
func deep(n int) arrow.Record {
	dt := arrow.DataType(arrow.PrimitiveTypes.Int64)
	for range n {
		dt = arrow.ListOf(dt)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "l", Type: dt}}, nil)
	b := array.NewRecordBuilder(&quota{left: 1 << 20}, schema)
	return b.NewRecord()
}

// bomb is a schema message that describes 2ⁿ fields in n·44 bytes: a struct of twice
// the same struct of twice the same struct, and so on.
func bomb(n int) []byte {
	var b []byte
	u16 := func(vs ...uint16) {
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	}
	u32 := func(vs ...uint32) {
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	// Offsets are counted from where they stand; a vtable's entries from the table.
	u32(16)                    // the message's table
	u16(10, 12, 0, 4, 8, 0)    // its vtable: type, header
	u32(12, schemaMessage, 12) // the message: vtable 12 back, type, header 12 on
	u16(8, 8, 0, 4)            // vtable of the schema: fields
	u32(8, 4)                  // the schema: vtable 8 back, fields 4 on
	for range n {              // a level's vector:
		u32(2, 24, 20)                 // two fields, both the one behind the vtable
		u16(16, 16, 0, 0, 8, 12, 0, 4) // vtable of the field: type's kind, type, children
		u32(16, 12, 13, 8)             // the field: children 12 on, a struct, of whatever
	}
	u32(0, 0)
	message := binary.LittleEndian.AppendUint32([]byte{255, 255, 255, 255}, uint32(len(b)))
	return append(message, b...)
}

// TestBomb: two levels are a schema like others, thirty are not let through to Arrow.
func TestBomb(t *testing.T) {
	m := &messages{rest: bomb(2)}
	r, err := ipc.NewReaderFromMessageReader(m)
	if err != nil {
		t.Fatal(err)
	}
	inner := arrow.StructOf()
	if got := r.Schema().Field(1).Type.(*arrow.StructType).Field(1).Type; r.Schema().NumFields() != 2 || !arrow.TypeEqual(got, inner) {
		t.Fatal("not the schema that was meant:", r.Schema())
	}
}

func TestLies(t *testing.T) {
	for want, body := range lies(t) {
		rec, err := readSealed(t, body)
		if err == nil || !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v; want %q in the error", rec, err, want)
		}
	}
}

func TestFrameLimits(t *testing.T) {
	frame := frameOf(t, innerRecord(t))
	read := func(frame []byte, l Limits, want string) {
		t.Helper()
		if _, err := ReadFrame(bytes.NewReader(frame), l); !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	read(frame, Limits{Bytes: int64(len(frame)) - frameHeader - 1}, "at most")
	read(frame, Limits{Memory: 100}, "memory limit")
	if _, err := ReadFrame(bytes.NewReader(frame), Limits{Bytes: int64(len(frame)) - frameHeader}); err != nil {
		t.Error(err)
	}
	huge := bytes.Clone(frame)
	binary.LittleEndian.PutUint64(huge[4:], math.MaxUint64)
	read(huge, Limits{}, "at most")
	newer := bytes.Clone(frame)
	newer[3]++
	read(newer, Limits{}, "format 2, this program reads format 1")
	read([]byte("PK\x03\x04aaaaaaaaaaaaaaaa"), Limits{}, "begins with")
}

// TestLyingLength claims 1 GiB and sends 100 bytes.
func TestLyingLength(t *testing.T) {
	frame := frameOf(t, innerRecord(t))[:100]
	binary.LittleEndian.PutUint64(frame[4:], 1<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadFrame(bytes.NewReader(frame), Limits{})
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, io.ErrUnexpectedEOF) || got > 1<<20 {
		t.Errorf("took %d bytes: %v", got, err)
	}
}

// TestDictionaryFrame: what a source hands over as a dictionary stays one.
func TestDictionaryFrame(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	rec := foreign(t, "v", dict, `["a", null, "b", "a"]`)
	for _, part := range []arrow.Record{rec, rec.NewSlice(1, 4), rec.NewSlice(2, 2)} {
		got := reframe(t, part)
		if Digest(got) != Digest(part) || !arrow.TypeEqual(got.Schema().Field(0).Type, dict) {
			t.Errorf("got %v, want %v", got, part)
		}
	}
	if got, err := project[*string](reframe(t, rec.NewSlice(1, 4))); err != nil || got[0] != nil || *got[1] != "b" || *got[2] != "a" {
		t.Error(got, err)
	}
}

// TestOldFrame reads a frame that an earlier release has written.
func TestOldFrame(t *testing.T) {
	const file = "testdata/frame-v1.bin"
	rec := innerRecord(t)
	if *rewrite {
		if err := os.WriteFile(file, frameOf(t, rec), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadFrame(bytes.NewReader(old), Limits{})
	if err != nil || Digest(got) != Digest(rec) {
		t.Fatalf("got %v, %v", got, err)
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, s := range shapes() {
		f.Add(frameOf(f, encodeRows(f, s.codec(f), s.rows))[frameHeader:])
	}
	whole := frameOf(f, innerRecord(f))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	f.Add(frameOf(f, foreign(f, "v", dict, `["a", null, "b"]`))[frameHeader:])
	for _, body := range lies(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ReadFrame(bytes.NewReader(body), Limits{Bytes: 1 << 20})
		rec, err := readSealed(t, body)
		if err != nil {
			return
		}
		for _, s := range shapes() {
			c := s.codec(t)
			if p, err := c.Project(rec.Schema()); err == nil {
				n := int(rec.NumRows())
				rows := reflect.MakeSlice(reflect.SliceOf(s.t), n, n)
				if p.Decode(rows.UnsafePointer(), n, rec) == nil {
					encodeRows(t, c, rows)
				}
			}
		}
	})
}
