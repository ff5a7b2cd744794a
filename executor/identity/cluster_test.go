package identity_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // of panics and refusals that are meant
	goleak.VerifyTestMain(m)
}

// ca is an authority in a folder of the test.
type ca struct {
	*testing.T
	*authority.Authority
	dir string
}

func newCA(t *testing.T) *ca {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	a, err := authority.Init(dir, "ads", false)
	if err != nil {
		t.Fatal(err)
	}
	return &ca{t, a, dir}
}

// issue makes a certificate and gives its files.
func (c *ca) issue(name string, roles ...identity.Role) identity.Options {
	c.Helper()
	is, err := c.Issue(authority.Order{Name: name, Roles: roles, Force: true})
	if err != nil {
		c.Fatal(err)
	}
	o := identity.Options{CA: filepath.Join(is.Dir, "ca.crt"), Cert: filepath.Join(is.Dir, "node.crt"), Key: filepath.Join(is.Dir, "node.key")}
	if is.Has(identity.Driver, identity.Executor) {
		o.Secret = filepath.Join(is.Dir, "cluster.secret")
	}
	return o
}

func load(t *testing.T, o identity.Options) *identity.Credentials {
	t.Helper()
	c, err := identity.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *ca) load(name string, roles ...identity.Role) *identity.Credentials {
	c.Helper()
	return load(c.T, c.issue(name, roles...))
}

// record is a log that can be read while it is written.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func (r *record) log() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// node is a grpc server with a few methods; calls counts how many of them ran.
type node struct {
	addr  string
	calls atomic.Int64
	peer  atomic.Pointer[identity.Peer]
	stop  func() // returns when all connections have been judged, and logged
}

const (
	about   = "/test.Node/About"   // for all roles
	submit  = "/test.Node/Submit"  // for drivers and submitters
	nobody  = "/test.Node/Nobody"  // in the table, with no role
	unknown = "/test.Node/Unknown" // not in the table
	panics  = "/test.Node/Panics"
	echo    = "/test.Node/Echo"    // a stream
	hidden  = "/test.Node/Hidden"  // a stream that is not in the table
	missing = "/test.Node/Missing" // not registered
)

var methods = map[string][]identity.Role{
	about:  identity.Roles(),
	submit: {identity.Driver, identity.Submitter},
	nobody: nil,
	panics: identity.Roles(),
	echo:   identity.Roles(),
}

func (n *node) unary(method string) grpc.MethodDesc {
	call := func(ctx context.Context, _ any) (any, error) {
		n.calls.Add(1)
		if p, ok := identity.PeerOf(ctx); ok {
			n.peer.Store(&p)
		}
		if method == panics {
			panic("a bug")
		}
		return new(emptypb.Empty), nil
	}
	return grpc.MethodDesc{MethodName: method[strings.LastIndex(method, "/")+1:],
		Handler: func(_ any, ctx context.Context, dec func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
			in := new(emptypb.Empty)
			if err := dec(in); err != nil {
				return nil, err
			}
			return i(ctx, in, &grpc.UnaryServerInfo{FullMethod: method}, call)
		}}
}

func (n *node) stream(_ any, s grpc.ServerStream) error {
	n.calls.Add(1)
	for in := new(emptypb.Empty); s.RecvMsg(in) == nil; {
		if err := s.SendMsg(in); err != nil {
			return err
		}
	}
	return nil
}

// serve starts a node that ends with the test. wrap may change its listener.
func serve(t *testing.T, opts []grpc.ServerOption, wrap func(net.Listener) net.Listener) *node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{addr: l.Addr().String()}
	if wrap != nil {
		l = wrap(l)
	}
	d := &grpc.ServiceDesc{ServiceName: "test.Node", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{
		{StreamName: "Echo", Handler: n.stream, ServerStreams: true, ClientStreams: true},
		{StreamName: "Hidden", Handler: n.stream, ServerStreams: true, ClientStreams: true},
	}}
	for _, m := range []string{about, submit, nobody, unknown, panics} {
		d.Methods = append(d.Methods, n.unary(m))
	}
	s := grpc.NewServer(opts...)
	s.RegisterService(d, n)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	n.stop = sync.OnceFunc(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

func dial(t *testing.T, addr string, opts []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient("passthrough:///"+addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// call calls a method over a connection of its own.
func call(t *testing.T, addr, method string, opts []grpc.DialOption) error {
	t.Helper()
	c := dial(t, addr, opts)
	defer c.Close()
	return invoke(t, c, method)
}

func invoke(t *testing.T, c *grpc.ClientConn, method string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if method != echo && method != hidden {
		return c.Invoke(ctx, method, new(emptypb.Empty), new(emptypb.Empty))
	}
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	if err := s.SendMsg(new(emptypb.Empty)); err != nil && err != io.EOF { // after which RecvMsg has the reason
		return err
	}
	return s.RecvMsg(new(emptypb.Empty))
}

// contains says whether s has all of words. Errors within grpc's are quoted.
func contains(s string, words ...string) bool {
	s = strings.ReplaceAll(s, `\"`, `"`)
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
