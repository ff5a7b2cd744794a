package fleet

import (
	"context"
	"io"
	"net"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/gossip"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// network is how a fleet reaches others; tests have one in memory.
type network interface {
	join(context.Context, gossip.Options) (ring, error)
	dial(address string) (daemon, error)
	// open's context is that of attaching only.
	open(context.Context, control.StreamOptions) (stream, error)
}

// ring is what gossip knows; *gossip.Member is one.
type ring interface {
	Nodes() []gossip.Node
	Changed() <-chan struct{}
	Leave(context.Context) error
}

// daemon is an executor; *node.Client is one. It has more methods than interfaces here should have: they are the calls of one service, which
// are made in one order.
type daemon interface {
	Shelf
	About(context.Context) (node.About, error)
	Start(context.Context, node.Start) (node.Worker, error)
	Attend(ctx context.Context, job string, epoch int64, told func(node.Event)) error
	Stop(ctx context.Context, job string) error
	Jobs(context.Context) ([]node.JobStatus, error)
	io.Closer
}

// Shelf keeps binaries; *node.Client is one.
type Shelf interface {
	Has(ctx context.Context, sha256 string) (bool, error)
	Put(context.Context, identity.Signed, io.Reader) error
}

// stream is the driver's end of a control stream; *control.Stream is one.
type stream interface {
	Hello() wire.Hello
	Send(...wire.Message)
	Done() <-chan struct{}
	Err() error
	io.Closer
}

type grpcNetwork struct{ credentials *identity.Credentials }

func (n *grpcNetwork) join(ctx context.Context, o gossip.Options) (ring, error) {
	host, err := localHost(o.Seeds[0])
	if err != nil {
		return nil, err
	}
	o.Bind = net.JoinHostPort(host, "0")
	m, err := gossip.Join(ctx, o)
	if err != nil {
		return nil, err // not m: a nil *Member is no nil ring
	}
	return m, nil
}

// localHost is the address of this machine that the other one is reached from. Nothing is sent.
func localHost(other string) (string, error) {
	c, err := net.Dial("udp", other)
	if err != nil {
		return "", err
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	return host, err
}

func (n *grpcNetwork) dial(address string) (daemon, error) {
	c, err := node.Dial(address, n.credentials)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (n *grpcNetwork) open(ctx context.Context, o control.StreamOptions) (stream, error) {
	s, err := control.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}
