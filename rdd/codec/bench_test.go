package codec

import (
	"bytes"
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

type (
	event7 struct{ UserID, PageID, AdID, AdType, EventType, EventTime, IP string }
	event3 struct {
		Ad, Type string
		At       int64
	}
	eventAt struct {
		Ad, Type string
		At       time.Time
	}
)

const benchRows = 4096

func events7() []event7 {
	rows := make([]event7, benchRows)
	for i := range rows {
		id := func(k int) string { return fmt.Sprintf("%08x-1234-5678-9abc-%012x", i*k, i) }
		rows[i] = event7{id(1), id(3), id(7), "banner", "view", fmt.Sprint(1_700_000_000_000 + i), "1.2.3.4"}
	}
	return rows
}

func events3() []event3 {
	rows := make([]event3, benchRows)
	for i, e := range events7() {
		rows[i] = event3{e.AdID, e.EventType, int64(i)}
	}
	return rows
}

func eventsAt() []eventAt {
	rows := make([]eventAt, benchRows)
	for i, e := range events7() {
		rows[i] = eventAt{e.AdID, e.EventType, time.UnixMicro(int64(i))}
	}
	return rows
}

func BenchmarkEncode(b *testing.B) {
	b.Run("7strings", func(b *testing.B) { benchmarkEncode(b, events7()) })
	b.Run("2strings_int64", func(b *testing.B) { benchmarkEncode(b, events3()) })
	b.Run("2strings_time", func(b *testing.B) { benchmarkEncode(b, eventsAt()) })
}

// The plain Go loop that lays out the same two text columns and the integers.
func BenchmarkEncodeBare(b *testing.B) {
	rows := events3()
	for b.Loop() {
		o1, o2, at := make([]int32, len(rows)+1), make([]int32, len(rows)+1), make([]int64, len(rows))
		var t1, t2 []byte
		for i := range rows {
			t1, t2 = append(t1, rows[i].Ad...), append(t2, rows[i].Type...)
			o1[i+1], o2[i+1], at[i] = int32(len(t1)), int32(len(t2)), rows[i].At
		}
	}
	perRow(b, len(rows))
}

func benchmarkEncode[T any](b *testing.B, rows []T) {
	c, err := Of[T]()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(unsafe.Pointer(&rows[0]), len(rows)); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, len(rows))
}

func BenchmarkDecode(b *testing.B) {
	b.Run("7strings", func(b *testing.B) { benchmarkDecode(b, events7()) })
	b.Run("2strings_int64", func(b *testing.B) { benchmarkDecode(b, events3()) })
	b.Run("2strings_time", func(b *testing.B) { benchmarkDecode(b, eventsAt()) })
}

func benchmarkDecode[T any](b *testing.B, rows []T) {
	c, rec := encoded(b, rows)
	cols := rec.Columns()
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Decode(unsafe.Pointer(&rows[0]), len(rows), cols); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, len(rows))
}

func BenchmarkFrame(b *testing.B) {
	_, rec := encoded(b, events7())
	frame := frameOf(b, rec)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			frame, _ = AppendFrame(frame[:0], rec)
		}
		b.SetBytes(int64(len(frame)))
		perRow(b, benchRows)
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadFrame(bytes.NewReader(frame), Limits{}); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(frame)))
		perRow(b, benchRows)
	})
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			Digest(rec)
		}
		b.SetBytes(int64(len(frame)))
		perRow(b, benchRows)
	})
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func encoded[T any](t testing.TB, rows []T) (*Codec, arrow.Record) {
	t.Helper()
	c, err := Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Encode(c, rows)
	if err != nil {
		t.Fatal(err)
	}
	return c, rec
}

// TestDecodeAllocations decodes into reused rows: nothing is allocated for a flat row,
// and one buffer a column where rows own what they point to.
func TestDecodeAllocations(t *testing.T) {
	decodeAllocations(t, events7(), 0)
	decodeAllocations(t, eventsAt(), 0)
	decodeAllocations(t, make([]everything, 4096), 1)
	full := make([]lists, 4096)
	for i := range full {
		full[i] = lists{S: []string{"a"}, I: []int64{1}, F: flags{"f"}, N: []inner{{D: []string{"x"}}}, X: [][]byte{{1}}}
	}
	decodeAllocations(t, full, 40)
	decodeAllocations(t, slicesOf(4096, nullable{I: ptr(1), S: ptr("s"), N: &inner{D: []string{"d"}}}), 40)
	decodeAllocations(t, slicesOf(4096, arrays{L: [2][]string{{"a"}}}), 20)
}

func slicesOf[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func decodeAllocations[T any](t *testing.T, rows []T, most float64) {
	t.Helper()
	c, rec := encoded(t, rows)
	p, err := c.Project(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	cols := rec.Columns()
	base := unsafe.Pointer(&rows[0])
	for name, decode := range map[string]func() error{
		"Codec":      func() error { return c.Decode(base, len(rows), cols) },
		"Projection": func() error { return p.Decode(base, len(rows), rec) },
	} {
		n := testing.AllocsPerRun(10, func() {
			if err := decode(); err != nil {
				t.Fatal(err)
			}
		})
		if n > most || most/float64(len(rows)) >= 0.01 {
			t.Errorf("%s of %s: %v allocations for %d rows, at most %v", name, c.Type, n, len(rows), most)
		}
	}
}

// TestEncodeAllocations: a few an array, none a row.
func TestEncodeAllocations(t *testing.T) {
	encodeAllocations(t, events7(), 80)
	encodeAllocations(t, slicesOf(4096, lists{S: []string{"a", "b"}, N: []inner{{D: []string{"x"}}, {}}, X: [][]byte{{1}}}), 250)
	encodeAllocations(t, slicesOf(4096, arrays{L: [2][]string{{"a"}}}), 120)
	encodeAllocations(t, slicesOf(4096, map[string]int{"a": 1, "b": 2}), 40)
	encodeAllocations(t, slicesOf(4096, nullable{I: ptr(1), N: &inner{A: "a"}}), 250)
}

func encodeAllocations[T any](t *testing.T, rows []T, most float64) {
	t.Helper()
	c, _ := encoded(t, rows)
	n := testing.AllocsPerRun(10, func() {
		if _, err := c.Encode(unsafe.Pointer(&rows[0]), len(rows)); err != nil {
			t.Fatal(err)
		}
	})
	if n > most {
		t.Errorf("%s: %v allocations for %d rows, at most %v", c.Type, n, len(rows), most)
	}
}
