package storetest

import (
	"bytes"
	"io/fs"
	"strings"

	"github.com/tidemill/tidemill/driver/store"
)

// logBody reads a log without the zeros in which it may end.
func (s *suite) logBody(st store.Store, name, want string) {
	s.Helper()
	b, err := store.ReadFile(st, name)
	s.ok(err)
	if got := string(bytes.TrimRight(b, "\x00")); got != want {
		s.Fatalf("%s holds %q, want %q", name, got, want)
	}
}

func testLog(s *suite) {
	for _, folder := range []string{"log", "state"} {
		s.log(folder + "/x")
	}
}

func (s *suite) log(name string) {
	a, b := s.opened(), s.opened()
	l, err := a.Log(name, []byte("head;"))
	s.ok(err)
	s.body(b, name, "head;")
	_, err = b.Log(name, nil)
	s.is(err, fs.ErrExist)
	want := "head;"
	for i := range 20 {
		rec := strings.Repeat(string(rune('a'+i)), 1<<i%5000+1)
		want += rec
		s.ok(l.Append([]byte(rec[:1])))
		s.ok(l.Append([]byte(rec[1:])))
		s.ok(l.Sync())
		s.logBody(b, name, want)
	}
	s.ok(l.Close())
	s.body(b, name, want)
	if l.Append([]byte("x")) == nil || l.Sync() == nil || l.Close() == nil {
		s.Fatal("a closed log takes bytes")
	}
	s.body(b, name, want)
}

func testSettle(s *suite) {
	for _, folder := range []string{"settle", "log"} {
		s.settle(folder)
	}
}

func (s *suite) settle(folder string) {
	a, b := s.opened(), s.opened()
	l, err := a.Log(folder+"/settled", []byte("head;"))
	s.ok(err)
	s.ok(l.Append([]byte("good;torn")))
	s.ok(l.Sync()) // a store need not show what was not synced
	s.is(b.Settle(folder+"/none", 0, 0), fs.ErrNotExist)
	s.is(b.Settle(folder+"/settled", 5, 1<<30), fs.ErrInvalid)
	s.is(b.Settle(folder+"/settled", 6, 5), fs.ErrInvalid)
	s.logBody(b, folder+"/settled", "head;good;torn")
	s.ok(b.Settle(folder+"/settled", 5, 10))
	s.body(a, folder+"/settled", "head;good;")
	// The other process may still live, and close its end.
	s.ok(l.Close())
	got, err := store.ReadFile(a, folder+"/settled")
	s.ok(err)
	if !bytes.HasPrefix(got, []byte("head;good;")) {
		s.Fatalf("holds %q", got)
	}
}
