package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Client fetches blocks of other workers, over one connection to each. Safe for concurrent use.
type Client struct {
	credentials *identity.Credentials
	o           Options

	mu     sync.Mutex
	conns  map[string]*grpc.ClientConn
	inUse  map[string]int // open readers
	closed bool
}

// maxConns is the number of connections from which those that are not in use are closed.
const maxConns = 1024

// NewClient makes a client. Close it.
func NewClient(c *identity.Credentials, o Options) *Client {
	return &Client{credentials: c, o: o.withDefaults(), conns: map[string]*grpc.ClientConn{}, inUse: map[string]int{}}
}

// Close closes all connections: what readers have not read yet ends with an error.
func (c *Client) Close() error {
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

// Open asks the holder at an address (host:port) for the blocks of a ticket. It waits until there is a connection. Whether the blocks are
// there shows when they are read. The reader lives as long as ctx, or until it is closed.
func (c *Client) Open(ctx context.Context, address string, t Ticket) (*Reader, error) {
	conn, err := c.acquire(address)
	if err != nil {
		return nil, err
	}
	r := &Reader{address: address, ticket: t, limit: codec.Limits{Bytes: c.o.ChunkBytes}, release: func() { c.release(address) }}
	r.in.stall = c.o.Stall
	r.in.ctx, r.in.cancel = context.WithCancelCause(ctx)
	err = r.in.watched(func() (err error) {
		r.in.call, err = conn.NewStream(r.in.ctx, &desc, method, grpc.CallContentSubtype(subtype))
		return err
	})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("blocks at %s: %w", address, err)
	}
	if r.in.call.SendMsg(&flight.Ticket{Ticket: t.encode()}) == nil { // else RecvMsg says what has happened
		_ = r.in.call.CloseSend() // it never fails
	}
	return r, nil
}

var desc = grpc.StreamDesc{StreamName: "DoGet", ServerStreams: true}

// acquire returns the connection to an address, and counts a reader of it.
func (c *Client) acquire(address string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the client of blocks is closed")
	}
	conn := c.conns[address]
	if conn == nil {
		if len(c.conns) >= maxConns {
			c.prune()
		}
		var err error
		if conn, err = grpc.NewClient("passthrough:///"+address, c.dialOptions()...); err != nil {
			return nil, fmt.Errorf("blocks at %s: %w", address, err)
		}
		c.conns[address] = conn
	}
	c.inUse[address]++
	return conn, nil
}

func (c *Client) dialOptions() []grpc.DialOption {
	return append([]grpc.DialOption{
		grpc.WithInitialWindowSize(c.o.Window), grpc.WithInitialConnWindowSize(16 << 20), grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(longestMessage + 64)),
	}, c.credentials.DialOptions(identity.Executor)...)
}

func (c *Client) release(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inUse[address]--; c.inUse[address] == 0 {
		delete(c.inUse, address)
	}
}

// prune closes the connections that nobody uses: workers come and go, each with an address of its own.
func (c *Client) prune() {
	for address, conn := range c.conns {
		if c.inUse[address] == 0 {
			conn.Close()
			delete(c.conns, address)
		}
	}
}

// plain is a grpc error as people read it.
func plain(err error) error {
	if err == nil {
		return nil
	}
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
