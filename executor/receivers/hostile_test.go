package receivers

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/tidemill/tidemill/dstream"
)

func frames(texts ...string) (out []byte) {
	for _, s := range texts {
		out = dstream.AppendFrame(out, []byte(s), false)
	}
	return out
}

func TestWrongCalls(t *testing.T) {
	w := newWorld(t, 1)
	d := w.driver(1, nil)
	d.append("a\n")
	d.sync()
	ok := request{Log: d.w.log, Epoch: 1, Segment: d.w.pieces[0].Segment, From: 2}
	torn := frames("b\n")
	torn[len(torn)-1] ^= 1
	for _, c := range []struct {
		name, method string
		change       func(*request)
		frames       []byte
		want         error
	}{
		{"too early", "Append", func(q *request) { q.From = 1 }, frames("b\n"), ErrPlace},
		{"too late", "Append", func(q *request) { q.From = 3 }, frames("b\n"), ErrPlace},
		{"another start", "Append", func(q *request) { q.Start = 1 }, frames("b\n"), ErrPlace},
		{"a segment that begins in the middle", "Append", func(q *request) { q.Segment.N = 99; q.Start = 1 }, frames("b\n"), ErrPlace},
		{"torn in transit", "Append", func(*request) {}, torn, ErrInvalid},
		{"half a frame", "Append", func(*request) {}, frames("b\n")[:9], ErrInvalid},
		{"a seal", "Append", func(*request) {}, frames(""), ErrInvalid},
		{"no epoch", "Append", func(q *request) { q.Epoch = 0 }, frames("b\n"), ErrInvalid},
		{"no job", "List", func(q *request) { q.Log.Job = "" }, nil, ErrInvalid},
		{"a long name", "List", func(q *request) { q.Log.Receiver = strings.Repeat("x", 201) }, nil, ErrInvalid},
		{"a negative incarnation", "List", func(q *request) { q.Log.Incarnation = -1 }, nil, ErrInvalid},
		{"a seal within a record", "Seal", func(q *request) { q.To = 1 }, nil, ErrPlace},
		{"a seal behind the end", "Seal", func(q *request) { q.To = 3 }, nil, ErrPlace},
		{"a seal of nothing", "Seal", func(q *request) { q.Segment.N = 99 }, nil, ErrGone},
	} {
		q := ok
		c.change(&q)
		if err := d.js.client.call(t.Context(), w.all[0].h, c.method, q, c.frames, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	d.append("b\n")
	wantRead(t, d.split(0, d.sync()), "a\nb\n")
	s := d.split(0, 4)
	s.To = 5
	if _, err := read(t, s); !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	if err := d.js.client.call(t.Context(), w.all[0].h, "Seal", request{Log: ok.Log, Epoch: 1, Segment: ok.Segment, To: 2}, nil, nil); err != nil {
		t.Error(err)
	}
	if err := d.js.client.call(t.Context(), w.all[0].h, "Append", ok, frames("b\n"), nil); !errors.Is(err, ErrPlace) {
		t.Errorf("behind a seal: %v", err)
	}
}

// TestNamesStayInside: no name leads out of the folder.
func TestNamesStayInside(t *testing.T) {
	for _, name := range []string{"..", ".", "a/../../b", "/etc", "a\x00b", "ü", "claim"} {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		q := request{Log: Log{name, name, 1}, Epoch: 1, Segment: Segment{1, 1}}
		if _, err := NewServer(root).append(q, frames("x")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(dir + "/" + folderName(name) + "/" + folderName(name)); err != nil {
			t.Error(err)
		}
		root.Close()
	}
}

func TestForeignOffsets(t *testing.T) {
	js := NewReader(nil)
	defer js.Close()
	for _, s := range []string{"17", "x", "null", `{"at":-1}`, `{"at":1,"lost":[{"from":3,"to":2}]}`} {
		if _, err := js.Journal("lines").Place([]byte(s)); err == nil {
			t.Errorf("%s: no error", s)
		}
	}
	if err := js.Journal("lines").Read(t.Context(), dstream.Split{To: 1}, nil); err == nil || !strings.Contains(err.Error(), "--fresh") {
		t.Errorf("got %v", err)
	}
}

// FuzzPacket decodes foreign bytes as a message, and as what each call does with it.
func FuzzPacket(f *testing.F) {
	for _, p := range []*packet{newPacket(request{Log: Log{"j", "r", 1}, Epoch: 1, Segment: Segment{1, 1}}, frames("a")), newPacket(answer{3}, frames("a", "b"))} {
		b, _ := codec{}.Marshal(p)
		f.Add(b.Materialize())
	}
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packet
		if (codec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, &p) != nil {
			return
		}
		_, _ = p.records(func(dstream.JournalRecord) (bool, error) { return true, nil })
		var q request
		if p.into(&q) != nil {
			return
		}
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		s := NewServer(root)
		for _, call := range []func(request, []byte) (any, error){s.append, s.list, s.seal, s.remove} {
			_, _ = call(q, p.frames)
		}
		_ = s.read(q, func(int64, []byte) error { return nil })
	})
}

// FuzzFile lets foreign bytes lie where a segment should.
func FuzzFile(f *testing.F) {
	good := frames(`{"start":3,"until":0}`, "abc", "d")
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), frames("", "behind the seal")...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		s := NewServer(root)
		q := request{Log: Log{"j", "r", 1}, Epoch: 1, Segment: Segment{1, 1}}
		if _, err := s.list(q, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/j/r/"+q.Segment.file(1), b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := s.list(q, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range out.(listing).Segments {
			q.Start, q.From, q.To = h.Start, h.Start, h.End
			n := int64(0)
			if err := s.read(q, func(_ int64, b []byte) error { m, err := payloadOf(b); n += m; return err }); err != nil || n != h.End-h.Start {
				t.Errorf("%+v: read %d bytes, %v", h, n, err)
			}
			q.From = h.End
			if _, err := s.append(q, frames("more")); (err == nil) == h.Sealed {
				t.Errorf("%+v: append: %v", h, err)
			}
		}
	})
}

func FuzzPosition(f *testing.F) {
	f.Add([]byte(`{"at":3,"holders":[{"name":"a","address":"b"}],"lost":[{"from":1,"to":2}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parsePosition(b); err == nil {
			if q, err := parsePosition(encode(p)); err != nil || q.At != p.At {
				t.Errorf("%s became %s, %v", b, encode(p), err)
			}
		}
		_, _ = parseBody(b)
	})
}
