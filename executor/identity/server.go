package identity

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// handshake bounds how long a peer may take to say who it is.
const handshake = 10 * time.Second

// table says who may call what.
type table struct {
	c     *Credentials
	log   *slog.Logger
	roles map[string][]Role
}

// ServerOptions are what makes a grpc server of the cluster: TLS 1.3, certificates required of clients, and roles by full name of
// the method ("/service/method"). A method that is not in the table, or with no role, is for nobody. A panic in a method becomes an
// error of the code Internal and a line in the log.
//
// nil receiver: no TLS; peers on this machine may call whatever the table lists.
func (c *Credentials) ServerOptions(roles map[string][]Role) []grpc.ServerOption {
	t := table{c, slog.Default(), maps.Clone(roles)}
	creds := c.plain()
	if c != nil {
		t.log = c.log
	}
	if c.secure() {
		creds = &transport{c: c}
	}
	return []grpc.ServerOption{
		grpc.Creds(creds),
		grpc.ConnectionTimeout(handshake),
		grpc.InTapHandle(t.tap),
		grpc.ChainUnaryInterceptor(t.unary),
		grpc.ChainStreamInterceptor(t.stream),
	}
}

// tap looks at a call before anything of its message is read: grpc decodes that of a unary call before it asks the interceptors. Those look
// again, since only connections that grpc accepts itself are tapped.
func (t table) tap(ctx context.Context, i *tap.Info) (context.Context, error) {
	return ctx, t.allow(ctx, i.FullMethodName)
}

func (t table) unary(ctx context.Context, in any, i *grpc.UnaryServerInfo, h grpc.UnaryHandler) (out any, err error) {
	if err := t.allow(ctx, i.FullMethod); err != nil {
		return nil, err
	}
	defer t.recovered(i.FullMethod, &err)
	return h(ctx, in)
}

func (t table) stream(srv any, s grpc.ServerStream, i *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	if err := t.allow(s.Context(), i.FullMethod); err != nil {
		return err
	}
	defer t.recovered(i.FullMethod, &err)
	return h(srv, s)
}

// allow says whether the caller may call a method.
func (t table) allow(ctx context.Context, method string) error {
	roles, ok := t.roles[method]
	if !ok {
		return t.deny("%s is not in this server's table of methods, so nobody may call it: is it of another version of the engine?", method)
	}
	if !t.c.secure() {
		return nil
	}
	p, ok := PeerOf(ctx)
	if !ok {
		return t.deny("%s was called by nobody that is known", method)
	}
	if !p.Has(roles...) {
		return t.deny("%w", wrongRole(p, "calls "+method, roles))
	}
	return nil
}

func (t table) deny(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if t.c != nil {
		t.c.refused.note(t.log, t.c.now(), err)
	}
	return status.Error(codes.PermissionDenied, err.Error())
}

// recovered turns a panic into an error: one bad call must not end what else the process does.
func (t table) recovered(method string, err *error) {
	if p := recover(); p != nil {
		t.log.Error("a method panicked", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "panic in %s: %v", method, p)
	}
}

// PeerOf says who calls, in a method of a grpc server; false without certificates.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Peer{}, false
	}
	l, ok := p.AuthInfo.(link)
	return l.peer, ok
}
