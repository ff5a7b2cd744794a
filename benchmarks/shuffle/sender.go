package shuffle

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

// serving begins the line in which the sender says where it listens.
const serving = "serving"

// serve is the sending process: it says where it listens, serves until its input ends, and says what it took.
func serve(ctx context.Context, w io.Writer, in io.Reader, o Options) error {
	creds, err := credentials(o.Certs, "sender")
	if err != nil {
		return err
	}
	heap := make([]byte, ballast)
	defer runtime.KeepAlive(heap)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(append(control.ServerOptions(), creds.ServerOptions(flight.Roles())...)...)
	flight.NewServer(hold(o.Chunk, o.Chunks), flight.Options{}).Register(server)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	_, err = fmt.Fprintln(w, serving, l.Addr())
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	server.Stop()
	running.Wait()
	return err
}

// credentials loads those of a member, if there are any.
func credentials(dir, name string) (*identity.Credentials, error) {
	if dir == "" {
		return identity.Load(identity.Options{})
	}
	at := func(file string) string { return filepath.Join(dir, "nodes", name, file) }
	return identity.Load(identity.Options{CA: at("ca.crt"), Cert: at("node.crt"), Key: at("node.key")})
}

// issue makes certificates for both processes.
func issue(dir string) error {
	a, err := authority.Init(dir, "shuffle", false)
	if err != nil {
		return err
	}
	for _, name := range []string{"sender", "reader"} {
		if _, err := a.Issue(authority.Order{Name: name, Roles: []identity.Role{identity.Executor}}); err != nil {
			return err
		}
	}
	return nil
}

// sender is the other process, as the reading one sees it.
type sender struct {
	cmd     *exec.Cmd
	in      io.Closer
	address string
}

// start starts this program again as a sender.
func start(ctx context.Context, o Options) (*sender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	s := &sender{cmd: exec.CommandContext(ctx, self, "shuffle")}
	s.cmd.Env = append(os.Environ(), serveVariable+"="+string(settings))
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.in = in
	for lines := bufio.NewScanner(out); s.address == "" && lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), serving+" "); ok {
			s.address = address
		}
	}
	if s.address == "" {
		_, err := s.stop()
		return nil, errors.Join(errors.New("the sending process does not say where it listens"), err)
	}
	return s, nil
}

// stop ends the process and returns the CPU time that it took.
func (s *sender) stop() (time.Duration, error) {
	s.in.Close()
	err := s.cmd.Wait()
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), err
}
