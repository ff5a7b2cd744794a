package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

func open(t testing.TB, u string) *Source {
	t.Helper()
	s, err := openSource(endpoint[string](t, u))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan(t testing.TB, s *Source, from dstream.Offsets, limit dstream.Limit) dstream.Range {
	t.Helper()
	r, err := s.Plan(context.Background(), from, limit)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(s *Source, splits ...dstream.Split) (rows []string, bad []dstream.BadRecord, err error) {
	b, err := rdd.NewBuilder[string](10, func(c rdd.Chunk) bool {
		rows = append(rows, c.(*rdd.Rows[rdd.None, string]).Vals...)
		return true
	})
	if err != nil {
		return nil, nil, err
	}
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { bad = append(bad, r); return nil }}
	for _, c := range splits {
		if _, err := s.Read(context.Background(), c, to); err != nil {
			return rows, bad, err
		}
	}
	return rows, bad, b.Flush()
}

// aged puts a file whose content is its name, and that was modified some minutes after a moment.
func aged(t testing.TB, dir, name string, minutes int) {
	t.Helper()
	put(t, dir, name, name+"\n")
	at := time.Date(2026, 1, 1, 0, minutes, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
		t.Fatal(err)
	}
}

func names(t testing.TB, s *Source, r dstream.Range) string {
	t.Helper()
	rows, _, err := read(s, r.Splits...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows, " ")
}

func TestFilesComeOnceInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "files:"+dir)
	aged(t, dir, "c", 1)
	aged(t, dir, "b", 2)
	aged(t, dir, "a", 2)
	r := plan(t, s, nil, dstream.Limit{Rows: 2})
	if got := names(t, s, r); got != "c a" {
		t.Errorf("got %s", got)
	}
	aged(t, dir, "late", 0) // older than what was read, but not by an age
	aged(t, dir, "new", 9)
	r = plan(t, s, r.To, dstream.Limit{})
	if got := names(t, s, r); got != "late b new" {
		t.Errorf("got %s", got)
	}
	if r = plan(t, s, r.To, dstream.Limit{}); len(r.Splits) > 0 || r.Ended {
		t.Errorf("got %+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	r = plan(t, s, r.To, dstream.Limit{})
	aged(t, dir, "b", 10)
	if got := names(t, s, plan(t, s, r.To, dstream.Limit{})); got != "b" {
		t.Errorf("a name that came back: got %q", got)
	}
}

func TestOffsetsAreBoundedByAge(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "files:"+dir+"?age=10m")
	var at dstream.Offsets
	size := 0
	for i := range 60 {
		aged(t, dir, fmt.Sprint("f", i), i)
		r := plan(t, s, at, dstream.Limit{})
		if got := names(t, s, r); got != fmt.Sprint("f", i) {
			t.Fatalf("file %d: got %q", i, got)
		}
		if at = r.To; i == 15 {
			size = len(at)
		}
	}
	if len(at) > size+16 {
		t.Errorf("%d bytes of offsets behind 60 files, %d behind 16", len(at), size)
	}
	if runtime.GOOS != "linux" {
		return
	}
	for arrived, seen := int64(0), mustPlace(t, at).Seen; arrived <= seen; { // the system's clock has ticks of some ms
		aged(t, dir, "too-late", 20)
		st, err := os.Stat(filepath.Join(dir, "too-late"))
		if err != nil {
			t.Fatal(err)
		}
		arrived = changed(st)
	}
	if _, err := s.Plan(context.Background(), at, dstream.Limit{}); err == nil || !strings.Contains(err.Error(), "file too-late arrived, or was changed, after") {
		t.Errorf("got %v", err)
	}
	aged(t, dir, "too-late", 61) // touched
	if got := names(t, s, plan(t, s, at, dstream.Limit{})); got != "too-late" {
		t.Errorf("got %q", got)
	}
}

func mustPlace(t *testing.T, at dstream.Offsets) place {
	t.Helper()
	p, err := parsePlace(at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOldFileThatArrivesDuringAnother(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "files:"+dir+"?age=10m")
	put(t, dir, "young", "1\n2\n3\n")
	aged(t, dir, "old", 1)
	at := time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "young"), at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "old"), filepath.Join(dir, ".old")); err != nil {
		t.Fatal(err)
	}
	got := ""
	var from dstream.Offsets
	for i := range 6 {
		r := plan(t, s, from, dstream.Limit{Rows: 1})
		got += names(t, s, r) + ";"
		if from = r.To; i == 0 {
			if err := os.Rename(filepath.Join(dir, ".old"), filepath.Join(dir, "old")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got != "1;2;3;old;;;" {
		t.Errorf("got %s", got)
	}
}

func TestBoundedIsWhatWasThereAtFirst(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "files:"+dir+"?bounded=true")
	if r := plan(t, s, nil, dstream.Limit{}); !r.Ended || len(r.Splits) > 0 {
		t.Errorf("an empty folder: %+v", r)
	}
	aged(t, dir, "a", 1)
	aged(t, dir, "b", 2)
	first := plan(t, s, nil, dstream.Limit{Rows: 1})
	if first.Ended {
		t.Error("ended before its end")
	}
	aged(t, dir, "c", 3)
	r := plan(t, s, first.To, dstream.Limit{})
	if got := names(t, s, r); got != "b" || !r.Ended {
		t.Errorf("got %s, ended %v", got, r.Ended)
	}
}

func TestChangedFilesAreErrors(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"has changed since it was planned": func(path string) error { return os.WriteFile(path, []byte("longer than it was\n"), 0o600) },
		"cannot be read":                   os.Remove,
		"bytes 0 to 8 have changed": func(path string) error {
			st, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte("other67\nb\n"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, st.ModTime(), st.ModTime())
		},
	} {
		dir := t.TempDir()
		s := open(t, "files:"+dir)
		put(t, dir, "a.txt", "1234567\nb\n")
		r := plan(t, s, nil, dstream.Limit{Rows: 1})
		if err := change(filepath.Join(dir, "a.txt")); err != nil {
			t.Fatal(err)
		}
		_, _, err := read(s, r.Splits...)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "a.txt") {
			t.Errorf("read: got %v, want %q", err, name)
		}
		if name == "bytes 0 to 8 have changed" {
			continue // what is not read yet may be anything
		}
		if _, err = s.Plan(context.Background(), r.To, dstream.Limit{}); err == nil || !strings.Contains(err.Error(), "a.txt") {
			t.Errorf("plan: got %v", err)
		}
	}
}

