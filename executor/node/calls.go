package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
)

const (
	callsName    = "tidemill.Node"
	engineHeader = "tidemill-engine" // of every call: the caller's version
	reasonHeader = "tidemill-reason" // in the trailer of one that failed: a word of reasons
)

// The parameters and answers of calls that are not contracts of their own.
type (
	nothing  struct{}
	nameOf   struct{ Job string }
	digestOf struct{ SHA256 string }
	found    struct{ Found bool }
	asked    struct {
		Job     string
		Request Request
	}
	attendance struct {
		Job    string
		Epoch  int64
		Driver string
	}
	callBack struct {
		Address     string
		Name        string
		Incarnation uint64
	}
	told struct {
		Beat  bool `json:",omitempty"` // nothing happened, the daemon is alive
		Event Event
	}
)

// roles says who may call what. A method that is not in it does not exist.
var roles = map[string][]identity.Role{
	"About":  {identity.Driver, identity.Executor, identity.Submitter, identity.Viewer},
	"Reach":  {identity.Executor},
	"Has":    {identity.Driver, identity.Submitter},
	"Put":    {identity.Driver, identity.Submitter},
	"Start":  {identity.Driver},
	"Attend": {identity.Driver},
	"Stop":   {identity.Driver, identity.Submitter},
	"Ask":    {identity.Driver, identity.Submitter},
	"Jobs":   {identity.Driver, identity.Submitter, identity.Viewer, identity.Executor},
	"Submit": {identity.Submitter},
	"Cancel": {identity.Submitter},
}

// Roles says who may call what, by full name of the method.
func Roles() map[string][]identity.Role {
	out := map[string][]identity.Role{}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		out[fullName(name)] = slices.Clone(roles[name])
	}
	return out
}

func fullName(method string) string { return "/" + callsName + "/" + method }

// desc is the service, written by hand: a method is a line.
var desc = grpc.ServiceDesc{
	ServiceName: callsName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("About", (*daemon).about), unary("Reach", (*daemon).reach), unary("Has", (*daemon).has), unary("Start", (*daemon).start),
		unary("Stop", (*daemon).stop), unary("Ask", (*daemon).ask), unary("Jobs", (*daemon).listJobs), unary("Submit", (*daemon).submit),
		unary("Cancel", (*daemon).cancel),
	},
	Streams: []grpc.StreamDesc{
		stream("Put", true, false, (*daemon).put),
		stream("Attend", false, true, (*daemon).attend),
	},
}

func unary[Req, Resp any](name string, f func(*daemon, context.Context, *Req) (*Resp, error)) grpc.MethodDesc {
	call := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		in := new(Req)
		if err := decode(in); err != nil {
			return nil, status.Error(codes.InvalidArgument, name+": "+err.Error())
		}
		do := func(ctx context.Context, in any) (any, error) {
			d, err := srv.(*daemon), sameEngine(ctx, name)
			var out *Resp
			if err == nil {
				out, err = f(d, ctx, in.(*Req))
			}
			return out, refused(err, func(md metadata.MD) { grpc.SetTrailer(ctx, md) })
		}
		if intercept == nil {
			return do(ctx, in)
		}
		return intercept(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: fullName(name)}, do)
	}
	return grpc.MethodDesc{MethodName: name, Handler: call}
}

func stream(name string, client, server bool, f func(*daemon, grpc.ServerStream) error) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ClientStreams: client, ServerStreams: server, Handler: func(srv any, s grpc.ServerStream) error {
		err := sameEngine(s.Context(), name)
		if err == nil {
			err = f(srv.(*daemon), s)
		}
		return refused(err, s.SetTrailer)
	}}
}

// sameEngine refuses a caller of another version. It may ask what this daemon is.
func sameEngine(ctx context.Context, method string) error {
	md, _ := metadata.FromIncomingContext(ctx)
	theirs := "none"
	if v := md.Get(engineHeader); len(v) > 0 {
		theirs = v[0]
	}
	if theirs == Engine || method == "About" {
		return nil
	}
	return &refusal{ErrEngine, fmt.Sprintf("this executor has version %s of the engine, the caller version %.40q: install the same one on both", Engine, theirs)}
}

// refused turns an error into one that travels, with its word in the trailer.
func refused(err error, trailer func(metadata.MD)) error {
	if err == nil {
		return nil
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			trailer(metadata.Pairs(reasonHeader, r.word))
			return status.Error(r.code, err.Error())
		}
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, err.Error())
}

// understood turns what has travelled back into an error.
func understood(err error, trailer metadata.MD) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if s, ok := status.FromError(err); ok {
		text = Plain(s.Message())
	}
	word := trailer.Get(reasonHeader)
	for _, r := range reasons {
		if len(word) > 0 && r.word == word[0] {
			return &refusal{r.err, text}
		}
	}
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated:
		return &refusal{ErrDenied, text}
	case codes.Canceled:
		return &refusal{context.Canceled, text}
	case codes.DeadlineExceeded:
		return &refusal{context.DeadlineExceeded, text}
	}
	return &refusal{err, text}
}
