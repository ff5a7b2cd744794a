package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/gossip"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// The test binary is also the worker of real_test.go.
func TestMain(m *testing.M) {
	if os.Getenv("TIDEMILL_MODE") == "worker" {
		workerMain()
	}
	// A last probe of memberlist outlives its Shutdown until its time is over.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).probeNode"))
}

// world is a network of executors in memory. Its time is that of the test's bubble.
type world struct {
	mu        sync.Mutex
	executors map[string]*machine // by address
	deaf      bool                // the gossip lets nobody in
	changed   chan struct{}
	lives     uint64 // incarnations given so far
	pids      int
	puts      []string // executors that were given the binary
	most      int      // of uploads at a time
	putting   int
}

// machine is an executor, and the worker on it.
type machine struct {
	w       *world
	about   node.About
	hidden  bool          // from gossip
	down    bool          // refuses connections
	silent  bool          // takes them and never answers
	worker  bool          // answers on the stream too; false: hangs
	refuse  error         // of Start
	slow    time.Duration // of Start
	has     bool          // the binary
	pid     int           // of its worker, 0: none
	graph   string        // of its worker
	epoch   int64         // of the driver that it serves
	claims  string        // the name that the worker says
	stopped int           // how often it was asked to stop the worker
	streams []*fakeStream
	attends map[chan node.Event]context.Context
}

func newWorld() *world {
	return &world{executors: map[string]*machine{}, changed: make(chan struct{}, 1)}
}

func (w *world) add(name, address string) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives++
	x := &machine{w: w, worker: true, graph: "g", claims: name, attends: map[chan node.Event]context.Context{}, about: node.About{
		Name: name, Incarnation: w.lives, Address: address, Gossip: "gossip-" + address, Engine: node.Engine, OS: runtime.GOOS, Arch: runtime.GOARCH,
		Slots: 2, MemoryTotal: 8 << 30, MemoryFree: 4 << 30,
	}}
	w.executors[address] = x
	w.tell()
	return x
}

func (w *world) tell() { wake(w.changed) }

// named is the machine of a name; of two, that at the first address.
func (w *world) named(name string) *machine {
	for _, a := range slices.Sorted(maps.Keys(w.executors)) {
		if w.executors[a].about.Name == name {
			return w.executors[a]
		}
	}
	panic("no executor " + name)
}

func (w *world) join(context.Context, gossip.Options) (ring, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf {
		return nil, errors.New("another secret")
	}
	return &fakeRing{w}, nil
}

type fakeRing struct{ w *world }

func (r *fakeRing) Changed() <-chan struct{}    { return r.w.changed }
func (r *fakeRing) Leave(context.Context) error { return nil }
func (r *fakeRing) Nodes() (out []gossip.Node) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	for _, a := range slices.Sorted(maps.Keys(r.w.executors)) {
		if x := r.w.executors[a]; !x.hidden && !x.down {
			out = append(out, gossip.Node{Name: x.about.Name, Kind: "executor", Address: a, Incarnation: x.about.Incarnation, Engine: x.about.Engine})
		}
	}
	return append(out, gossip.Node{Name: "driver-x", Kind: "driver", Address: "nowhere"})
}

func (w *world) dial(address string) (daemon, error) { return &fakeClient{w, address}, nil }

// fakeClient finds its machine anew with each call, as a connection that is made again.
type fakeClient struct {
	w       *world
	address string
}

func (c *fakeClient) Close() error { return nil }

// reach gives the machine, with the lock held; or waits as long as ctx if it is silent.
func (c *fakeClient) reach(ctx context.Context) (*machine, error) {
	c.w.mu.Lock()
	x := c.w.executors[c.address]
	if x == nil || x.down {
		c.w.mu.Unlock()
		return nil, fmt.Errorf("executor at %s: About: %w", c.address, status.Error(codes.Unavailable, "connection refused"))
	}
	if x.silent {
		c.w.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return x, nil
}

func (c *fakeClient) About(ctx context.Context) (node.About, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return node.About{}, err
	}
	defer c.w.mu.Unlock()
	a := x.about
	for _, address := range slices.Sorted(maps.Keys(c.w.executors)) {
		if x.pid != 0 {
			a.Jobs = []string{"ads"}
		}
		a.Members = append(a.Members, c.w.executors[address].about.Name+" "+address)
	}
	return a, nil
}

func (c *fakeClient) Has(ctx context.Context, _ string) (bool, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return false, err
	}
	defer c.w.mu.Unlock()
	return x.has, nil
}

