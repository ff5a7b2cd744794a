package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

func record(c *Codec, cols []arrow.Array, n int) arrow.Record {
	return array.NewRecord(c.Schema(), cols, int64(n))
}

// TestRoundTrip takes rows through columns, slices of columns and frames.
func TestRoundTrip(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.t.String(), func(t *testing.T) {
			c := s.codec(t)
			for _, rows := range []reflect.Value{s.rows, s.rows.Slice(0, 0), s.rows.Slice(1, 2), repeated(s.rows, 70)} {
				roundTrip(t, c, rows, s.rows)
			}
		})
	}
}

// repeated is rows over and over again, to n.
func repeated(rows reflect.Value, n int) reflect.Value {
	out := reflect.MakeSlice(rows.Type(), n, n)
	for i := range n {
		out.Index(i).Set(rows.Index(i * 7 / 3 % rows.Len()))
	}
	return out
}

func roundTrip(t testing.TB, c *Codec, rows, over reflect.Value) {
	t.Helper()
	rec := encodeRows(t, c, rows)
	for i, col := range rec.Columns() {
		if err := verify(col.Data()); err != nil {
			t.Fatalf("column %d: %v", i, err)
		}
	}
	got := decodeRows(t, c, rec, over)
	if !same(got, rows) {
		t.Fatalf("got %v\nwant %v", got, rows)
	}
	framed := reframe(t, rec)
	if got := decodeRows(t, c, framed, over); !same(got, rows) {
		t.Fatalf("from a frame: got %v\nwant %v", got, rows)
	}
	if a, b := Digest(rec), Digest(framed); a != b {
		t.Fatalf("digest %x after a frame, %x before", b, a)
	}
	for lo := 0; lo < rows.Len(); lo += 1 + lo/2 {
		hi := max(lo, rows.Len()-lo/3)
		part := rec.NewSlice(int64(lo), int64(hi))
		want := rows.Slice(lo, hi)
		if got := decodeRows(t, c, part, over); !same(got, want) {
			t.Fatalf("rows %d to %d: got %v\nwant %v", lo, hi, got, want)
		}
		alone := encodeRows(t, c, want)
		if a, b := Digest(part), Digest(alone); a != b {
			t.Fatalf("rows %d to %d: digest %x as a slice, %x alone", lo, hi, a, b)
		}
		if got := decodeRows(t, c, reframe(t, part), over); !same(got, want) {
			t.Fatalf("rows %d to %d from a frame: got %v\nwant %v", lo, hi, got, want)
		}
	}
	clone := reflect.MakeSlice(rows.Type(), rows.Len(), rows.Len())
	reflect.Copy(clone, got)
	c.Clone(clone.UnsafePointer(), clone.Len())
	if !same(clone, rows) {
		t.Fatalf("clone %v\nwant %v", clone, rows)
	}
}

