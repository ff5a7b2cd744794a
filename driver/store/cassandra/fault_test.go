package cassandra

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/storetest"
)

// faults loses requests and answers, and has requests arrive twice.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	lost   int // requests and answers
}

func (f *faults) draw() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.random.IntN(10)
	if n < 4 {
		f.lost++
	}
	return n
}

func (f *faults) fault(text string, send func() error) error {
	switch f.draw() {
	case 0:
		return fmt.Errorf("the test loses a request: %w", gocql.ErrTimeoutNoResponse)
	case 1, 2:
		return errors.Join(send(), fmt.Errorf("the test loses an answer: %w", gocql.ErrTimeoutNoResponse))
	case 3:
		_ = send()
	}
	return send()
}

// Whatever is lost on the way, the store keeps its contract.
func TestConformanceUnderFaultsOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	f := &faults{random: rand.New(rand.NewPCG(1, 2))}
	url := urlOf(c, c.Keyspace(t), "ads", "patience=60s")
	storetest.Run(t, func() store.Store {
		s := opened(t, url)
		s.fault = f.fault
		return s
	})
	if f.lost < 100 {
		t.Errorf("only %d requests and answers were lost", f.lost)
	}
}

// A change that was refused since its own first try succeeded is one that
// succeeded; one whose every answer is lost is an error, and may have happened.
func TestLostAnswersOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	s := opened(t, urlOf(c, c.Keyspace(t), "ads", "patience=1s"))
	defer s.Close()
	lose, sent := 1, 0
	s.fault = func(text string, send func() error) error {
		err := send()
		if strings.HasPrefix(text, "SELECT") {
			return err
		}
		if sent++; sent <= lose {
			return gocql.ErrTimeoutNoResponse
		}
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if sent != 1 {
			t.Errorf("sent %d times, want once and a look", sent)
		}
		sent = 0
	}
	must(s.Create("a/x", []byte("one")))
	must(store.WriteFile(s, "a/x", []byte("two")))
	must(s.Remove("a/x"))
	l, err := s.Log("log/x", []byte("head"))
	must(err)
	must(errors.Join(l.Append([]byte("tail")), l.Sync()))
	must(s.Settle("log/x", 0, 6))
	if b, err := store.ReadFile(s, "log/x"); string(b) != "headta" || err != nil {
		t.Errorf("holds %q, %v", b, err)
	}
	lose = 1 << 30
	err = errors.Join(l.Append([]byte("more")), l.Sync())
	if !errors.Is(err, gocql.ErrTimeoutNoResponse) && err != nil {
		t.Errorf("got %v", err)
	}
}

// hurried is a driver whose beat is looked at often.
func hurried() store.LockOptions {
	return store.LockOptions{Meta: store.Meta{Job: "ads", KeyGroups: 64}, Interval: 100 * time.Millisecond, Patience: time.Second, Takeover: true}
}

// A driver that is taken over in the middle of its appends is refused from some
// record on: its successor finds exactly those that it was told are durable, or
// one more, whose answer was on its way.
func TestZombieDriverOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	url := urlOf(c, c.Keyspace(t), "ads", "")
	f := &faults{random: rand.New(rand.NewPCG(3, 4))}
	var told chan batchlog.Batch // of the driver before
	for round := range 12 {
		st := opened(t, url)
		defer st.Close()
		o := hurried()
		o.Interval, o.Patience = time.Hour, 3*time.Hour // its beat does not tell it
		lock, err := store.Acquire(t.Context(), st, o)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		log, rec, err := batchlog.Open(st, lock, batchlog.Options{SegmentSize: 4 << 10})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if told != nil {
			was := ended(t, told)
			if found := commitOf(rec); found != was && found != was+1 {
				t.Fatalf("round %d: batch %d is the last, the driver before was told %d", round, found, was)
			}
		}
		if round%2 == 1 {
			st.fault = f.fault
		}
		told = make(chan batchlog.Batch, 1)
		go func() { told <- live(log, rec) }()
		time.Sleep(time.Duration(f.draw()) * 20 * time.Millisecond) // any moment will do
	}
	last := opened(t, url)
	defer last.Close()
	if err := last.Fence(1 << 20); err != nil {
		t.Fatal(err)
	}
	if n := ended(t, told); n < 12 {
		t.Errorf("only %d batches", n)
	}
}

