package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

// leakless checks that the test leaves no goroutine of ours behind. The metrics of sarama keep one that nobody can stop.
func leakless(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
	})
}

func numbers(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func TestLeadersMove(t *testing.T) {
	leakless(t)
	c := brokers(t, 2, kfake.NumBrokers(3))
	addrs := c.ListenAddrs()
	p := producer(t, addrs)
	for i := range 40 {
		put(t, p, texts("in", int32(i%2), fmt.Sprint(i), strings.Repeat("x", 300))...)
	}
	s := source[string](t, addrs, "in?fetch_bytes=1024")
	r, err := s.Plan(t.Context(), nil, dstream.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Places(r.Splits[0])) != 1 || s.Places(r.Splits[0])[0] != "127.0.0.1" {
		t.Errorf("places %q", s.Places(r.Splits[0]))
	}
	var fetches atomic.Int32
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if fetches.Add(1)%5 == 3 {
			c.ShufflePartitionLeaders()
		}
		return nil, nil, false
	})
	out, err := readSplits[string](s, r.Splits)
	if err != nil || len(out.rows) != 80 {
		t.Errorf("%d rows, %v", len(out.rows), err)
	}
}

// Whatever a broker answers that passes, the rows are the same.
func TestPassingErrors(t *testing.T) {
	c := brokers(t, 1)
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, numbers(10)...)...)
	s := source[string](t, c.ListenAddrs(), "in")
	for _, e := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.FencedLeaderEpoch,
		kerr.KafkaStorageError, kerr.OffsetNotAvailable, kerr.RequestTimedOut, kerr.OffsetOutOfRange,
	} {
		for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets} {
			if e == kerr.OffsetOutOfRange && key == kmsg.ListOffsets {
				continue
			}
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: "in", Err: e, Count: 2})
			out, _ := must[string](t, s, nil)
			if !slices.Equal(out.rows, numbers(10)) || h.Hits() != 2 {
				t.Errorf("%s, %v: %v, %d hits", key.Name(), e, out.rows, h.Hits())
			}
			h.Remove()
		}
	}
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets} {
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: "in", Err: kerr.TopicAuthorizationFailed, Count: 1})
		_, _, err := batch[string](s, nil, dstream.Limit{})
		wantError(t, err, true, "may not use this topic")
		h.Remove()
	}
}

// Connections that break in the middle are made again.
func TestConnectionsBreak(t *testing.T) {
	leakless(t)
	c := brokers(t, 1)
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, numbers(10)...)...)
	s := source[string](t, c.ListenAddrs(), "in")
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata} {
		c.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, errors.New("hang up"), true
		})
		now := time.Now().Add(time.Hour) // what is known about topics is old
		s.now = func() time.Time { return now }
		if out, _ := must[string](t, s, nil); !slices.Equal(out.rows, numbers(10)) {
			t.Errorf("%s: %v", key.Name(), out.rows)
		}
	}
}

func TestBrokerAway(t *testing.T) {
	leakless(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := source[string](t, []string{addr}, "in")
	told := make(chan string, 1)
	ctx, cancel := context.WithCancel(dstream.WatchWaiting(t.Context(), func(what string) func() {
		select {
		case told <- what:
		default:
		}
		return func() {}
	}))
	type answer struct {
		r   dstream.Range
		err error
	}
	answers := make(chan answer, 1)
	ask := func() {
		r, err := s.Plan(ctx, nil, dstream.Limit{})
		answers <- answer{r, err}
	}
	go ask()
	if what := <-told; !strings.Contains(what, "kafka "+addr) || !strings.Contains(what, "refused") {
		t.Errorf("it waits for %q", what)
	}
	cancel()
	if a := <-answers; !errors.Is(a.err, context.Canceled) {
		t.Errorf("ended with %v", a.err)
	}
	ctx = t.Context()
	go ask()
	port := l.Addr().(*net.TCPAddr).Port
	c := brokers(t, 1, kfake.Ports(port))
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, "a")...)
	if a := <-answers; a.err != nil {
		t.Error(a.err)
	}
	if out, _ := must[string](t, s, nil); fmt.Sprint(out.rows) != "[a]" {
		t.Errorf("%v", out.rows)
	}
}

func TestLogin(t *testing.T) {
	c := brokers(t, 1, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ann", "pw"), kfake.Superuser("PLAIN", "bob", "pw"), kfake.Superuser("SCRAM-SHA-512", "eve", "pw"))
	addr := c.ListenAddrs()[0]
	for _, url := range []string{
		"kafka://ann:pw@" + addr + "/in?sasl=scram-sha-256",
		"kafka://eve:pw@" + addr + "/in?sasl=scram-sha-512",
		"kafka://bob:pw@" + addr + "/in",
	} {
		s, err := trySource[string](url)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		must[string](t, s, nil)
		_ = s.Close()
	}
	_, err := trySource[string]("kafka://bob@" + addr + "/in")
	wantError(t, err, false, "belong together")
	for code, want := range map[*kerr.Error]string{ // what Kafka answers to a wrong password; the pretend one hangs up
		kerr.SaslAuthenticationFailed: "user or password are wrong",
	} {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SASLAuthenticate}, TopLevel: true, Err: code})
		_, err := trySource[string]("kafka://bob:secret@" + addr + "/in")
		wantError(t, err, true, want, "kafka "+addr)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in %q", err)
		}
	}
}