func (c *fakeClient) Put(ctx context.Context, s identity.Signed, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	if string(b) != "binary" || s.Manifest.Size != 6 {
		return node.ErrAltered
	}
	c.w.putting++
	c.w.most = max(c.w.most, c.w.putting)
	c.w.mu.Unlock()
	time.Sleep(time.Millisecond) // of the bubble's time
	c.w.mu.Lock()
	c.w.putting--
	c.w.puts = append(c.w.puts, x.about.Name)
	x.has = true
	return nil
}

func (c *fakeClient) Start(ctx context.Context, s node.Start) (node.Worker, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return node.Worker{}, err
	}
	if slow := x.slow; slow > 0 {
		c.w.mu.Unlock()
		select {
		case <-time.After(slow):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return node.Worker{}, ctx.Err()
		}
		c.w.mu.Lock()
	}
	defer c.w.mu.Unlock()
	if x.refuse != nil {
		return node.Worker{}, x.refuse
	}
	if !x.has {
		return node.Worker{}, node.ErrNoBinary
	}
	if x.pid == 0 {
		c.w.pids++
		x.pid = c.w.pids
	}
	return node.Worker{Job: s.Job, Executor: x.about.Name, Address: "worker-" + c.address, Pid: x.pid, Slots: x.about.Slots}, nil
}

func (c *fakeClient) Attend(ctx context.Context, _ string, _ int64, told func(node.Event)) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	events := make(chan node.Event, 16)
	x.attends[events] = ctx
	c.w.mu.Unlock()
	defer func() {
		c.w.mu.Lock()
		delete(x.attends, events)
		c.w.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-events:
			if !ok {
				return status.Error(codes.Unavailable, "the executor has ended")
			}
			told(e)
		}
	}
}

func (c *fakeClient) Jobs(ctx context.Context) ([]node.JobStatus, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return nil, err
	}
	defer c.w.mu.Unlock()
	return []node.JobStatus{{Job: "other", Epoch: 99}, {Job: "ads", Epoch: x.epoch}}, nil
}

func (c *fakeClient) Stop(ctx context.Context, _ string) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	x.stopped++
	x.pid = 0
	x.cut(errors.New("stopped"))
	return nil
}

func (w *world) open(ctx context.Context, o control.StreamOptions) (stream, error) {
	w.mu.Lock()
	x := w.executors[strings.TrimPrefix(o.Address, "worker-")]
	if x == nil || x.down || x.pid == 0 {
		w.mu.Unlock()
		return nil, status.Error(codes.Unavailable, "connection refused")
	}
	if !x.worker {
		w.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	defer w.mu.Unlock()
	w.lives++
	s := &fakeStream{done: make(chan struct{}), report: o.Report, hello: wire.Hello{
		Worker: x.claims, Incarnation: w.lives, Slots: 99, Graph: x.graph, Engine: o.Attach.Engine, Address: o.Address,
	}}
	x.streams = append(x.streams, s)
	o.Report([]wire.Report{wire.Restored{Keys: int(w.lives)}}) // earlier than anybody can know of the worker
	return s, nil
}

// cut ends all streams. The caller holds the lock.
func (x *machine) cut(err error) {
	for _, s := range x.streams {
		s.stop(err)
	}
	x.streams = nil
}

// event tells all that attend. The caller holds the lock.
func (x *machine) event(e node.Event) {
	for c := range x.attends {
		c <- e
	}
}

// halt ends the daemon and its worker. The caller holds the lock.
func (x *machine) halt() {
	x.down, x.pid = true, 0
	x.cut(errors.New("connection reset"))
	for c := range x.attends {
		close(c)
	}
	clear(x.attends)
}

type fakeStream struct {
	hello  wire.Hello
	report func([]wire.Report)

	mu   sync.Mutex
	sent []wire.Message
	err  error
	over bool
	done chan struct{}
}

func (s *fakeStream) Hello() wire.Hello     { return s.hello }
func (s *fakeStream) Done() <-chan struct{} { return s.done }
func (s *fakeStream) Close() error          { s.stop(nil); return nil }
func (s *fakeStream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *fakeStream) Send(m ...wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.sent = append(s.sent, m...)
	}
}

func (s *fakeStream) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over, s.err = true, err
		close(s.done)
	}
}

// binaryFile is an executable of six bytes.
func binaryFile(t *testing.T) string {
	path := t.TempDir() + "/job"
	if err := os.WriteFile(path, []byte("binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
