package node

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

func trailerOf(md *metadata.MD) grpc.CallOption { return grpc.Trailer(md) }

// members waits until a daemon sees as many.
func (w *world) members(t *testing.T, n int) []string {
	t.Helper()
	for {
		a, err := w.About(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Members) == n {
			return a.Members
		}
	}
}

func TestThreeDaemons(t *testing.T) {
	a := start(t, Options{Name: "a", Listen: "127.0.0.1:0", Gossip: "127.0.0.1:0"})
	b := start(t, Options{Name: "b", Listen: "127.0.0.2:0", Gossip: "127.0.0.2:0", Join: []string{a.about.Gossip}})
	c := start(t, Options{Name: "c", Listen: "127.0.0.3:0", Gossip: "127.0.0.3:0", Join: []string{b.about.Gossip}})
	want := []string{"a " + a.about.Address, "b " + b.about.Address, "c " + c.about.Address}
	for _, w := range []*world{a, b, c} {
		if got := w.members(t, 3); !slices.Equal(got, want) {
			t.Errorf("%s sees %v", w.about.Name, got)
		}
		w.put(t)
		if got := w.worker(t, "ads", 1); got.Executor != w.about.Name || !strings.HasPrefix(got.Address, strings.Split(w.about.Address, ":")[0]) {
			t.Errorf("%+v", got)
		}
	}
	b.end()
	<-b.ended
	a.members(t, 2)
	c.members(t, 2)
	if err := b.Attend(t.Context(), "ads", 1, nil); err == nil {
		t.Error("a daemon that is gone was attended")
	}
}

// TestSecondJobCrashing has two jobs share an executor, and one of them crash again and again.
func TestSecondJobCrashing(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	events, _, _ := w.listen(t, "bad", 1)
	good := w.worker(t, "good", 1)
	hold := tell(t, good.Address, "hold")
	bad := w.worker(t, "bad", 1)
	for range 5 {
		for e := range events {
			if e.Kind == EventStarted {
				bad = e.Worker
				break
			}
		}
		dies(t, tell(t, bad.Address, "panic"))
	}
	s := w.until(t, "bad", func(s JobStatus) bool { return s.Restarts >= 5 && s.State == "running" })
	if s.Worker.Pid == bad.Pid {
		t.Errorf("%+v", s)
	}
	if got := w.worker(t, "good", 1); got.Pid != good.Pid || got.Address != good.Address {
		t.Errorf("the good job's worker is %+v, was %+v", got, good)
	}
	hold.Close()
}

func TestTwoOfAName(t *testing.T) {
	a := start(t, Options{Name: "a"})
	_, err := try(t, Options{Name: "a", Join: []string{a.about.Gossip}})
	if err == nil || !strings.Contains(err.Error(), "runs at "+a.about.Address+" already, this one would be at 127.0.0.1:") {
		t.Error(err)
	}
	a.members(t, 1)
}

func TestUnreachableAddressIsFound(t *testing.T) {
	a := start(t, Options{Name: "a"})
	// A listener that is closed: its address is announced and nobody is there.
	_, err := try(t, Options{Name: "b", Advertise: "127.0.0.77", Listen: "127.0.0.5:0", Gossip: "127.0.0.5:0", Join: []string{a.about.Gossip}})
	if err == nil || !strings.Contains(err.Error(), "the others cannot reach this executor at 127.0.0.77:") {
		t.Error(err)
	}
	a.members(t, 1)
}

func TestOptionsThatAreRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	used := start(t, Options{})
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"everybody":        {Options{Listen: "0.0.0.0:0"}, "--advertise"},
		"no certificates":  {Options{Listen: "0.0.0.0:0", Advertise: "10.0.0.1"}, "listen on 127.0.0.1"},
		"gossip to all":    {Options{Gossip: "0.0.0.0:0"}, "listen on 127.0.0.1"},
		"no port":          {Options{Listen: "127.0.0.1"}, "not host:port"},
		"a name of spaces": {Options{Name: "my node"}, `executor name "my node"`},
		"many slots":       {Options{Slots: 5000}, "5000 is not 1 to 4096"},
		"little memory":    {Options{Memory: 1 << 20}, "1 MiB is less than 64 MiB"},
		"a port in use":    {Options{Listen: taken.Addr().String()}, "another --listen"},
		"a folder in use":  {Options{Dir: used.dir}, "another executor uses it"},
		"a secret's seed":  {Options{Join: []string{taken.Addr().String()}}, "does not let this node in"},
	} {
		if name == "a secret's seed" {
			go func() { // it answers, and not as a member would
				for {
					conn, err := taken.Accept()
					if err != nil {
						return
					}
					conn.Close()
				}
			}()
		}
		if w, err := try(t, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, w, err)
		}
	}
}

// daemonProcess is a daemon in a process of its own, with a worker.
func daemonProcess(t *testing.T) (*exec.Cmd, *bufio.Reader, *Client, Worker) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NODE_TEST_DAEMON="+t.TempDir())
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	out := bufio.NewReader(pipe)
	addr, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(strings.TrimSpace(addr), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	b, m := self()
	if err := c.Put(t.Context(), signed(t, m, nil), bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Start(t.Context(), Start{Job: "ads", SHA256: m.SHA256, Setup: []byte("serve")})
	if err != nil {
		t.Fatal(err)
	}
	return cmd, out, c, w
}

func TestWorkersDieWithTheirDaemon(t *testing.T) {
	cmd, _, c, w := daemonProcess(t)
	hold := tell(t, w.Address, "hold")
	attending := make(chan error)
	told := make(chan Event, 10)
	go func() { attending <- c.Attend(t.Context(), "ads", 1, func(e Event) { told <- e }) }()
	next(t, told, EventStarted)
	cmd.Process.Kill()
	dies(t, hold)
	if err := <-attending; err == nil {
		t.Error("the driver does not know that the daemon is gone")
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd, out, c, w := daemonProcess(t)
	hold := tell(t, w.Address, "hold")
	told, attending := make(chan Event, 10), make(chan error)
	go func() { attending <- c.Attend(t.Context(), "ads", 1, func(e Event) { told <- e }) }()
	next(t, told, EventStarted)
	cmd.Process.Signal(syscall.SIGTERM)
	next(t, told, EventDraining)
	cmd.Process.Signal(syscall.SIGTERM)
	dies(t, hold)
	if text, err := out.ReadString('\n'); err != nil || text != "ended <nil>\n" {
		t.Error(text, err)
	}
	if err := <-attending; err == nil || errors.Is(err, ErrReplaced) {
		t.Error(err)
	}
}
