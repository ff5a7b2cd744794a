package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/store"
)

// Run tests a store. Each call of open returns a new handle on one and the same
// store, which is empty at first and may be given up after the test; Run closes
// the handles.
func Run(t *testing.T, open func() store.Store) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"Create", testCreate},
		{"CreateRace", testCreateRace},
		{"Publish", testPublish},
		{"PublishFails", testPublishFails},
		{"List", testList},
		{"Open", testOpen},
		{"Remove", testRemove},
		{"Log", testLog},
		{"Settle", testSettle},
		{"Names", testNames},
		{"Beat", testBeat},
		{"Lock", testLock},
		{"Acquire", testAcquire},
		{"Zombie", testZombie},
		{"Writers", testWriters},
		{"ReadWhileWritten", testReadWhileWritten},
		{"Large", testLarge},
		{"Await", testAwait},
		{"Forget", testForget},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{T: t, open: open}
			c.test(s)
		})
	}
}

type suite struct {
	*testing.T
	open func() store.Store
}

// opened opens the store until the end of the test.
func (s *suite) opened() store.Store {
	st := s.open()
	s.Cleanup(func() { s.ok(st.Close()) })
	return st
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want %v", err, want)
	}
}

func (s *suite) body(st store.Store, name, want string) {
	s.Helper()
	b, err := store.ReadFile(st, name)
	s.ok(err)
	if string(b) != want {
		s.Fatalf("%s holds %q, want %q", name, b, want)
	}
}

func (s *suite) names(st store.Store, folder string, want ...string) {
	s.Helper()
	es, err := st.List(folder)
	s.ok(err)
	var got []string
	for _, e := range es {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("%s lists %q, want %q", folder, got, want)
	}
}

func testCreate(s *suite) {
	a, b := s.opened(), s.opened()
	s.ok(a.Create("create/deep/er/x", []byte("one")))
	s.is(a.Create("create/deep/er/x", []byte("two")), fs.ErrExist)
	s.is(b.Create("create/deep/er/x", []byte("two")), fs.ErrExist)
	s.body(b, "create/deep/er/x", "one")
	s.ok(a.Create("create/empty", nil))
	s.body(b, "create/empty", "")
}

func testCreateRace(s *suite) {
	const racers = 16
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for i := range racers {
		st := s.opened()
		wg.Go(func() { errs[i] = st.Create("race/x", fmt.Append(nil, i)) })
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil && winner >= 0 {
			s.Fatalf("both %d and %d created race/x", winner, i)
		}
		if err == nil {
			winner = i
			continue
		}
		s.is(err, fs.ErrExist)
	}
	s.body(s.opened(), "race/x", fmt.Sprint(winner))
}

func testPublish(s *suite) {
	a, b := s.opened(), s.opened()
	s.ok(store.WriteFile(a, "publish/x", []byte("one")))
	r, err := b.Open("publish/x")
	s.ok(err)
	defer r.Close()
	s.ok(store.WriteFile(a, "publish/x", []byte("three")))
	s.body(b, "publish/x", "three")
	old := make([]byte, r.Size())
	if n, err := r.ReadAt(old, 0); n != len(old) {
		s.Fatal(err)
	}
	if string(old) != "one" {
		s.Fatalf("an open reader sees %q after a new publish, want %q", old, "one")
	}
	s.ok(a.Publish("publish/big", func(w io.Writer) error {
		for i := range 300 {
			if _, err := w.Write(bytes.Repeat([]byte{byte(i)}, 4000)); err != nil {
				return err
			}
		}
		return nil
	}))
	e, err := b.Stat("publish/big")
	s.ok(err)
	if e != (store.Entry{Name: "publish/big", Size: 300 * 4000}) {
		s.Fatalf("stat says %+v", e)
	}
}

func testPublishFails(s *suite) {
	st, boom := s.opened(), errors.New("boom")
	half := func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		return boom
	}
	s.is(st.Publish("fails/x", half), boom)
	s.names(st, "fails")
	s.ok(store.WriteFile(st, "fails/x", []byte("whole")))
	s.is(st.Publish("fails/x", half), boom)
	s.body(st, "fails/x", "whole")
}

func testList(s *suite) {
	st := s.opened()
	s.names(st, "list")
	for _, n := range []string{"list/b", "list/a", "list/sub/c", "list/a.x"} {
		s.ok(st.Create(n, []byte(n)))
	}
	s.names(st, "list", "list/a", "list/a.x", "list/b")
	s.names(st, "list/sub", "list/sub/c")
	es, err := st.List("list/sub")
	s.ok(err)
	if es[0].Size != int64(len("list/sub/c")) {
		s.Fatalf("size %d", es[0].Size)
	}
}

