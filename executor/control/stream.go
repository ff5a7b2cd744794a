package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
)

// StreamOptions say which worker to attach and what to do with its reports.
type StreamOptions struct {
	Address     string // host:port
	Credentials *identity.Credentials
	Attach      wire.Attach
	// Report gets what came in one frame, in order, from one goroutine. It must not block for long, nor call Close. Required.
	Report func([]wire.Report)
	// Beat is the time between two signs of life; default 250 ms.
	Beat time.Duration
	// Silence is the time without a sign of life after which the stream is given up; default 2 s, at least twice the beat.
	Silence time.Duration
	// Patience is how long Open waits for the worker's Hello; default 10 s.
	Patience time.Duration
	// Fault puts faults into the stream, for tests; nil means none.
	Fault Fault
}

// Stream is the driver's end of the control stream of one attached worker. Safe for concurrent use.
type Stream struct {
	conn   *grpc.ClientConn
	cancel context.CancelFunc
	hello  wire.Hello
	link   *link[wire.Message, wire.Report]
	close  func() error
}

var desc = &grpc.StreamDesc{StreamName: "Attach", ServerStreams: true, ClientStreams: true}

// Open attaches a worker. ctx bounds only the attaching. Refused, it returns what the worker says: a *wire.EpochError if a driver of a higher epoch
// has the worker, a *wire.DigestError if its graph is another one. Close the stream, also after it has ended.
func Open(ctx context.Context, o StreamOptions) (*Stream, error) {
	o.Beat, o.Silence = rhythm(o.Beat, o.Silence)
	if o.Patience <= 0 {
		o.Patience = 10 * time.Second
	}
	conn, err := grpc.NewClient("passthrough:///"+o.Address, append(dialOptions(), o.Credentials.DialOptions(identity.Executor)...)...)
	if err != nil {
		return nil, fmt.Errorf("worker at %s: %w", o.Address, err)
	}
	s := &Stream{conn: conn}
	if err := s.attach(ctx, o); err != nil {
		if s.cancel != nil {
			s.cancel()
		}
		return nil, errors.Join(fmt.Errorf("attach worker at %s: %w", o.Address, err), conn.Close())
	}
	s.close = sync.OnceValue(func() error { return s.shut(o.Silence) })
	return s, nil
}

// attach greets the worker and starts the link.
func (s *Stream) attach(ctx context.Context, o StreamOptions) error {
	var own context.Context
	own, s.cancel = context.WithCancel(context.Background())
	late := fmt.Errorf("no answer within %v: is the address right, and nothing between that drops packets?", o.Patience)
	ctx, stop := context.WithTimeoutCause(ctx, o.Patience, late)
	defer stop()
	defer context.AfterFunc(ctx, s.cancel)()
	call, err := s.conn.NewStream(own, desc, method)
	if err == nil {
		err = s.greet(call, o.Attach)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return plain(err)
	}
	s.link = newLink(call, terms[wire.Message, wire.Report]{
		peer:   fmt.Sprintf("worker %s at %s", s.hello.Worker, o.Address),
		header: wire.Header{Epoch: o.Attach.Epoch, Incarnation: s.hello.Incarnation, Graph: o.Attach.Graph},
		beat:   o.Beat, silence: o.Silence, encode: wire.AppendMessages, decode: (*wire.Reader).Reports, fault: o.Fault,
		take: o.Report, sent: func() { _ = call.CloseSend() }, // it never fails
		ended: s.cancel,
	})
	s.link.start()
	return nil
}

// greet says Attach and takes the answer.
func (s *Stream) greet(call grpc.ClientStream, a wire.Attach) error {
	frame, err := wire.AppendAttach(nil, a)
	if err != nil {
		return err
	}
	if err := call.SendMsg(&outgoing{frame}); err != nil { // only io.EOF: RecvMsg knows more
		return call.RecvMsg(&incoming{func([]byte) {}})
	}
	var bad error
	if err := call.RecvMsg(&incoming{func(frame []byte) { s.hello, bad = new(wire.Reader).Hello(frame) }}); err != nil {
		return err
	}
	if bad == nil && s.hello.Graph != "" && s.hello.Graph != a.Graph {
		bad = &wire.DigestError{Driver: a.Graph, Worker: s.hello.Graph}
	}
	return bad
}

// plain is a grpc error as people read it.
func plain(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch s.Code() {
	case codes.Canceled:
		return fmt.Errorf("%s: %w", s.Message(), context.Canceled)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%s: %w", s.Message(), context.DeadlineExceeded)
	}
	return errors.New(s.Message())
}

// Hello is what the worker has said of itself.
func (s *Stream) Hello() wire.Hello { return s.hello }

// Send queues messages; it never waits. They arrive in order, or the stream ends. After the end they are dropped. What is sent must not be
// changed any more.
func (s *Stream) Send(ms ...wire.Message) { s.link.send(ms...) }

// Done is closed when the stream has ended, by either side.
func (s *Stream) Done() <-chan struct{} { return s.link.done }

// Err is why it has ended; nil while it goes on. ErrSilent, ErrOverrun, ErrLost, ErrClosed or a *wire.RefusedError may be in it.
func (s *Stream) Err() error { return s.link.reason() }

// Strays counts frames that came and were ignored: of another attachment, or twice.
func (s *Stream) Strays() int64 { return s.link.strays.Load() }

// Close lets what is queued be sent, for at most the time of Silence, ends the stream, and waits until Report is not called any more.
func (s *Stream) Close() error { return s.close() }

func (s *Stream) shut(patience time.Duration) error {
	s.link.close()
	select {
	case <-s.link.done:
	case <-time.After(patience):
		s.link.end(ErrClosed)
	}
	s.cancel()
	s.link.gone.Wait()
	return s.conn.Close()
}
