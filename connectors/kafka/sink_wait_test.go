package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func permanent(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, dstream.ErrPermanent) {
		t.Errorf("got %v, want a permanent error with %q", err, want)
	}
}

// watched returns a context that tells what is waited for, and counts the waits that are not over.
func watched(ctx context.Context) (_ context.Context, waits chan string, open *sync.WaitGroup) {
	waits, open = make(chan string, 100), new(sync.WaitGroup)
	return dstream.WatchWaiting(ctx, func(what string) func() {
		open.Add(1)
		waits <- what
		return open.Done
	}), waits, open
}

// TestBrokersAway kills the only broker, before the first write and between two, and starts it again.
func TestBrokersAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port, dir := l.Addr().(*net.TCPAddr).Port, t.TempDir()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	start := func() *kfake.Cluster { return fakeKafka(t, kfake.Ports(port), kfake.DataDir(dir)) }
	s := sinkFor[string](t, []string{fmt.Sprintf("127.0.0.1:%d", port)}, "out")
	ctx, waits, open := watched(t.Context())
	for n := range 3 {
		result := make(chan error, 1)
		go func() {
			err := s.Start(ctx, batchOf(1, int64(n)))
			if err == nil {
				_, err = s.Write(ctx, batchOf(1, int64(n)), rowsOf(words(10*n, 10*n+10)...))
			}
			result <- err
		}()
		if what := <-waits; !strings.Contains(what, "connection refused") || !strings.Contains(what, fmt.Sprint(port)) {
			t.Errorf("it waits for %q", what)
		}
		c := start()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		open.Wait()
		if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 10*n+10)) {
			t.Errorf("batch %d: got %q", n, got)
		}
		c.Close()
		for len(waits) > 0 {
			<-waits
		}
	}
}

func TestCancelledWhileAway(t *testing.T) {
	s := sinkFor[string](t, []string{"127.0.0.1:1"}, "out")
	ctx, cancel := context.WithCancel(t.Context())
	ctx, waits, open := watched(ctx)
	result := make(chan error, 1)
	go func() {
		_, err := s.Write(ctx, batchOf(1, 1), rowsOf("a"))
		result <- err
	}()
	<-waits
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	open.Wait()
}

// TestSilentBroker: a broker that is stopped answers nothing, and the context ends the wait all the same.
func TestSilentBroker(t *testing.T) {
	c := fakeKafka(t)
	s := sinkFor[string](t, c.ListenAddrs(), "out")
	write(t, s, batchOf(1, 1), "a")
	ctx, cancel := context.WithCancel(t.Context())
	silent := make(chan struct{})
	c.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cancel()
		c.SleepControl(func() { <-silent })
		return nil, errors.New("gone"), true
	})
	if _, err := s.Write(ctx, batchOf(1, 2), rowsOf("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(silent)
	write(t, s, batchOf(1, 2), "b")
	if got := values(mustRead(t, c)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestTopicMissing(t *testing.T) {
	c := fakeKafka(t)
	permanent(t, sinkFor[string](t, c.ListenAddrs(), "uot").Start(t.Context(), batchOf(1, 1)), "did you mean out?")
	for path, want := range map[string]dstream.Severity{"uot": dstream.Broken, "out": dstream.Fine} {
		found := sinkFor[string](t, c.ListenAddrs(), path).Examine(t.Context())
		worst := dstream.Fine
		for _, f := range found {
			worst = max(worst, f.Severity)
			if (f.Severity == dstream.Fine) != (f.Remedy == "") {
				t.Errorf("found %+v", f)
			}
		}
		if worst != want || len(found) < 2 {
			t.Errorf("%s: found %+v", path, found)
		}
	}
	if found := sinkFor[string](t, []string{"127.0.0.1:1"}, "out").Examine(t.Context()); len(found) != 1 || found[0].Severity != dstream.Broken {
		t.Errorf("found %+v", found)
	}
}

func TestStartedOver(t *testing.T) {
	c := fakeKafka(t)
	s := sinkFor[string](t, c.ListenAddrs(), "out")
	for p := range 3 {
		id := batchOf(5, 10)
		id.Partition, id.Partitions = p, 3
		if id.Partition == 2 {
			id.Timestamp += 500
		}
		write(t, s, id, "a")
	}
	permanent(t, s.Start(t.Context(), batchOf(4, 11)), "delete the consumer group job/sink/0")
	permanent(t, s.Start(t.Context(), batchOf(5, 10)), "clock that is behind")
	if err := s.Start(t.Context(), batchOf(5, 11)); err != nil {
		t.Error(err)
	}
	late := batchOf(6, 11)
	late.Timestamp = batchOf(5, 10).Timestamp
	_, err := s.Write(t.Context(), late, rowsOf("b"))
	permanent(t, err, "clock that is behind")
	cut := batchOf(6, 10)
	cut.Partitions = 4
	_, err = s.Write(t.Context(), cut, rowsOf("b"))
	permanent(t, err, "had 3 partitions, and now it has 4")
}

// TestTooLarge: a batch of records that a topic does not take is halved, until one record is too large.
func TestTooLarge(t *testing.T) {
	c := fakeKafka(t)
	if err := c.CreateTopic("small", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Key  string `kafka:"key"`
		Text string
	}
	s := sinkFor[row](t, c.ListenAddrs(), "small?format=bytes")
	var rows []row
	for _, w := range words(0, 1000) {
		rows = append(rows, row{"k", w})
	}
	write(t, s, batchOf(1, 1), rows...)
	secret := strings.Repeat("s3cret", 1000)
	_, err := s.Write(t.Context(), batchOf(1, 2), rowsOf(row{"key", secret}))
	permanent(t, err, "its key has 3 of them")
	if !strings.Contains(err.Error(), "max.message.bytes") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	write(t, s, batchOf(1, 2), row{"k", "after"})
	records, err := readTopic(c.ListenAddrs(), "small")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if want := append(words(0, 1000), "after")[i]; string(r.Value) != want {
			t.Fatalf("record %d is %s, want %s", i, r.Value, want)
		}
	}
	if len(records) != 1001 {
		t.Errorf("%d records", len(records))
	}
}

// TestHangingTransaction: what a writer that hangs has sent is given up when the next epoch takes over, and does not hold readers up.
func TestHangingTransaction(t *testing.T) {
	c := fakeKafka(t)
	old := sinkFor[string](t, c.ListenAddrs(), "out")
	old.stream()
	hangs, goOn, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := old.Write(t.Context(), batchOf(1, 1), func(yield func(dstream.Output, error) bool) {
			for out, err := range rowsOf(words(0, 10)...) {
				if !yield(out, err) {
					return
				}
			}
			close(hangs)
			<-goOn
			for out, err := range rowsOf(words(10, 20)...) {
				if !yield(out, err) {
					return
				}
			}
		})
		result <- err
	}()
	<-hangs
	now := sinkFor[string](t, c.ListenAddrs(), "out")
	write(t, now, batchOf(2, 1), words(0, 5)...)
	close(goOn)
	var fenced *FencedError
	if err := <-result; !errors.As(err, &fenced) {
		t.Errorf("the one that hung got %v", err)
	}
	write(t, now, batchOf(2, 2), words(5, 10)...)
	if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 10)) {
		t.Errorf("got %q", got)
	}
}

