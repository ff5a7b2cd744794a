package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// lines reads splits as text.
func lines(t testing.TB, s *Source, splits ...dstream.Split) ([]string, error) {
	t.Helper()
	var rows []string
	b, err := rdd.NewBuilder[string](10, func(c rdd.Chunk) bool {
		rows = append(rows, c.(*rdd.Rows[rdd.None, string]).Vals...)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { return errors.New(r.Reason) }}
	for _, c := range splits {
		if _, err := s.Read(context.Background(), c, to); err != nil {
			return rows, err
		}
	}
	return rows, b.Flush()
}

// until plans until want lines have come, and returns them.
func until(t testing.TB, s *Source, from dstream.Offsets, want int) ([]string, dstream.Offsets) {
	t.Helper()
	var all []string
	for deadline := time.Now().Add(20 * time.Second); len(all) < want; {
		r, err := s.Plan(context.Background(), from, dstream.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := lines(t, s, r.Splits...)
		if err != nil {
			t.Fatal(err)
		}
		all, from = append(all, rows...), r.To
		if time.Now().After(deadline) {
			t.Fatalf("%d lines came, want %d", len(all), want)
		}
	}
	return all, from
}

// hurried is a source that does not pause between connections.
func hurried(t testing.TB, address, parameters, scratch string) *Source {
	t.Helper()
	s, err := openAs[string](address, parameters, scratch)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return s
}

func TestConnectsAgain(t *testing.T) {
	address := serve(t, "one\ntwo", "three\r\n", "\nfour\n")
	s := hurried(t, address, "format=text", t.TempDir())
	got, _ := until(t, s, nil, 5)
	if want := []string{"one", "two", "three", "", "four"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPausesGrow(t *testing.T) {
	dir := t.TempDir()
	s, err := openAs[string]("127.0.0.1:0", "format=text", dir) // nobody listens there
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var pauses []time.Duration
	enough := make(chan struct{})
	s.pause = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		if pauses = append(pauses, d); len(pauses) == 8 {
			close(enough)
			<-ctx.Done()
		}
		return ctx.Err()
	}
	if _, err := s.Plan(context.Background(), nil, dstream.Limit{}); err != nil {
		t.Fatal(err)
	}
	<-enough
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if want := "[100ms 200ms 400ms 800ms 1.6s 3.2s 5s 5s]"; fmt.Sprint(pauses) != want {
		t.Errorf("got %v, want %s", pauses, want)
	}
}

func TestCommittedSegmentsGo(t *testing.T) {
	dir := t.TempDir()
	var texts []string
	for i := range 40 {
		texts = append(texts, strings.Repeat(fmt.Sprintf("line %02d\n", i), 8))
	}
	s := hurried(t, serve(t, texts...), "format=text", dir)
	defer s.Close()
	_, at := until(t, s, nil, 320)
	before, err := segments(dir)
	if err != nil || len(before) < 5 {
		t.Fatalf("segments %v, %v", before, err)
	}
	half := []byte(fmt.Sprint(before[2] + 1))
	if err := s.Committed(context.Background(), half); err != nil {
		t.Fatal(err)
	}
	if after, _ := segments(dir); !slices.Equal(after, before[2:]) {
		t.Errorf("left %v of %v", after, before)
	}
	if err := s.Committed(context.Background(), at); err != nil {
		t.Fatal(err)
	}
	if after, _ := segments(dir); len(after) != 1 {
		t.Errorf("left %v", after)
	}
	if _, err := lines(t, s, dstream.Split{From: 0, To: 100}); err == nil || !strings.Contains(err.Error(), "lacks bytes 0 to 100") {
		t.Errorf("got %v", err)
	}
}

func TestBacklogStopsReceiving(t *testing.T) {
	dir := t.TempDir()
	texts := make([]string, 50)
	for i := range texts {
		texts[i] = strings.Repeat("x", 99) + "\n"
	}
	s := hurried(t, serve(t, texts...), "format=text&backlog=1000", dir)
	s.segment = 100
	defer s.Close()
	got, at := until(t, s, nil, 11)
	if len(got) != 11 {
		t.Errorf("%d lines of 100 bytes came with a backlog of 1000", len(got))
	}
	for range 3 {
		if r, err := s.Plan(context.Background(), at, dstream.Limit{}); err != nil || len(r.Splits) > 0 {
			t.Errorf("more came: %+v, %v", r, err)
		}
	}
	if err := s.Committed(context.Background(), at); err != nil {
		t.Fatal(err)
	}
	until(t, s, at, 8)
}

func TestTornTailIsCutOff(t *testing.T) {
	dir := t.TempDir()
	j, err := openJournal(dir, 1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []string{"a\n", "bb\n", "ccc\n"} {
		if err := j.append([]byte(l), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(segmentPath(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	for size := len(whole); size >= 0; size-- {
		if err := os.WriteFile(segmentPath(dir, 0), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		end := int64(0) // of the frames that are whole
		for rest := whole[:size]; ; {
			f, after, err := cutFrame(rest)
			if err != nil {
				break
			}
			end, rest = end+int64(len(f.payload)), after
		}
		if _, err := openJournal(dir, 1<<20, end+1); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("size %d: a log that is too short opened: %v", size, err)
		}
		j, err := openJournal(dir, 1<<20, end)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.append([]byte("new\n"), 0), j.close()); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		err = walk(dir, 0, end+4, func(f frame, _ int64) (bool, error) { got.Write(f.payload); return true, nil })
		if want := "a\nbb\nccc\n"[:end] + "new\n"; err != nil || got.String() != want {
			t.Errorf("size %d: got %q, want %q, %v", size, got.String(), want, err)
		}
	}
}

func TestDamageIsSeenByRead(t *testing.T) {
	dir := t.TempDir()
	s := hurried(t, serve(t, "one\ntwo\n"), "format=text", dir)
	until(t, s, nil, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(segmentPath(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(segmentPath(dir, 0), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lines(t, s, dstream.Split{From: 0, To: 8}); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestLogThatIsGone(t *testing.T) {
	s := hurried(t, "127.0.0.1:0", "format=text", t.TempDir())
	if _, err := s.Plan(context.Background(), []byte("17"), dstream.Limit{}); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct{ address, parameters, scratch, want string }{
		{"127.0.0.1:1", "", "", "give the job a checkpoint"},
		{"127.0.0.1", "", "x", "want socket://host:port"},
		{"127.0.0.1:1", "reconect=true", "x", "reconect is not known"},
		{"127.0.0.1:1", "reconnect=1", "x", "want true or false"},
		{"127.0.0.1:1", "format=csv&header=true", "x", "have no header"},
	} {
		if _, err := openAs[string](c.address, c.parameters, c.scratch); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// FuzzFrames decodes foreign bytes, and what was encoded of them.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, []byte("a\n"), overlong))
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, rest, err := cutFrame(b)
		if err == nil && len(got.payload)+len(rest)+headBytes != len(b) {
			t.Errorf("%d bytes became %d and %d", len(b), len(got.payload), len(rest))
		}
		if len(b) == 0 {
			return
		}
		got, rest, err = cutFrame(append(appendFrame(nil, b, 0), 'x'))
		if err != nil || !bytes.Equal(got.payload, b) || got.long || string(rest) != "x" {
			t.Errorf("%q came back as %q, %q, %v", b, got.payload, rest, err)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	j, err := openJournal(b.TempDir(), segmentBytes, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer j.close()
	r := &receiver{journal: j, backlog: 1 << 40}
	text := strings.Repeat(strings.Repeat("x", 99)+"\n", 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := r.copy(context.Background(), strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
