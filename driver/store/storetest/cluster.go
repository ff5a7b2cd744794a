package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/store"
)

// What a driver appends that was taken over does not count: either its own Check
// says so, or the store refuses it. What it appended before is there.
func testZombie(s *suite) {
	a, b := s.opened(), s.opened()
	o := options()
	o.Takeover = true
	first, err := store.Acquire(context.Background(), a, o)
	s.ok(err)
	l, err := a.Log("log/zombie", []byte("head;"))
	s.ok(err)
	add := func(rec string) error {
		if err := errors.Join(l.Append([]byte(rec)), l.Sync()); err != nil {
			return err
		}
		return first.Check()
	}
	s.ok(add("before;"))
	second, err := store.Acquire(context.Background(), b, o)
	s.ok(err)
	s.logBody(b, "log/zombie", "head;before;")
	s.is(add("after;"), store.ErrFenced)
	if _, own := a.(store.Fencer); own {
		s.logBody(b, "log/zombie", "head;before;")
		s.is(store.WriteFile(a, "log/manifest", nil), store.ErrFenced)
		s.is(a.Remove("log/zombie"), store.ErrFenced)
		_, err = a.Log("log/new", nil)
		s.is(err, store.ErrFenced)
		s.names(b, "log", "log/settled", "log/x", "log/zombie")
	}
	s.ok(store.WriteFile(b, "log/manifest", nil))
	_ = l.Close()
	s.ok(first.Release())
	s.ok(second.Release())
}

// Processes write segments of their own at the same time, while others list them.
func testWriters(s *suite) {
	const writers, segments, records = 3, 2, 12
	record := func(w, i int) []byte { return bytes.Repeat([]byte{byte('a' + w)}, 1000*i+1) }
	stop, listed := make(chan struct{}), make(chan error)
	reader := s.opened()
	go func() { listed <- listing(reader, "state", stop) }()
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		st := s.opened()
		wg.Go(func() {
			for k := range segments {
				l, err := st.Log(fmt.Sprintf("state/%d.%d", w, k), nil)
				for i := 0; err == nil && i < records; i++ {
					err = errors.Join(l.Append(record(w, i)), l.Sync())
				}
				if err == nil {
					err = l.Close()
				}
				errs[w] = errors.Join(errs[w], err)
			}
		})
	}
	wg.Wait()
	close(stop)
	s.ok(errors.Join(append(errs, <-listed)...))
	for w := range writers {
		var want bytes.Buffer
		for i := range records {
			want.Write(record(w, i))
		}
		for k := range segments {
			s.body(reader, fmt.Sprintf("state/%d.%d", w, k), want.String())
			s.ok(reader.Remove(fmt.Sprintf("state/%d.%d", w, k)))
		}
	}
	es, err := reader.List("state")
	s.ok(err)
	if len(es) != 1 { // x of the test of logs
		s.Fatalf("left are %v", es)
	}
}

