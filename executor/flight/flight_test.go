package flight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rows = rdd.Rows[string, int64]

func shape(t testing.TB) *rdd.Shape {
	s, err := rdd.ShapeOf[string, int64]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chunk has n rows that begin with first.
func chunk(first, n int) *rows {
	r := &rows{}
	for i := range n {
		r.Keys = append(r.Keys, fmt.Sprint("key ", first+i))
		r.Vals = append(r.Vals, int64(first+i))
		r.Tokens = append(r.Tokens, int64(-i))
	}
	return r
}

// held are blocks by partition.
type held map[int32]func(Ticket) (iter.Seq2[rdd.Chunk, error], error)

func (h held) Block(t Ticket, p Part) (iter.Seq2[rdd.Chunk, error], error) {
	if f := h[p.Partition]; f != nil {
		return f(t)
	}
	return nil, Missing(p)
}

// of is a block of these chunks; an error is where it breaks.
func of(pieces ...any) func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
	return func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		return func(yield func(rdd.Chunk, error) bool) {
			for _, p := range pieces {
				if err, ok := p.(error); ok {
					yield(nil, err)
					return
				}
				if !yield(p.(rdd.Chunk), nil) {
					return
				}
			}
		}, nil
	}
}

// serve starts a server and returns its address and how to stop it.
func serve(t testing.TB, b Blocks, o Options) (address string, stop func()) {
	server := grpc.NewServer((*identity.Credentials)(nil).ServerOptions(Roles())...)
	NewServer(b, o).Register(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	stop = sync.OnceFunc(func() {
		server.Stop()
		serving.Wait()
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func client(t testing.TB, o Options) *Client {
	c := NewClient(nil, o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func opened(t testing.TB, c *Client, address string, parts ...int32) *Reader {
	t.Helper()
	ticket := Ticket{Epoch: 1, Batch: 2, Incarnation: 3, Stage: 1, Bucket: 5}
	for _, p := range parts {
		ticket.Parts = append(ticket.Parts, Part{Partition: p, Attempt: 1})
	}
	r, err := c.Open(context.Background(), address, ticket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// values reads a part.
func values(r *Reader, s *rdd.Shape) (vals []int64, err error) {
	for c, err := range r.Next(s) {
		if err != nil {
			return vals, err
		}
		vals = append(vals, c.(*rows).Vals...)
	}
	return vals, nil
}

func upTo(n int) (out []int64) {
	for i := range n {
		out = append(out, int64(i))
	}
	return out
}

func TestPartsComeInOrder(t *testing.T) {
	rec, err := chunk(7, 2).Record()
	if err != nil {
		t.Fatal(err)
	}
	frame, err := codec.AppendFrame(nil, rec)
	if err != nil {
		t.Fatal(err)
	}
	var asked []Ticket
	address, _ := serve(t, held{
		0: of(chunk(0, 3), chunk(3, 4), wire.NewRawChunk(frame, 2)),
		1: of(),
		2: of(chunk(0, 100_000), chunk(100_000, 200_000)), // longer than a message
		4: func(ticket Ticket) (iter.Seq2[rdd.Chunk, error], error) {
			asked = append(asked, ticket)
			return of(chunk(0, 1))(ticket)
		},
	}, Options{})
	r, s := opened(t, client(t, Options{}), address, 0, 1, 2, 1, 4), shape(t)
	for i, want := range [][]int64{upTo(9), nil, upTo(300_000), nil, upTo(1)} {
		got, err := values(r, s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("part %d: %d rows, %v", i, len(got), err)
		}
	}
	if _, err := values(r, s); err == nil {
		t.Error("more parts than were asked for")
	}
	parts := []Part{{0, 1}, {1, 1}, {2, 1}, {1, 1}, {4, 1}}
	if want := []Ticket{{1, 2, 3, 0, 1, 5, parts}}; !reflect.DeepEqual(asked, want) {
		t.Errorf("%v", asked)
	}
}

func TestColumnsComeBack(t *testing.T) {
	sent := chunk(0, 3)
	address, _ := serve(t, held{0: of(sent)}, Options{})
	for c, err := range opened(t, client(t, Options{}), address, 0).Next(shape(t)) {
		if err != nil {
			t.Fatal(err)
		}
		if got := c.(*rows); !reflect.DeepEqual(got.Keys, sent.Keys) || !reflect.DeepEqual(got.Tokens, sent.Tokens) {
			t.Errorf("%v, want %v", got, sent)
		}
	}
}

// TestMissingParts: a part that cannot be had is an error of that part, and those behind it come.
func TestMissingParts(t *testing.T) {
	address, _ := serve(t, held{
		0: of(chunk(0, 3)),
		2: of(chunk(0, 3), errors.New("the disk is broken")),
		3: of(wire.NewRawChunk(nil, 0), chunk(3, 3)), // nothing is sent of what cannot be encoded
		4: of(chunk(0, 2)),
	}, Options{})
	r, s := opened(t, client(t, Options{}), address, 0, 1, 2, 3, 4), shape(t)
	for i, want := range []string{"", "partition 1, attempt 1: it is not kept here", "the disk is broken", "partition 3", ""} {
		_, err := values(r, s)
		if want == "" {
			if err != nil {
				t.Errorf("part %d: %v", i, err)
			}
			continue
		}
		if !errors.As(err, new(*MissingError)) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), address) {
			t.Errorf("part %d: %v", i, err)
		}
	}
}

func TestWrongIncarnation(t *testing.T) {
	address, _ := serve(t, held{0: of(chunk(0, 3))}, Options{Current: func() uint64 { return 9 }})
	if _, err := values(opened(t, client(t, Options{}), address, 0), shape(t)); err == nil || !strings.Contains(err.Error(), "blocks of incarnation 3 are asked for, and this is incarnation 9") {
		t.Error(err)
	}
}

// TestPeerThatGoesAway: within a part, and before the next one.
func TestPeerThatGoesAway(t *testing.T) {
	gone := make(chan struct{})
	address, stop := serve(t, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		return func(yield func(rdd.Chunk, error) bool) {
			for yield(chunk(0, 1000), nil) {
			}
			close(gone)
		}, nil
	}}, Options{})
	r, s := opened(t, client(t, Options{}), address, 0, 1), shape(t)
	n := 0
	var failed error
	for _, err := range r.Next(s) {
		if failed = err; err != nil {
			break
		}
		if n++; n == 3 {
			go stop()
		}
	}
	if failed == nil || errors.As(failed, new(*MissingError)) {
		t.Error(failed)
	}
	<-gone
	if _, err := values(r, s); err == nil {
		t.Error("the next part was there")
	}
	stop()
}

// TestReaderThatGoesAway: the sender ends with it.
func TestReaderThatGoesAway(t *testing.T) {
	gone := make(chan struct{})
	address, _ := serve(t, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		return func(yield func(rdd.Chunk, error) bool) {
			defer close(gone)
			for yield(chunk(0, 1000), nil) {
			}
		}, nil
	}}, Options{})
	r := opened(t, client(t, Options{}), address, 0)
	for _, err := range r.Next(shape(t)) {
		if err != nil {
			t.Error(err)
		}
		r.Close()
		break
	}
	<-gone
}

// TestSlowReader: what is ahead of a reader is bounded by windows and a message, not by how much there is.
func TestSlowReader(t *testing.T) {
	const chunks = 1000 // 18 MB
	var mu sync.Mutex
	made, stood := 0, make(chan struct{}, chunks)
	address, _ := serve(t, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		return func(yield func(rdd.Chunk, error) bool) {
			for range chunks {
				mu.Lock()
				made++
				mu.Unlock()
				stood <- struct{}{}
				if !yield(chunk(0, 1000), nil) {
					return
				}
			}
		}, nil
	}}, Options{})
	r := opened(t, client(t, Options{}), address, 0)
	n := 0
	for _, err := range r.Next(shape(t)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		mu.Lock()
		ahead := made - n
		mu.Unlock()
		if ahead > chunks/4 {
			t.Fatalf("%d chunks ahead of a reader", ahead)
		}
	}
	if n != chunks {
		t.Errorf("%d chunks", n)
	}
}

