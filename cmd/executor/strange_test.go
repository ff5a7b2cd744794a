package main

import (
	"context"
	"encoding/json"
	"net"
	"runtime"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"

	"github.com/tidemill/tidemill/executor/node"
)

// strange is the address of what speaks as an executor of another version: it says who it is, which is the same in all of them.
func strange(t *testing.T, engine string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	about := node.About{Name: "ex-7", Incarnation: 1, Address: l.Addr().String(), Engine: engine, OS: runtime.GOOS, Arch: runtime.GOARCH, Slots: 2, MemoryFree: 1 << 30}
	s := grpc.NewServer(grpc.ForceServerCodec(jsonCodec{}))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "tidemill.Node", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "About",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return about, decode(&struct{}{})
		},
	}}}, struct{}{})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		<-ended
	})
	return l.Addr().String()
}

type jsonCodec struct{}

var _ encoding.Codec = jsonCodec{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(b []byte, into any) error { return json.Unmarshal(b, into) }
