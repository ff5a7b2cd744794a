package node

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill/executor/identity"
)

// The test binary is also the worker, the hosted driver, and a daemon in a process of its own.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("TIDEMILL_MODE") == "worker":
		workerMain()
	case os.Getenv("TIDEMILL_MODE") == "run":
		driverMain()
	case os.Getenv("NODE_TEST_DAEMON") != "":
		daemonMain(os.Getenv("NODE_TEST_DAEMON"))
	}
	goleak.VerifyTestMain(m)
}

// workerMain does what its setup says, and then a line from each connection.
func workerMain() {
	w, err := ReceiveWelcome()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	what, _, _ := strings.Cut(string(w.Setup), " ")
	switch what {
	case "die":
		fmt.Fprintln(os.Stderr, "no disk\nfor this")
		os.Exit(3)
	case "silent":
		select {}
	case "sorry":
		w.SayReady(Ready{Err: "another graph"})
		os.Exit(1)
	case "liar":
		w.SayReady(Ready{Address: "nowhere"})
		select {}
	}
	l, err := net.Listen("tcp", w.Listen)
	if err != nil {
		panic(err)
	}
	w.SayReady(Ready{Address: l.Addr().String()})
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go obey(w, c)
	}
}

var eaten [][]byte

func obey(w Welcome, c net.Conn) {
	line, _ := bufio.NewReader(c).ReadString('\n')
	switch what := strings.TrimSpace(line); what {
	case "panic":
		panic("a bug of the job")
	case "exit":
		os.Exit(0)
	case "eat":
		for {
			b := make([]byte, 8<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			eaten = append(eaten, b)
		}
	case "dig": // what there is of the surroundings
		status, _ := os.ReadFile("/proc/self/status")
		limits, _ := os.ReadFile("/proc/self/limits")
		exe, _ := os.Readlink("/proc/self/exe")
		dir, _ := os.Getwd()
		in, _ := os.Readlink("/proc/self/fd/0")
		entries, _ := os.ReadDir(".")
		os.WriteFile("left-behind", []byte("x"), 0o600)
		json.NewEncoder(c).Encode(dug{os.Environ(), os.Args, string(status), string(limits), exe, dir, in, len(entries), syscall.Getpgrp(), w})
		c.Close()
	case "hold":
		io.Copy(io.Discard, c)
	default:
		fmt.Println(what)
		c.Close()
	}
}

type dug struct {
	Env, Args                       []string
	Status, Limits, Exe, Dir, Stdin string
	Entries, Group                  int
	Welcome                         Welcome
}

// driverMain is a hosted driver; its first argument says what it does.
func driverMain() {
	h, hosted, err := ReceiveHosting()
	told := os.Getenv("TIDEMILL_TELL")
	fmt.Println("driver", hosted, err, h.Executor, h.Gossip != "", os.Getenv("TIDEMILL_JOB_FILE"), os.Getenv("TIDEMILL_UI"), os.Getenv("TIDEMILL_FRESH"), os.Getenv("TIDEMILL_STANDBY"))
	config, _ := os.ReadFile(os.Getenv("TIDEMILL_CONFIG"))
	fmt.Printf("config %q\n", config)
	os.WriteFile(told, []byte("7"), 0o600)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch os.Args[1] {
	case "end":
		os.Exit(0)
	case "fail":
		fmt.Fprintln(os.Stderr, "no such topic")
		os.Exit(1)
	case "crash":
		panic("a bug")
	case "crash-once":
		if os.Getenv("TIDEMILL_FRESH") != "" {
			panic("a bug")
		}
	}
	fmt.Println("up")
	<-stop
	fmt.Println("finished the batch")
	os.Exit(0)
}

// daemonMain is a daemon whose output tells where it is.
func daemonMain(dir string) {
	now := make(chan struct{})
	ctx, end := context.WithCancel(context.Background())
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		end()
		<-stop
		close(now)
	}()
	err := Run(ctx, Options{Name: "e1", Listen: "127.0.0.1:0", Gossip: "127.0.0.1:0", Dir: dir, Memory: 1 << 30, Now: now, Grace: time.Hour, Out: io.Discard,
		Started: func(a About) { fmt.Println(a.Address) }})
	fmt.Println("ended", err)
	os.Exit(0)
}

// lines collects output and lets tests wait for some of it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the output has a text.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("no %q in:\n%s", text, l)
		}
	}
}