func reframe(t testing.TB, rec arrow.Record) arrow.Record {
	t.Helper()
	frame, err := AppendFrame([]byte("before"), rec)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ReadFrame(bytes.NewReader(frame[len("before"):]), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCloneOwns writes to everything a clone points to and looks at the original.
func TestCloneOwns(t *testing.T) {
	for _, s := range shapes() {
		c := s.codec(t)
		rec := encodeRows(t, c, s.rows)
		original := decodeRows(t, c, rec, s.rows)
		clone := reflect.MakeSlice(original.Type(), original.Len(), original.Len())
		reflect.Copy(clone, original)
		c.Clone(clone.UnsafePointer(), clone.Len())
		if shared := sharing(original, clone, s.t.String()); shared != "" && !c.Flat {
			t.Errorf("%s is shared with the clone", shared)
		}
	}
}

// sharing is the path of a reference that a and b have in common.
func sharing(a, b reflect.Value, path string) string {
	switch a.Kind() {
	case reflect.Pointer, reflect.Map:
		if !a.IsNil() && a.UnsafePointer() == b.UnsafePointer() && (a.Kind() == reflect.Map || a.Type().Elem().Size() > 0) {
			return path
		}
		if a.Kind() == reflect.Map {
			for it := a.MapRange(); it.Next(); {
				if s := sharing(it.Value(), b.MapIndex(it.Key()), path+"[]"); s != "" {
					return s
				}
			}
		} else if !a.IsNil() {
			return sharing(a.Elem(), b.Elem(), path)
		}
	case reflect.Slice:
		if path != "" && a.Len() > 0 && a.Type().Elem().Size() > 0 && a.UnsafePointer() == b.UnsafePointer() {
			return path
		}
		fallthrough
	case reflect.Array:
		for i := range a.Len() {
			if s := sharing(a.Index(i), b.Index(i), path+"[]"); s != "" {
				return s
			}
		}
	case reflect.Struct:
		for i := 0; i < a.NumField() && a.Type() != timeType; i++ {
			if s := sharing(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name); s != "" {
				return s
			}
		}
	}
	return ""
}

// TestStringsOutliveRecord drops all but the decoded rows.
func TestStringsOutliveRecord(t *testing.T) {
	c, _ := Of[inner]()
	var rows []inner
	for i := range 1000 {
		rows = append(rows, inner{A: fmt.Sprint("a", i), D: []string{fmt.Sprint("d", i)}, C: ptr(float64(i))})
	}
	rec, err := Encode(c, rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode[inner](c, rec)
	rec = nil
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		runtime.GC()
		_ = make([]byte, 1<<20)
	}
	if !reflect.DeepEqual(got, rows) {
		t.Fatal("rows changed after a collection")
	}
}

// TestAppendStaysOwn appends to decoded slices, which must not reach their neighbours.
func TestAppendStaysOwn(t *testing.T) {
	c, _ := Of[lists]()
	rec, err := Encode(c, []lists{{S: []string{"a"}, X: [][]byte{{1}}}, {S: []string{"b"}, X: [][]byte{{2}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, clone := range []bool{false, true} {
		got, err := Decode[lists](c, rec)
		if err != nil {
			t.Fatal(err)
		}
		if clone {
			c.Clone(reflect.ValueOf(got).UnsafePointer(), len(got))
		}
		_ = append(got[0].S, "new")
		_ = append(got[0].X[0], 9)
		if got[1].S[0] != "b" || got[1].X[0][0] != 2 {
			t.Fatal("append to one row changed the next")
		}
	}
}

// TestBlank: what has no column does not survive from the row that was there before.
func TestBlank(t *testing.T) {
	type inside struct {
		N struct {
			A int
			B *int `col:"-"`
		}
		C [4]byte `col:"-"`
	}
	c, rec := encoded(t, []inside{{}})
	full := inside{C: [4]byte{1}}
	full.N.B = ptr(1)
	rows := []inside{full}
	p, err := c.Project(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, decode := range []func() error{
		func() error { return c.Decode(reflect.ValueOf(rows).UnsafePointer(), 1, rec.Columns()) },
		func() error { return p.Decode(reflect.ValueOf(rows).UnsafePointer(), 1, rec) },
	} {
		rows[0] = full
		if err := decode(); err != nil || rows[0] != (inside{}) {
			t.Errorf("got %v, %v", rows[0], err)
		}
	}
}

// TestDigest tells contents apart, and only contents.
func TestDigest(t *testing.T) {
	type row struct {
		A, B *string
		L    []string
		F    bool
	}
	seen := map[uint64]string{}
	for i, rows := range [][]row{
		nil, {{}}, {{}, {}},
		{{A: ptr("")}}, {{B: ptr("")}}, {{A: ptr("a"), B: ptr("b")}}, {{A: ptr("ab"), B: ptr("")}}, {{A: ptr("a"), B: nil}},
		{{L: []string{"a", "b"}}}, {{L: []string{"ab"}}}, {{L: []string{"a"}}, {L: []string{"b"}}}, {{L: []string{"a", "b"}}, {}},
		{{F: true}}, {{F: true}, {}}, {{}, {F: true}},
	} {
		_, rec := encoded(t, rows)
		name := fmt.Sprint("rows ", i)
		if other, ok := seen[Digest(rec)]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[Digest(rec)] = name
	}
	_, ints := encoded(t, []int32{1, 2})
	_, uints := encoded(t, []uint32{1, 2})
	if Digest(ints) == Digest(uints) {
		t.Error("types make no difference")
	}
	const golden = 0x88b67d1a97fab85d
	_, rec := encoded(t, []inner{{"a", 1, ptr(2.0), []string{"d"}}, {}})
	if got := Digest(rec); got != golden {
		t.Errorf("digest %#x, in earlier releases %#x", got, uint64(golden))
	}
}