// TestStartBesideAnOpenTransaction: a driver that was killed between the marker and the end of its transaction leaves an offset that is not
// stable. The next one must not wait for it when it starts: nothing would abort it but its timeout, a minute later.
func TestStartBesideAnOpenTransaction(t *testing.T) {
	c := fakeKafka(t)
	old := sinkFor[string](t, c.ListenAddrs(), "out")
	write(t, old, batchOf(1, 1), words(0, 5)...)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	dead := atomic.Bool{}
	dead.Store(true)
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.InitProducerID} { // the second, so that it cannot clean up either
		c.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			kill()
			return nil, errors.New("the driver is dead"), dead.Load()
		})
	}
	if _, err := old.Write(ctx, batchOf(1, 2), rowsOf(words(5, 10)...)); err == nil {
		t.Fatal("the driver was not killed")
	}
	dead.Store(false)
	now := sinkFor[string](t, c.ListenAddrs(), "out")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a fifth of a second is enough
	defer cancel()
	if err := now.Start(ctx, batchOf(2, 2)); err != nil {
		t.Fatal(err)
	}
	write(t, now, batchOf(2, 2), words(5, 10)...)
	if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 10)) {
		t.Errorf("got %q", got)
	}
}

// TestTwins: two attempts at each write, from two places at the same time, fence each other and leave the rows once.
func TestTwins(t *testing.T) {
	c := fakeKafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for twin := range 2 {
		s := sinkFor[string](t, c.ListenAddrs(), "out")
		if twin == 1 {
			s.stream()
		}
		wg.Go(func() {
			for n := range 20 {
				for range 50 { // attempts, where a transaction was too large to be kept
					_, err := s.Write(ctx, batchOf(1, int64(n)), rowsOf(words(10*n, 10*n+10)...))
					if err == nil {
						break
					}
					if !errors.Is(err, transact.ErrBroken) {
						t.Errorf("batch %d: %v", n, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 200)) {
		t.Errorf("%d rows, want 200", len(got))
	}
}

// TestAtLeastOnce: without transactions nothing is lost, whatever is lost on the way, and an answer alone doubles nothing.
func TestAtLeastOnce(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.InitProducerID, kmsg.Produce} {
		for _, m := range []mishap{cut, loses, holds} {
			for nth := range 3 {
				n, c := onNetwork(t)
				s := sinkFor[string](t, c.ListenAddrs(), "out?guarantee=at_least_once")
				if s.Guarantee() != dstream.AtLeastOnce {
					t.Error("it promises more")
				}
				n.plan(key, nth, m)
				for i := range 3 {
					write(t, s, batchOf(1, int64(i+1)), words(20*i, 20*i+20)...)
				}
				n.calm()
				close(n.release)
				if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 60)) {
					t.Errorf("%s %s %d: got %q", key.Name(), m, nth, got)
				}
			}
		}
	}
}

func TestOneTransaction(t *testing.T) {
	at := []string{"127.0.0.1:1"}
	if n := sinkFor[string](t, at, "out?one_transaction=true").Partitions(); n != 1 {
		t.Errorf("%d partitions write", n)
	}
	if n := sinkFor[string](t, at, "out").Partitions(); n != 0 {
		t.Errorf("%d partitions write", n)
	}
}
