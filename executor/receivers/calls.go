package receivers

import (
	"context"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
)

const (
	callsName    = "tidemill.Receivers"
	flushBytes   = 1 << 20 // of frames that are sent at once
	answerBytes  = 256 << 10
	maxSegment   = 64 << 20
	maxSegments  = 4096 // of a log
	maxMessage   = maxHead + flushBytes + 2*(dstream.MaxRecord+dstream.FrameHead)
	segmentBytes = 8 << 20 // of payload, after which a writer begins another segment
)

// request is the head of every call.
type request struct {
	Log     Log     `json:"log"`
	Epoch   int64   `json:"epoch,omitempty"` // of the driver; readers have none
	Segment Segment `json:"segment"`
	Start   int64   `json:"start,omitempty"` // place at which the segment starts
	Until   int64   `json:"until,omitempty"` // place up to which segments of lower epochs count
	From    int64   `json:"from,omitempty"`  // Append: where the frames belong. Read: the first place
	To      int64   `json:"to,omitempty"`    // Read, Seal: the place after the last
	// Segments are those to Remove.
	Segments []Segment `json:"segments,omitempty"`
}

// held is a segment as an executor has it.
type held struct {
	Segment
	Start  int64 `json:"start"`
	Until  int64 `json:"until"`
	End    int64 `json:"end"` // of its whole records
	Sealed bool  `json:"sealed,omitempty"`
}

type (
	listing struct {
		Segments []held `json:"segments"`
	}
	answer struct { // to Read, with frames
		At int64 `json:"at"` // place of the first
	}
	nothing struct{}
)

// Roles says who may call what, by full name of the method.
func Roles() map[string][]identity.Role {
	return map[string][]identity.Role{
		fullName("List"):   {identity.Driver},
		fullName("Append"): {identity.Driver},
		fullName("Seal"):   {identity.Driver},
		fullName("Remove"): {identity.Driver},
		fullName("Read"):   {identity.Driver, identity.Executor},
	}
}

func fullName(method string) string { return "/" + callsName + "/" + method }

// desc is the service, written by hand: a method is a line.
var desc = grpc.ServiceDesc{
	ServiceName: callsName,
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{unary("List", (*Server).list), unary("Append", (*Server).append), unary("Seal", (*Server).seal), unary("Remove", (*Server).remove)},
	Streams:     []grpc.StreamDesc{{StreamName: "Read", ServerStreams: true, Handler: serveRead}},
}

func unary(name string, f func(*Server, request, []byte) (any, error)) grpc.MethodDesc {
	call := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		var in packet
		if err := decode(&in); err != nil {
			return nil, refused(&refusal{ErrInvalid, name + ": " + err.Error()})
		}
		do := func(context.Context, any) (any, error) {
			var q request
			if err := in.into(&q); err != nil {
				return nil, refused(err)
			}
			out, err := f(srv.(*Server), q, in.frames)
			if err != nil {
				return nil, refused(err)
			}
			return newPacket(out, nil), nil
		}
		if intercept == nil {
			return do(ctx, &in)
		}
		return intercept(ctx, &in, &grpc.UnaryServerInfo{Server: srv, FullMethod: fullName(name)}, do)
	}
	return grpc.MethodDesc{MethodName: name, Handler: call}
}

func serveRead(srv any, s grpc.ServerStream) error {
	var in packet
	if err := s.RecvMsg(&in); err != nil {
		return err
	}
	var q request
	err := in.into(&q)
	if err == nil {
		err = srv.(*Server).read(q, func(at int64, frames []byte) error { return s.SendMsg(newPacket(answer{at}, frames)) })
	}
	return refused(err)
}