// ended waits for a driver that was fenced to notice.
func ended(t *testing.T, told <-chan batchlog.Batch) batchlog.Batch {
	t.Helper()
	select {
	case n := <-told:
		return n
	case <-time.After(30 * time.Second):
		t.Fatal("a driver that was taken over goes on committing")
		return 0
	}
}

func commitOf(rec batchlog.Recovery) batchlog.Batch {
	if rec.Commit == nil {
		return 0
	}
	return rec.Commit.Batch
}

// live runs batches until it is refused, and returns the last that was durable.
func live(log *batchlog.Log, rec batchlog.Recovery) batchlog.Batch {
	last := commitOf(rec)
	for _, p := range rec.Open {
		if log.Append(batchlog.Commit, p.Batch, nil) != nil {
			return last
		}
		last = p.Batch
	}
	for {
		n := last + 1
		if log.Append(batchlog.Plan, n, make([]byte, 200)) != nil || log.Append(batchlog.Commit, n, make([]byte, 300)) != nil {
			return last
		}
		last = n
		_ = log.Compact(n - 20)
	}
}

// What nobody finished is gone after the next driver's start; executors at work
// on a file find out, and do not lose it silently.
func TestSweepOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	url := urlOf(c, c.Keyspace(t), "ads", "")
	worker, driver := opened(t, url), opened(t, url)
	defer worker.Close()
	defer driver.Close()
	p, key := worker.locate("tables/x")
	unfinished := worker.newContent(p)
	if _, err := unfinished.Write(make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	if err := unfinished.w.flush(); err != nil {
		t.Fatal(err)
	}
	chunks := func() (n int) {
		if err := c.Session(t, worker.set.keyspace).Query("SELECT count(*) FROM tidemill_chunks").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := chunks(); n != 6 {
		t.Fatalf("%d chunks of 3 MiB", n)
	}
	lock, err := store.Acquire(context.Background(), driver, hurried())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if n := chunks(); n != 0 {
		t.Errorf("%d chunks are left", n)
	}
	if err := unfinished.put(key, kindFile, true); !errors.Is(err, errSwept) {
		t.Errorf("got %v", err)
	}
	if es, err := driver.List("tables"); len(es) > 0 || err != nil {
		t.Errorf("%v, %v", es, err)
	}
	// What was replaced goes with the next driver, what is there stays.
	for range 2 {
		if err := store.WriteFile(worker, "receivers/x", make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if n := chunks(); n != 4 {
		t.Errorf("%d chunks of two files", n)
	}
	if err := driver.Fence(lock.Epoch()); err != nil {
		t.Fatal(err)
	}
	if n := chunks(); n != 2 {
		t.Errorf("%d chunks of one file", n)
	}
}

// A head that is larger than a change is there at once, or is swept.
func TestLargeHeadOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	s := opened(t, urlOf(c, c.Keyspace(t), "ads", ""))
	defer s.Close()
	lock, err := store.Acquire(context.Background(), s, hurried())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	head := make([]byte, 3<<20+5)
	for i := range head {
		head[i] = byte(i / 997)
	}
	l, err := s.Log("log/x", head)
	if err == nil {
		err = errors.Join(l.Append([]byte("tail")), l.Sync(), l.Close())
	}
	b, rerr := store.ReadFile(s, "log/x")
	if err := errors.Join(err, rerr); err != nil || string(b) != string(head)+"tail" {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	p, _ := s.locate("log/y")
	if err := s.pend(p, "y", entry{writer: unique(), kind: kindTorso}); err != nil {
		t.Fatal(err)
	}
	if err := s.addRows(p, "y", unique(), []piece{{0, head[:1000]}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Fence(lock.Epoch()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.sizeOf(p, "y", entry{kind: kindRows}); n != 0 || err != nil {
		t.Errorf("%d bytes are left, %v", n, err)
	}
	if b, err := store.ReadFile(s, "log/x"); len(b) != len(head)+4 || err != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