// world is a daemon in this process and a client of it.
type world struct {
	*Client
	about About
	out   *lines
	dir   string
	end   context.CancelFunc
	ended chan struct{}
	err   error // after ended
	now   chan struct{}
}

// at once is a clock that does not wait.
func atOnce(time.Duration) <-chan time.Time { return time.After(0) }

// try starts a daemon for the time of the test, or returns why it does not start.
func try(t *testing.T, o Options) (*world, error) {
	t.Helper()
	w := &world{out: newLines(), dir: o.Dir, ended: make(chan struct{}), now: make(chan struct{})}
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	if o.Name == "" {
		o.Name = "e1"
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Gossip == "" {
		o.Gossip = "127.0.0.1:0"
	}
	if o.Memory == 0 {
		o.Memory = 2 << 30
	}
	if o.after == nil {
		o.after = atOnce
	}
	started := make(chan About, 1)
	o.Dir, o.Out, o.Now, o.Started = w.dir, w.out, w.now, func(a About) { started <- a }
	ctx, end := context.WithCancel(context.Background())
	w.end = end
	go func() {
		defer close(w.ended)
		w.err = Run(ctx, o)
	}()
	t.Cleanup(func() {
		end()
		<-w.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", o.Name, w.out)
		}
	})
	select {
	case w.about = <-started:
	case <-w.ended:
		return nil, w.err
	}
	w.Client = dial(t, w.about.Address, o.Credentials)
	return w, nil
}

func dial(t *testing.T, addr string, c *identity.Credentials) *Client {
	t.Helper()
	out, err := Dial(addr, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return out
}

func start(t *testing.T, o Options) *world {
	t.Helper()
	w, err := try(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// self is this binary and its manifest.
var self = sync.OnceValues(func() ([]byte, identity.Manifest) {
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		panic(err)
	}
	return b, manifest(b)
})

func manifest(b []byte) identity.Manifest {
	sum := sha256.Sum256(b)
	return identity.Manifest{Job: "ads", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b)), OS: runtime.GOOS, Arch: runtime.GOARCH, Engine: Engine}
}

func signed(t *testing.T, m identity.Manifest, c *identity.Credentials) identity.Signed {
	t.Helper()
	s, err := c.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put hands this binary over and returns its digest.
func (w *world) put(t *testing.T) string {
	t.Helper()
	b, m := self()
	if err := w.Put(t.Context(), signed(t, m, nil), bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return m.SHA256
}

// worker starts one that obeys.
func (w *world) worker(t *testing.T, job string, epoch int64) Worker {
	t.Helper()
	_, m := self()
	got, err := w.Start(t.Context(), Start{Job: job, SHA256: m.SHA256, Setup: []byte("serve"), Epoch: epoch, Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// listen attends a job, and gives its events.
func (w *world) listen(t *testing.T, job string, epoch int64) (events <-chan Event, ended <-chan error, leave context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ev, end := make(chan Event, 100), make(chan error, 1)
	var over sync.WaitGroup
	over.Go(func() { end <- w.Attend(ctx, job, epoch, func(e Event) { ev <- e }) })
	t.Cleanup(func() { cancel(); over.Wait() })
	w.attended(t, job, epoch)
	return ev, end, cancel
}

// attended waits until a driver attends a job.
func (w *world) attended(t *testing.T, job string, epoch int64) {
	t.Helper()
	w.until(t, job, func(s JobStatus) bool { return s.Driver != "" && s.Epoch == epoch })
}

// until asks for a job until it is as wanted; a job that is not there is the zero JobStatus.
func (w *world) until(t *testing.T, job string, is func(JobStatus) bool) JobStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		jobs, err := w.Jobs(ctx)
		if err != nil {
			t.Fatalf("%v; jobs %+v", err, jobs)
		}
		var s JobStatus
		for _, j := range jobs {
			if j.Job == job {
				s = j
			}
		}
		if is(s) {
			return s
		}
	}
}

// next waits for an event.
func next(t *testing.T, events <-chan Event, kind string) Event {
	t.Helper()
	select {
	case e := <-events:
		if e.Kind != kind {
			t.Fatalf("event %+v, want %s", e, kind)
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatalf("no event %s", kind)
	}
	panic("unreachable")
}

// tell sends a line to a worker and leaves the connection open.
func tell(t *testing.T, addr, line string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintln(c, line)
	return c
}

// dies waits until the other end of a connection is gone.
func dies(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
}

func exists(dir string, names ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{dir}, names...)...))
	return err == nil
}
