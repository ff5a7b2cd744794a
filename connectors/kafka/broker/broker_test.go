package broker

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The metrics of sarama keep a goroutine that nobody can stop.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func accessOf(t *testing.T, raw string) (*Access, error) {
	t.Helper()
	u, err := dstream.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := param.Of(u)
	a, err := Of(dstream.Endpoint{Job: "job", Name: "ads", URL: u}, p)
	if err == nil {
		err = p.Err()
	}
	return a, err
}

func TestOf(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"kafka://b1/x", "kafka b1:9092"},
		{"kafka://b1,b2:19092,[::1]:9/x", "kafka b1:9092,b2:19092,[::1]:9"},
		{"kafka://ann:secret@b1/x", "kafka b1:9092 as ann"},
		{"kafka://ann:secret@b1/x?sasl=scram-sha-512&tls=true", "kafka b1:9092 as ann"},
		{"kafka:///x", "! names no broker"},
		{"kafka://b1,,b2/x", "! names no broker"},
		{"kafka://ann@b1/x", "! belong together"},
		{"kafka://b1/x?sasl=plain", "! needs a user"},
		{"kafka://ann:secret@b1/x?sasl=kerberos", "! one of plain, scram-sha-256, scram-sha-512"},
		{"kafka://b1/x?cert=a", "! add tls=true"},
	} {
		a, err := accessOf(t, c.url)
		got := fmt.Sprint(a)
		if err != nil {
			got = err.Error()
		}
		if want, bad := strings.CutPrefix(c.want, "! "); bad && (err == nil || !strings.Contains(got, want)) || !bad && got != want || strings.Contains(got, "secret") {
			t.Errorf("%s: got %s, want %s", c.url, got, c.want)
		}
		if err == nil {
			if err := a.Config().Validate(); err != nil {
				t.Errorf("%s: %v", c.url, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		kind Kind
		hint string
	}{
		{refused, Away, ""},
		{io.EOF, Away, "hangs up"},
		{fmt.Errorf("x: %w", sarama.ErrOutOfBrokers), Away, ""},
		{&AwayError{[]string{"a", "b"}}, Away, "no broker"},
		{sarama.Wrap(sarama.ErrOutOfBrokers, refused), Away, ""},
		{sarama.ErrNotLeaderForPartition, Moved, ""},
		{sarama.ErrUnknownTopicOrPartition, Moved, ""},
		{sarama.ErrSASLAuthenticationFailed, Hopeless, "user or password"},
		{sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("said the broker")), Hopeless, "user or password"},
		{sarama.ErrTopicAuthorizationFailed, Hopeless, "may not use this topic"},
		{x509.UnknownAuthorityError{}, Hopeless, "ca="},
		{sarama.ErrInvalidMessage, Odd, ""},
		{sarama.PacketDecodingError{Info: "length"}, Odd, "tls=true"},
		{errors.New("what is that"), Odd, ""},
	} {
		if got := KindOf(c.err); got != c.kind {
			t.Errorf("%v: kind %d, want %d", c.err, got, c.kind)
		}
		e := Explain("kafka b1:9092", c.err)
		if KindOf(e) != c.kind || !errors.Is(e, c.err) && c.kind != Away || errors.Is(e, dstream.ErrPermanent) != (c.kind == Hopeless) || !strings.Contains(e.Error(), c.hint) {
			t.Errorf("%v is explained as %v", c.err, e)
		}
	}
	if Explain("x", nil) != nil {
		t.Error("nothing became an error")
	}
}

// A request ends with its context, at once, and the connection with it.
func TestAskEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() { // a broker that never answers
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c := <-accepted
		_, _ = c.Read(make([]byte, 1))
		cancel()
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}()
	a, err := accessOf(t, "kafka://"+l.Addr().String()+"/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Open(ctx, a.Brokers[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// An answer that comes after its time is no answer to what is asked next.
func TestLateAnswersAreNotRead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := (&dialer{}).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	late := func(deadline time.Time) (n int, err error) {
		if err := c.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		return c.Read(make([]byte, 8))
	}
	if n, err := late(time.Unix(1, 0)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if _, err := server.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	if n, err := late(time.Time{}); n != 0 || KindOf(err) != Away {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestCluster(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "ads"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	// The first broker is not there: the second one is asked.
	a, err := accessOf(t, "kafka://127.0.0.1:1,"+fake.ListenAddrs()[1]+"/ads")
	if err != nil {
		t.Fatal(err)
	}
	c := NewCluster(a)
	defer c.Close()
	topics, err := c.Topics(t.Context(), "ads", "nothing")
	if err != nil || len(topics["ads"].Partitions) != 2 || topics["ads"].ID == (sarama.Uuid{}) || !errors.Is(topics["nothing"].Err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("%+v, %v", topics, err)
	}
	if len(c.Addresses()) != 3 {
		t.Errorf("brokers %q", c.Addresses())
	}
	q := &Query{Topic: "ads", Leader: topics["ads"].Partitions[0].Leader, Time: sarama.OffsetNewest}
	lost := &Query{Topic: "ads", Leader: -1}
	c.Offsets(t.Context(), sarama.ReadCommitted, []*Query{q, lost})
	if q.Err != nil || q.Offset != 0 || KindOf(lost.Err) != Moved {
		t.Errorf("%+v, %+v", q, lost)
	}
	if addr, err := c.Coordinator(t.Context(), "group"); err != nil || !slices.Contains(fake.ListenAddrs(), addr) {
		t.Errorf("%s, %v", addr, err)
	}
}

func TestPatience(t *testing.T) {
	var said []string
	open := 0
	ctx := dstream.WatchWaiting(t.Context(), func(what string) func() {
		said = append(said, what)
		open++
		return func() { open-- }
	})
	var p Patience
	for _, why := range []string{"a", "a", "a", "b"} {
		if err := p.Wait(ctx, errors.New(why)); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(said) != "[a b]" || open != 1 {
		t.Errorf("said %q, %d waits are open", said, open)
	}
	if p.Over(); open != 0 {
		t.Error("the wait is not over")
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := p.Wait(ctx, errors.New("c")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