// listing lists a folder until it is told to stop: names only come, in order.
func listing(st store.Store, folder string, stop <-chan struct{}) error {
	for seen := 0; ; {
		es, err := st.List(folder)
		if err != nil || len(es) < seen {
			return fmt.Errorf("listed %d names after %d: %w", len(es), seen, err)
		}
		seen = len(es)
		for i := range es[min(1, seen):] {
			if es[i].Name >= es[i+1].Name {
				return fmt.Errorf("%q stands before %q", es[i].Name, es[i+1].Name)
			}
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

// A reader sees a log as it was when it was opened, and what was synced then.
func testReadWhileWritten(s *suite) {
	a, b := s.opened(), s.opened()
	for _, name := range []string{"state/reading", "logs/reading"} {
		l, err := a.Log(name, nil)
		s.ok(err)
		var all []byte
		for i := range 12 {
			rec := bytes.Repeat([]byte{byte('a' + i)}, 100_000+i)
			all = append(all, rec...)
			s.ok(l.Append(rec))
			s.ok(l.Sync())
			r, err := b.Open(name)
			s.ok(err)
			s.ok(l.Append([]byte("not yet synced")))
			all = append(all, "not yet synced"...)
			got := make([]byte, len(all)-len("not yet synced"))
			if n, err := r.ReadAt(got, 0); n < len(got) || !bytes.Equal(got, all[:len(got)]) {
				s.Fatalf("%s: read %d of %d synced bytes, %v", name, n, len(got), err)
			}
			s.ok(r.Close())
		}
		s.ok(l.Close())
		s.ok(a.Remove(name))
	}
}

// Files and logs that are larger than what a store may move at once.
func testLarge(s *suite) {
	a, b := s.opened(), s.opened()
	body := make([]byte, 3<<20+17)
	for i := range body {
		body[i] = byte(i / 1000)
	}
	s.ok(a.Publish("tables/large", func(w io.Writer) error {
		for p := body; len(p) > 0; p = p[min(len(p), 70_001):] {
			if _, err := w.Write(p[:min(len(p), 70_001)]); err != nil {
				return err
			}
		}
		return nil
	}))
	s.bytes(b, "tables/large", body)
	r, err := b.Open("tables/large")
	s.ok(err)
	for _, at := range []int64{0, 1, 512<<10 - 3, 1 << 20, 3 << 20, 3<<20 + 16} {
		got := make([]byte, 40_000)
		n, err := r.ReadAt(got, at)
		if want := body[at:min(at+40_000, int64(len(body)))]; !bytes.Equal(got[:n], want) || n < len(got) && err != io.EOF {
			s.Fatalf("%d bytes at %d, %v", n, at, err)
		}
	}
	s.ok(r.Close())
	boom := errors.New("boom")
	s.is(a.Publish("tables/large", func(w io.Writer) error {
		_, err := w.Write(body[1:])
		return errors.Join(err, boom)
	}), boom)
	s.bytes(b, "tables/large", body)
	s.ok(store.WriteFile(a, "tables/large", body[:2<<20]))
	s.bytes(b, "tables/large", body[:2<<20])
	s.ok(b.Remove("tables/large"))
	for _, name := range []string{"receivers/large", "logs/large"} {
		l, err := a.Log(name, body)
		s.ok(err)
		s.ok(l.Append(body))
		s.ok(l.Sync())
		s.ok(l.Close())
		s.bytes(b, name, append(bytes.Clone(body), body...))
		s.ok(b.Settle(name, 1<<20, 2<<20))
		s.bytes(b, name, body[:2<<20])
		s.ok(b.Remove(name))
	}
}

func (s *suite) bytes(st store.Store, name string, want []byte) {
	s.Helper()
	got, err := store.ReadFile(st, name)
	s.ok(err)
	if !bytes.Equal(got, want) {
		s.Fatalf("%s holds %d other bytes than the %d that were written", name, len(got), len(want))
	}
}

// Two standbys wait for a holder that lives; when it leaves, one takes its place,
// and the other goes on waiting, for that one.
func testAwait(s *suite) {
	holder, err := store.Acquire(context.Background(), s.opened(), takingOver())
	s.ok(err)
	told, won, lost := make(chan store.Epoch, 9), make(chan *store.Lock), make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	for range 2 {
		st := s.opened()
		go func() {
			l, err := store.Await(ctx, st, options(), func(h store.Holder) { told <- h.Epoch })
			if err != nil {
				lost <- err
				return
			}
			won <- l
		}()
	}
	if a, b := <-told, <-told; a != holder.Epoch() || b != holder.Epoch() {
		s.Fatalf("they wait for %d and %d, not for %d", a, b, holder.Epoch())
	}
	select {
	case <-won:
		s.Fatal("a standby took the checkpoint from a driver that lives")
	case <-time.After(options().Interval):
	}
	s.ok(holder.Check())
	s.ok(holder.Release())
	l := <-won
	if e := <-told; e != l.Epoch() || e != holder.Epoch()+1 {
		s.Fatalf("the other waits for %d after %d", e, l.Epoch())
	}
	cancel()
	s.is(<-lost, context.Canceled)
	s.ok(l.Release())
	o := options()
	o.Meta.Job = "another"
	if _, err = store.Await(context.Background(), s.opened(), o, nil); !errors.As(err, new(*store.OtherJobError)) {
		s.Fatalf("another job's checkpoint: %v", err)
	}
}

func takingOver() store.LockOptions {
	o := options()
	o.Takeover = true
	return o
}

// Forgetting empties the checkpoint of any job, fences who had it, and keeps the
// epochs. If it is interrupted the next driver ends it.
func testForget(s *suite) {
	a, b := s.opened(), s.opened()
	zombie, err := store.Acquire(context.Background(), a, takingOver())
	s.ok(err)
	_, err = a.Log("state/old", nil)
	s.ok(err)
	s.ok(store.WriteFile(a, "log/old", []byte("old")))
	o := options()
	o.Meta.Job = "successor"
	if err := store.Forget(context.Background(), b, o); !errors.As(err, new(*store.HeldError)) {
		s.Fatalf("a driver lives: %v", err)
	}
	o.Takeover = true
	s.ok(store.Forget(context.Background(), b, o))
	for _, folder := range []string{"log", "state", "tables", "receivers"} {
		s.names(b, folder)
	}
	_, err = b.Stat("meta")
	s.is(err, fs.ErrNotExist)
	<-zombie.Lost()
	s.is(zombie.Check(), store.ErrFenced)
	s.ok(zombie.Release())
	s.ok(store.WriteFile(b, "log/left", nil))
	s.ok(store.WriteFile(b, "forgotten", nil))
	l, err := store.Acquire(context.Background(), a, o)
	s.ok(err)
	if l.Epoch() != zombie.Epoch()+2 || l.Meta().Job != "successor" {
		s.Fatalf("epoch %d of job %q", l.Epoch(), l.Meta().Job)
	}
	s.names(a, "log")
	s.ok(l.Release())
}
