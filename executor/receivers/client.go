package receivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
)

// client calls servers, over one connection to each.
type client struct {
	credentials *identity.Credentials
	answer      time.Duration // for a call, and between two messages of a read

	mu     sync.Mutex // guards the rest
	conns  map[string]*grpc.ClientConn
	closed bool
}

// Close closes all connections.
func (c *client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	clear(c.conns)
	return errors.Join(errs...)
}

func (c *client) conn(h Holder) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the client of receivers' logs is closed")
	}
	key := h.Name + " " + h.Address
	if conn := c.conns[key]; conn != nil {
		return conn, nil
	}
	o := append(c.credentials.DialNamed(h.Name, identity.Executor),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		// An executor that comes back is of use at once: the default waits for up to two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}, MinConnectTimeout: c.answer}),
		grpc.WithDefaultCallOptions(grpc.CallContentSubtype(subtype), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithNoProxy())
	conn, err := grpc.NewClient("passthrough:///"+h.Address, o...)
	if err != nil {
		return nil, err
	}
	c.conns[key] = conn
	return conn, nil
}

func named(h Holder, method string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("executor %s at %s: %s: %w", h.Name, h.Address, method, understood(err))
}

// call makes a unary call; out may be nil.
func (c *client) call(ctx context.Context, h Holder, method string, q request, frames []byte, out any) error {
	conn, err := c.conn(h)
	if err != nil {
		return named(h, method, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.answer)
	defer cancel()
	var in packet
	err = conn.Invoke(ctx, fullName(method), newPacket(q, frames), &in)
	if err == nil && out != nil {
		err = in.into(out)
	}
	return named(h, method, err)
}

// read calls each for the records with places q.From … q.To−1 in them, as far as they come.
func (c *client) read(ctx context.Context, h Holder, q request, each func(dstream.JournalRecord) (bool, error)) (more bool, err error) {
	conn, err := c.conn(h)
	if err != nil {
		return false, named(h, "Read", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(c.answer, cancel)
	defer silent.Stop()
	s, err := conn.NewStream(ctx, &desc.Streams[0], fullName("Read"))
	if err == nil {
		err = s.SendMsg(newPacket(q, nil))
	}
	if err == nil {
		err = s.CloseSend()
	}
	for err == nil || errors.Is(err, io.EOF) && s != nil { // EOF of SendMsg: the answer says why
		var in packet
		if err = s.RecvMsg(&in); err != nil {
			break
		}
		silent.Stop()
		if more, err := in.records(each); err != nil || !more {
			return false, err
		}
		silent.Reset(c.answer)
	}
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return true, named(h, "Read", err)
}

// records calls each for what an executor has answered to Read.
func (p *packet) records(each func(dstream.JournalRecord) (bool, error)) (more bool, err error) {
	var first answer
	if err := p.into(&first); err != nil {
		return false, err
	}
	for at, left := first.At, p.frames; len(left) > 0; {
		var r dstream.JournalRecord
		if r, left, err = dstream.CutFrame(left); err != nil {
			return false, err
		}
		r.At = at
		at += int64(len(r.Payload))
		if more, err := each(r); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}