// TestStall: a peer that sends nothing while it is waited for.
func TestStall(t *testing.T) {
	leave := make(chan struct{})
	address, _ := serve(t, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		<-leave
		return of()(Ticket{})
	}}, Options{})
	defer close(leave)
	if _, err := values(opened(t, client(t, Options{Stall: 50 * time.Millisecond}), address, 0), shape(t)); !errors.Is(err, ErrStalled) {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := client(t, Options{Stall: 50 * time.Millisecond})
	if _, err := c.Open(context.Background(), l.Addr().String(), Ticket{}); !errors.Is(err, ErrStalled) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Open(ctx, l.Addr().String(), Ticket{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.Close()
	if _, err := client(t, Options{}).Open(context.Background(), l.Addr().String(), Ticket{}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	if len(c.inUse) != 0 {
		t.Errorf("%v in use", c.inUse)
	}
	closed := NewClient(nil, Options{})
	closed.Close()
	if _, err := closed.Open(context.Background(), "127.0.0.1:1", Ticket{}); err == nil {
		t.Error("a closed client opens")
	}
}

// TestStreamsAreBounded: who comes too late waits, and is refused when nothing ends.
func TestStreamsAreBounded(t *testing.T) {
	inside, leave := make(chan struct{}, 2), make(chan struct{})
	address, _ := serve(t, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		inside <- struct{}{}
		<-leave
		return of()(Ticket{})
	}}, Options{Streams: 1, Stall: 50 * time.Millisecond})
	c, s := client(t, Options{}), shape(t)
	first := opened(t, c, address, 0)
	<-inside
	if _, err := values(opened(t, c, address, 0), s); err == nil || !strings.Contains(err.Error(), "1 streams of blocks are open") {
		t.Error(err)
	}
	close(leave)
	if _, err := values(first, s); err != nil {
		t.Error(err)
	}
	if _, err := values(opened(t, c, address, 0), s); err != nil {
		t.Errorf("the place was not given back: %v", err)
	}
}

func TestConnectionsAreSharedAndPruned(t *testing.T) {
	address, _ := serve(t, held{0: of(chunk(0, 3))}, Options{})
	c := client(t, Options{})
	one, two := opened(t, c, address, 0), opened(t, c, address, 0)
	if len(c.conns) != 1 || c.inUse[address] != 2 {
		t.Errorf("%d connections, %v", len(c.conns), c.inUse)
	}
	c.mu.Lock()
	c.prune()
	c.mu.Unlock()
	if len(c.conns) != 1 {
		t.Error("a connection in use was closed")
	}
	one.Close()
	one.Close()
	two.Close()
	c.mu.Lock()
	c.prune()
	c.mu.Unlock()
	if len(c.conns) != 0 || len(c.inUse) != 0 {
		t.Errorf("%v %v", c.conns, c.inUse)
	}
}

func TestPartsMustBeDrained(t *testing.T) {
	address, _ := serve(t, held{0: of(chunk(0, 3), chunk(3, 3)), 1: of()}, Options{})
	r, s := opened(t, client(t, Options{}), address, 0, 1), shape(t)
	for range r.Next(s) {
		break
	}
	if _, err := values(r, s); err == nil || !strings.Contains(err.Error(), "was not read to its end") {
		t.Error(err)
	}
}

// TestFlight: it is DoGet of Arrow Flight: Arrow's own client reads it, with its own encoding of messages.
func TestFlight(t *testing.T) {
	address, _ := serve(t, held{0: of(chunk(0, 3))}, Options{})
	c, err := arrowflight.NewClientWithMiddleware(address, nil, nil, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	call, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: Ticket{Parts: []Part{{0, 1}}}.encode()})
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for {
		m, err := call.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body = append(body, m.DataBody...)
	}
	if body[0] != pieceChunk || !bytes.Equal(body[len(body)-2:], []byte{pieceEnd, 1}) {
		t.Fatalf("%q", body)
	}
	rec, err := codec.ReadFrame(bytes.NewReader(body[1:]), codec.Limits{})
	if err != nil || rec.NumRows() != 3 {
		t.Fatal(rec, err)
	}
	call, err = c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte("rows of cities")})
	if err == nil {
		_, err = call.Recv()
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
	if _, err := c.GetFlightInfo(context.Background(), &arrowflight.FlightDescriptor{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a method that nobody needs: %v", err)
	}
}

func TestTicketsComeBack(t *testing.T) {
	for _, want := range []Ticket{
		{Parts: []Part{}}, {Epoch: -1, Batch: 1 << 40, Incarnation: 1<<64 - 1, Program: 1, Stage: 2, Bucket: 3, Parts: []Part{{0, 1}, {1 << 30, 1<<31 - 1}}},
	} {
		got, err := decodeTicket(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
		for n := range want.encode() {
			if _, err := decodeTicket(want.encode()[:n]); !errors.Is(err, errTicket) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}