func TestProgressIsPublished(t *testing.T) {
	leakless(t)
	c := brokers(t, 2)
	p := producer(t, c.ListenAddrs())
	put(t, p, texts("in", 0, "a", "b", "c")...)
	s, err := trySource[string](sourceURL(c.ListenAddrs(), "in"))
	if err != nil {
		t.Fatal(err)
	}
	_, r := must[string](t, s, nil)
	if err := s.Committed(t.Context(), r.To); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	offsets, err := kadm.NewClient(p).FetchOffsets(t.Context(), "tidemill-job-in")
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := offsets.Lookup("in", 0); o.At != 3 {
		t.Errorf("published %+v", offsets)
	}
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.FindCoordinator}, Err: kerr.GroupAuthorizationFailed, Count: 1})
	s = source[string](t, c.ListenAddrs(), "in")
	if err := s.Committed(t.Context(), r.To); err != nil {
		t.Fatal(err)
	}
	s.progress.close() // so that it has been tried
	if _, r := must[string](t, s, r.To); !strings.Contains(r.Note, "group=none") {
		t.Errorf("note %q, %d hits", r.Note, h.Hits())
	}
}

func TestExamine(t *testing.T) {
	c := brokers(t, 2, kfake.NumBrokers(2))
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, "a", "b", "c")...)
	s := source[string](t, c.ListenAddrs(), "in")
	text := ""
	for _, f := range s.Examine(t.Context()) {
		text += fmt.Sprintf("%s %s: %s\n", f.Severity, f.Subject, f.Text)
		if f.Severity == dstream.Broken || f.Severity != dstream.Fine && f.Remedy == "" {
			t.Errorf("%+v", f)
		}
	}
	if strings.Count(text, "ok broker") != 2 || !strings.Contains(text, "ok topic in: 2 partitions with 3 offsets") {
		t.Errorf("found %s", text)
	}
	early := texts("in", 1, "from the future")[0]
	early.Timestamp = time.Now().Add(time.Hour)
	put(t, producer(t, c.ListenAddrs()), early)
	if f := s.Examine(t.Context())[2]; f.Severity != dstream.Doubtful || !strings.Contains(f.Text, "ahead of this machine's clock") {
		t.Errorf("found %+v", f)
	}
	if err := c.DeleteTopic("in"); err != nil {
		t.Fatal(err)
	}
	found := s.Examine(t.Context())
	if last := found[len(found)-1]; last.Severity != dstream.Broken || !strings.Contains(last.Text, "no topic") {
		t.Errorf("found %+v", last)
	}
}

func TestMadeInCode(t *testing.T) {
	leakless(t)
	c := brokers(t, 1)
	put(t, producer(t, c.ListenAddrs()), &kgo.Record{Topic: "in", Key: []byte("k"), Value: []byte(`{"N": 1, "S": "x"}`), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}})
	type row struct {
		N int
		S string
	}
	all := func(s dstream.Source[row]) (out []row, err error) {
		r, err := s.Plan(t.Context(), nil, dstream.Limit{})
		if err != nil {
			return nil, err
		}
		for _, split := range r.Splits {
			for rows, err := range s.Read(t.Context(), split) {
				if err != nil {
					return nil, err
				}
				out = append(out, rows...)
			}
		}
		return out, nil
	}
	closing := func(s dstream.Source[row]) dstream.Source[row] {
		t.Cleanup(func() { _ = s.(interface{ Close() error }).Close() })
		return s
	}
	rows, err := all(closing(JSON[row](sourceURL(c.ListenAddrs(), "in"))))
	if err != nil || !slices.Equal(rows, []row{{1, "x"}}) {
		t.Errorf("%v, %v", rows, err)
	}
	rows, err = all(closing(Read(sourceURL(c.ListenAddrs(), "in"), func(r Record) (row, error) {
		return row{int(r.Offset), fmt.Sprintf("%s/%d %s %s %s", r.Topic, r.Partition, r.Key, r.Headers[0].Key, r.Headers[0].Value)}, nil
	})))
	if err != nil || !slices.Equal(rows, []row{{0, "in/0 k h v"}}) {
		t.Errorf("%v, %v", rows, err)
	}
	_, err = all(closing(Read(sourceURL(c.ListenAddrs(), "in"), func(Record) (row, error) { return row{}, errors.New("no row") })))
	wantError(t, err, true, "in/0@0: no row")
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, "no JSON")...)
	_, err = all(closing(JSON[row](sourceURL(c.ListenAddrs(), "in"))))
	wantError(t, err, true, "in/0@1", "dead_letters")
	_, err = all(JSON[row]("kafka://u:p@ss@w:x/in"))
	wantError(t, err, true, "does not parse")
	_, err = all(JSON[row](sourceURL(c.ListenAddrs(), "in?formt=json")))
	wantError(t, err, false, "parameter formt")
}
