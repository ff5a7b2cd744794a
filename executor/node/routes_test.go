package node

import (
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
)

// mayCall is every method that a daemon or a worker registers, and the roles that may call it; the others nobody may. It is written out a
// second time, so that a change of the tables in the code has to be made here too.
var mayCall = map[string]string{
	"/tidemill.Node/About":  "driver executor submitter viewer",
	"/tidemill.Node/Jobs":   "driver executor submitter viewer",
	"/tidemill.Node/Reach":  "executor",
	"/tidemill.Node/Has":    "driver submitter",
	"/tidemill.Node/Put":    "driver submitter",
	"/tidemill.Node/Stop":   "driver submitter",
	"/tidemill.Node/Ask":    "driver submitter",
	"/tidemill.Node/Start":  "driver",
	"/tidemill.Node/Attend": "driver",
	"/tidemill.Node/Submit": "submitter",
	"/tidemill.Node/Cancel": "submitter",

	"/tidemill.Control/Attach": "driver",

	"/arrow.flight.protocol.FlightService/DoGet":          "executor",
	"/arrow.flight.protocol.FlightService/DoPut":          "",
	"/arrow.flight.protocol.FlightService/DoExchange":     "",
	"/arrow.flight.protocol.FlightService/DoAction":       "",
	"/arrow.flight.protocol.FlightService/ListActions":    "",
	"/arrow.flight.protocol.FlightService/ListFlights":    "",
	"/arrow.flight.protocol.FlightService/GetFlightInfo":  "",
	"/arrow.flight.protocol.FlightService/GetSchema":      "",
	"/arrow.flight.protocol.FlightService/Handshake":      "",
	"/arrow.flight.protocol.FlightService/PollFlightInfo": "",
}

// outside is an address that is not loopback: in a network namespace of the test's own.
const outside = "10.77.0.1"

// TestRoutes calls every method of both servers at an address that is not loopback. Without root it calls them on loopback.
func TestRoutes(t *testing.T) {
	host := "127.0.0.2"
	switch {
	case os.Getenv("NODE_TEST_ROUTES") != "":
		for _, args := range []string{"link set lo up", "addr add " + outside + "/32 dev lo"} {
			if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
				t.Fatalf("ip %s: %v: %s", args, err, out)
			}
		}
		host = outside
	case os.Getuid() == 0 && ipThere():
		inNamespace(t)
		return
	}
	c, stranger := newCA(t), newCA(t).as("dr", identity.Roles()...)
	credentials := c.as("a", identity.Executor)
	for name, server := range map[string]*grpc.Server{"daemon": daemonServer(credentials), "worker": workerServer(credentials)} {
		methods := methodsOf(t, server)
		addr := serveAt(t, server, host)
		callers := map[string][]grpc.DialOption{
			"somebody without TLS": {grpc.WithTransportCredentials(insecure.NewCredentials())},
			"one of another CA":    stranger.DialOptions(),
		}
		for _, r := range identity.Roles() {
			callers[string(r)] = c.as(name+"-"+string(r), r).DialOptions()
		}
		for who, o := range callers {
			conn, err := grpc.NewClient("passthrough:///"+addr, o...)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, m := range methods {
				may := slices.Contains(strings.Fields(mayCall[m]), who)
				if err := knock(t, conn, m); may == refusedBy(err) {
					t.Errorf("%s: %s by %s: %v", name, m, who, err)
				}
			}
		}
	}
}

func ipThere() bool {
	_, err := exec.LookPath("ip")
	return err == nil
}

// inNamespace runs the calling test again where there is no other network.
func inNamespace(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "NODE_TEST_ROUTES=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Errorf("%v:\n%s", err, out)
	}
}

func daemonServer(c *identity.Credentials) *grpc.Server {
	d := &daemon{o: Options{Name: "a", Credentials: c}, jobs: map[string]*job{}}
	s := grpc.NewServer(c.ServerOptions(Roles())...)
	s.RegisterService(&desc, d)
	return s
}

// workerServer is put together as the driver's package does it in a worker.
func workerServer(c *identity.Credentials) *grpc.Server {
	roles := control.Roles()
	maps.Copy(roles, flight.Roles())
	s := grpc.NewServer(append(c.ServerOptions(roles), control.ServerOptions()...)...)
	control.NewWorker(control.WorkerOptions{Name: "a", Job: "ads", Attach: func(wire.Attach) (wire.Hello, error) { return wire.Hello{}, ErrInvalid },
		Take: func(wire.Message) {}, Lost: func(error) {}}).Register(s)
	flight.NewServer(nil, flight.Options{}).Register(s)
	return s
}

// methodsOf is every method that a server has, each of which must have its line in mayCall.
func methodsOf(t *testing.T, s *grpc.Server) (out []string) {
	t.Helper()
	for service, info := range s.GetServiceInfo() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if _, ok := mayCall[full]; !ok {
				t.Errorf("%s is new: say in mayCall who may call it", full)
			}
			out = append(out, full)
		}
	}
	for full := range mayCall {
		if service, _, _ := strings.Cut(full[1:], "/"); s.GetServiceInfo()[service].Methods != nil && !slices.Contains(out, full) {
			t.Errorf("%s is in mayCall, and not served", full)
		}
	}
	return append(out, "/tidemill.Node/NoSuchMethod")
}

func serveAt(t *testing.T, s *grpc.Server, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		<-ended
	})
	return l.Addr().String()
}

// knock calls a method with a message that it does not understand.
func knock(t *testing.T, conn *grpc.ClientConn, method string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, engineHeader, "none")
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodec(garbage{}))
	if err == nil {
		err = s.SendMsg([]byte{0xff})
	}
	if s != nil {
		s.CloseSend()
		err = s.RecvMsg(nil)
	}
	return err
}

// refusedBy tells whether a call did not come as far as the method.
func refusedBy(err error) bool {
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unavailable:
		return true
	}
	return false
}

// garbage sends what no codec reads, and takes any answer.
type garbage struct{}

func (garbage) Name() string                  { return subtype }
func (garbage) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (garbage) Unmarshal([]byte, any) error   { return nil }
