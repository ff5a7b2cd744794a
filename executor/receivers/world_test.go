package receivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ex is an executor of a test: a server with a folder, which can be lost and come back.
type ex struct {
	t    *testing.T
	dir  string
	root *os.Root
	h    Holder
	g    *grpc.Server

	mu   sync.Mutex
	up   bool
	done chan struct{}
	// fault is asked before and after each call, and after each answer of a read; true: the executor is lost at that moment.
	fault func(method, point string) bool
	// refuse is asked before each call; true: it fails. Set before the first call.
	refuse func(method string) bool
}

func (e *ex) start() {
	e.t.Helper()
	l, err := net.Listen("tcp", e.h.Address)
	if err != nil {
		e.t.Fatal(err)
	}
	e.h.Address = l.Addr().String()
	var none *identity.Credentials
	e.g = grpc.NewServer(append(none.ServerOptions(Roles()), grpc.MaxRecvMsgSize(maxMessage), grpc.ChainUnaryInterceptor(e.unary), grpc.ChainStreamInterceptor(e.stream))...)
	NewServer(e.root).Register(e.g)
	g, done := e.g, make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.up, e.done = true, done
	go func() { defer close(done); _ = g.Serve(l) }()
}

// lose ends the server as a crash would: calls that are under way fail.
func (e *ex) lose() {
	e.mu.Lock()
	up := e.up
	e.up = false
	e.mu.Unlock()
	if up {
		go e.g.Stop() // it waits for the very call that loses it
		<-e.done
	}
}

var errLost = status.Error(codes.Unavailable, "lost")

func (e *ex) at(method, point string) bool {
	e.mu.Lock()
	f := e.fault
	e.mu.Unlock()
	if f == nil || !f(method[strings.LastIndexByte(method, '/')+1:], point) {
		return false
	}
	e.lose()
	return true
}

func (e *ex) unary(ctx context.Context, in any, i *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
	if e.at(i.FullMethod, "before") || e.refuse != nil && e.refuse(i.FullMethod[strings.LastIndexByte(i.FullMethod, '/')+1:]) {
		return nil, errLost
	}
	out, err := h(ctx, in)
	if e.at(i.FullMethod, "after") {
		return nil, errLost
	}
	return out, err
}

type faultyStream struct {
	grpc.ServerStream
	e *ex
}

func (s faultyStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if s.e.at("/Read", "during") {
		return errLost
	}
	return err
}

func (e *ex) stream(srv any, s grpc.ServerStream, i *grpc.StreamServerInfo, h grpc.StreamHandler) error {
	if e.at(i.FullMethod, "before") {
		return errLost
	}
	return h(srv, faultyStream{s, e})
}

func (e *ex) setFault(f func(method, point string) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault = f
}

// segments are the paths of its files.
func (e *ex) segments() (out []string) {
	all, _ := os.ReadDir(e.dir + "/job/lines")
	for _, f := range all {
		if _, _, ok := parseFile(f.Name()); ok {
			out = append(out, e.dir+"/job/lines/"+f.Name())
		}
	}
	return out
}

// world is some executors, and who asks for the live ones.
type world struct {
	t     *testing.T
	all   []*ex
	mu    sync.Mutex
	warns []string
	waits []string
	blind map[string]bool // executors that nobody has discovered
}

func newWorld(t *testing.T, n int) *world {
	w := &world{t: t, blind: map[string]bool{}}
	for i := range n {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		e := &ex{t: t, dir: dir, root: root, h: Holder{Name: fmt.Sprintf("ex-%d", i+1), Address: fmt.Sprintf("127.0.0.%d:0", i+1), Rack: fmt.Sprint(i % 2)}}
		e.start()
		t.Cleanup(func() { e.lose(); e.g.Stop(); root.Close() })
		w.all = append(w.all, e)
	}
	return w
}

func (w *world) live() (out []Holder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.all {
		e.mu.Lock()
		if e.up && !w.blind[e.h.Name] {
			out = append(out, e.h)
		}
		e.mu.Unlock()
	}
	return out
}

func (w *world) note(to *[]string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*to = append(*to, text)
}

func (w *world) options(epoch int64) Options {
	return Options{
		Job: "job", Incarnation: 7, Epoch: epoch, Live: w.live, SegmentBytes: 2000,
		Warn:    func(s string) { w.note(&w.warns, s) },
		Waiting: func(s string) func() { w.note(&w.waits, s); return func() {} },
		Answer:  5 * time.Second, Patience: 300 * time.Millisecond, Loss: 600 * time.Millisecond,
	}
}

// driver is one that writes the log "lines".
type driver struct {
	*world
	js *Journals
	w  *writer
}

func (w *world) driver(epoch int64, from dstream.Offsets) *driver {
	w.t.Helper()
	d, err := w.try(w.options(epoch), from)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) try(o Options, from dstream.Offsets) (*driver, error) {
	js := Open(o)
	jw, err := js.Journal("lines").Open(w.t.Context(), from)
	if err != nil {
		return nil, errors.Join(err, js.Close())
	}
	d := &driver{w, js, jw.(*writer)}
	w.t.Cleanup(func() { d.w.Close(); d.js.Close() })
	return d, nil
}

// kill ends a driver without a last word.
func (d *driver) kill() {
	d.w.mu.Lock()
	d.w.dead = errors.New("killed")
	d.w.mu.Unlock()
	d.w.Close()
	d.js.Close()
}

func (d *driver) append(text string) {
	d.t.Helper()
	if err := d.w.Append(d.t.Context(), []byte(text), false); err != nil {
		d.t.Fatal(err)
	}
}

func (d *driver) sync() int64 {
	d.t.Helper()
	_, end, err := d.w.Sync(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return end
}

func (d *driver) split(from, to int64) dstream.Split {
	return dstream.Split{From: from, To: to, Body: d.w.Body(from, to)}
}

// read reads a split as a worker does.
func read(t *testing.T, s dstream.Split) (string, error) {
	t.Helper()
	js := NewReader(nil)
	defer js.Close()
	var out bytes.Buffer
	at := s.From
	err := js.Journal("lines").Read(t.Context(), s, func(r dstream.JournalRecord) (bool, error) {
		if r.At != at {
			t.Errorf("a record at %d, want %d", r.At, at)
		}
		at += int64(len(r.Payload))
		out.Write(r.Payload)
		return true, nil
	})
	return out.String(), err
}

func wantRead(t *testing.T, s dstream.Split, want string) {
	t.Helper()
	got, err := read(t, s)
	if err != nil || got != want {
		t.Errorf("read %d bytes, want %d; %v", len(got), len(want), err)
	}
}

func text(i int) string { return fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i*37%113)) }

func has(texts []string, part string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, part) })
}