func TestBadRecordsStandOnTheirLine(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.txt", strings.Repeat("good\n", 70_000)+"b\x00d\n"+strings.Repeat("good\n", 70_000)+"\xff")
	s := open(t, "files:"+dir+"?split=10000")
	rows, bad, err := read(s, plan(t, s, nil, dstream.Limit{}).Splits...)
	if err != nil || len(rows) != 140_000 || len(bad) != 2 {
		t.Fatalf("%d rows, %v, %v", len(rows), bad, err)
	}
	if bad[0].Position != "a.txt:70001" || bad[1].Position != "a.txt:140002" {
		t.Errorf("got %s and %s", bad[0].Position, bad[1].Position)
	}
}

func TestLongRecordIsOneBadRecord(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.txt", "a\n"+strings.Repeat("x", 3<<20)+"\nb\n")
	s := open(t, "files:"+dir+"?split=1")
	rows, bad, err := read(s, plan(t, s, nil, dstream.Limit{}).Splits...)
	if err != nil || !slices.Equal(rows, []string{"a", "b"}) || len(bad) != 1 || len(bad[0].Bytes) != 1<<20 {
		t.Errorf("got %q, %d bad, %v", rows, len(bad), err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for u, want := range map[string]string{
		"files:" + dir + "?bouded=true": "bouded is not known",
		"files:" + dir + "?bounded=1":   "want true or false",
		"files:" + dir + "?pattern=[":   "syntax error",
		"files:" + dir + "/none":        "make the folder first",
		"files:" + dir + "?format=xml":  "format=xml is not known",
	} {
		if _, err := openSource(endpoint[string](t, u)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", u, err, want)
		}
	}
}

func TestFinishRemovesWhatOtherAttemptsLeft(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "000000000007-00000-feedfeedfeedfeed.txt", "stale\n")
	put(t, dir, "000000000006-00000-feedfeedfeedfeed.txt", "of another batch\n")
	s, err := openSink(endpoint[string](t, "files:"+dir+"?format=text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(context.Background(), dstream.WriteID{Batch: 7, Epoch: 3}, nil); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.txt"))
	if len(left) != 1 || !strings.Contains(left[0], "000000000006") {
		t.Errorf("left %v", left)
	}
	if err := s.Finish(context.Background(), dstream.WriteID{Batch: 8, Epoch: 2}, nil); err == nil || !strings.Contains(err.Error(), "epoch 3 has published") {
		t.Errorf("got %v", err)
	}
}

// FuzzRecordsEndWhereTheDecoderHasThem cuts a file in two at each end of a record that the source finds: the decoder must get
// the same rows out of the parts as out of the whole.
func FuzzRecordsEndWhereTheDecoderHasThem(f *testing.F) {
	f.Add("a,b\n1,\"x\ny\"\n2,\"\"\"\"\r\n\n3,x\"y\n\"open\n", true)
	f.Add("\"a\"x,\"b\nc\"\n,\"\"\n\"\r\n\"\n", true)
	f.Add("\ufeffone\ntwo\r\n\n", false)
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		dir, err := os.MkdirTemp("", "files") // TempDir's name has characters that a URL would need escaped
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		u := "files:" + dir + "?format=text"
		if csv {
			u = "files:" + dir + "?format=csv&header=false"
		}
		put(t, dir, "f", text)
		s := open(t, u)
		whole := plan(t, s, nil, dstream.Limit{})
		want, wantBad, err := read(s, whole.Splits...)
		if err != nil {
			t.Fatal(err)
		}
		s.split = 1
		got, bad, err := read(s, plan(t, s, nil, dstream.Limit{}).Splits...)
		if err != nil || !slices.Equal(got, want) || len(bad) != len(wantBad) {
			t.Errorf("%q: in parts %q and %d bad, as a whole %q and %d bad, %v", text, got, len(bad), want, len(wantBad), err)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	line := strings.Repeat("x", 252) + "\n"
	put(b, dir, "f", strings.Repeat(line, 100_000))
	s := open(b, "files:"+dir)
	b.SetBytes(int64(100_000 * len(line)))
	for b.Loop() {
		plan(b, s, nil, dstream.Limit{})
	}
}