func testOpen(s *suite) {
	st := s.opened()
	_, err := st.Open("open/none")
	s.is(err, fs.ErrNotExist)
	_, err = st.Stat("open/none")
	s.is(err, fs.ErrNotExist)
	s.ok(st.Create("open/x", []byte("0123456789")))
	r, err := st.Open("open/x")
	s.ok(err)
	defer r.Close()
	b := make([]byte, 4)
	if n, err := r.ReadAt(b, 3); n != 4 || string(b) != "3456" {
		s.Fatalf("read %q, %v", b[:n], err)
	}
	if n, err := r.ReadAt(b, 8); n != 2 || err != io.EOF || string(b[:n]) != "89" {
		s.Fatalf("read past the end: %q, %v", b[:n], err)
	}
	if r.Size() != 10 {
		s.Fatalf("size %d", r.Size())
	}
}

func testRemove(s *suite) {
	a, b := s.opened(), s.opened()
	s.ok(a.Create("remove/x", nil))
	s.ok(b.Remove("remove/x"))
	s.is(a.Remove("remove/x"), fs.ErrNotExist)
	s.names(a, "remove")
	s.ok(a.Create("remove/x", []byte("again")))
	s.body(b, "remove/x", "again")
}

func testNames(s *suite) {
	st := s.opened()
	for _, n := range []string{"", ".", "/etc/x", "../x", "a/../../x", "a//b", "a/", "./a"} {
		s.is(st.Create(n, nil), fs.ErrInvalid)
		_, err := st.Open(n)
		s.is(err, fs.ErrInvalid)
		_, err = st.Stat(n)
		s.is(err, fs.ErrInvalid)
		_, err = st.Log(n, nil)
		s.is(err, fs.ErrInvalid)
		s.is(store.WriteFile(st, n, nil), fs.ErrInvalid)
		s.is(st.Remove(n), fs.ErrInvalid)
	}
}

func testBeat(s *suite) {
	a, b := s.opened(), s.opened()
	for i := range 5 {
		body := fmt.Sprintf("%010d", i)
		s.ok(a.Beat("beat/x", []byte(body)))
		s.body(b, "beat/x", body)
	}
}

func testLock(s *suite) {
	a, b := s.opened(), s.opened()
	c, err := a.Lock("locks")
	if errors.Is(err, errors.ErrUnsupported) { // which is an answer: the beat decides then
		return
	}
	s.ok(err)
	_, err = b.Lock("locks")
	s.is(err, store.ErrLocked)
	_, err = a.Lock("locks")
	s.is(err, store.ErrLocked)
	s.ok(c.Close())
	c, err = b.Lock("locks")
	s.ok(err)
	s.ok(c.Close())
}

func testAcquire(s *suite) {
	a, b := s.opened(), s.opened()
	o := options()
	first, err := store.Acquire(context.Background(), a, o)
	s.ok(err)
	s.ok(first.Check())
	o.Takeover = true
	second, err := store.Acquire(context.Background(), b, o)
	s.ok(err)
	s.ok(second.Check())
	if _, own := a.(store.Fencer); !own {
		s.is(first.Check(), store.ErrFenced)
	}
	<-first.Lost()
	s.is(first.Check(), store.ErrFenced)
	if first.Epoch() != 1 || second.Epoch() != 2 {
		s.Fatalf("epochs %d, %d", first.Epoch(), second.Epoch())
	}
	if m := second.Meta(); m != first.Meta() || m.KeyGroups != 64 || m.Format != store.Format {
		s.Fatalf("meta %+v, %+v", first.Meta(), m)
	}
	s.ok(first.Release())
	s.ok(second.Release())
	o.Takeover = false
	third, err := store.Acquire(context.Background(), a, o)
	s.ok(err)
	s.ok(third.Release())
	o.Meta.Job = "another"
	_, err = store.Acquire(context.Background(), a, o)
	if !errors.As(err, new(*store.OtherJobError)) {
		s.Fatalf("another job's checkpoint: %v", err)
	}
}

// options of a driver whose beat is looked at often.
func options() store.LockOptions {
	return store.LockOptions{Meta: store.Meta{Job: "conformance", KeyGroups: 64, Engine: "1.2.3"}, Interval: 100 * time.Millisecond, Patience: 2 * time.Second}
}
