package control

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
)

const (
	subtype = "tidemill"         // content-subtype of the calls: application/grpc+tidemill
	surface = "tidemill.Control" // what grpc calls a service
	method  = "/" + surface + "/Attach"
)

// Roles says who may call the methods of this package.
func Roles() map[string][]identity.Role {
	return map[string][]identity.Role{method: {identity.Driver}}
}

// window is how much may be on the way in a stream that its reader has not taken yet. That it is fixed spares the pings with which grpc
// would measure the connection after every frame.
const window = 1 << 20

// ServerOptions are for the server that a Worker is registered at, which may also serve package flight: fixed windows, long frames, and
// an end of connections whose other side is gone.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(wire.MaxFrame), grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(2 * window),
		grpc.MaxConcurrentStreams(4096), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
	}
}

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(2 * window), grpc.WithReadBufferSize(16 << 10),
		grpc.WithWriteBufferSize(16 << 10), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.CallContentSubtype(subtype), grpc.MaxCallRecvMsgSize(wire.MaxFrame)),
	}
}

func init() { encoding.RegisterCodecV2(frames{}) }

// frames is grpc's codec for messages that are bytes already.
type frames struct{}

// outgoing is a frame to be sent. It is copied.
type outgoing struct{ frame []byte }

// incoming takes a frame that came. It must not keep it.
type incoming struct{ take func(frame []byte) }

// Name is the content-subtype.
func (frames) Name() string { return subtype }

// Marshal passes a frame on.
func (frames) Marshal(v any) (mem.BufferSlice, error) {
	out, ok := v.(*outgoing)
	if !ok {
		return nil, fmt.Errorf("bug: %T is no frame", v)
	}
	return mem.BufferSlice{mem.Copy(out.frame, mem.DefaultBufferPool())}, nil
}

// Unmarshal hands a frame over.
func (frames) Unmarshal(in mem.BufferSlice, v any) error {
	to, ok := v.(*incoming)
	if !ok {
		return fmt.Errorf("bug: %T takes no frame", v)
	}
	b := in.MaterializeToBuffer(mem.DefaultBufferPool())
	defer b.Free()
	to.take(b.ReadOnlyData())
	return nil
}
