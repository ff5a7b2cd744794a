package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a cluster in memory: executors that answer, and jobs that react to requests after a while.
type world struct {
	mu   sync.Mutex
	at   map[string]*fake // by address
	log  []string         // what executors were asked for that changes something
	late time.Duration    // until a driver has done what it was asked for
	deaf bool             // drivers do nothing about requests
}

// fake is an executor.
type fake struct {
	w      *world
	about  node.About
	down   bool
	silent bool
	jobs   map[string]*node.JobStatus
	has    map[string]bool
	full   bool // takes no submission
}

func newWorld(names ...string) *world {
	w := &world{at: map[string]*fake{}, late: 3200 * time.Millisecond}
	for i, name := range names {
		w.at[name+":1"] = &fake{w: w, jobs: map[string]*node.JobStatus{}, has: map[string]bool{}, about: node.About{
			Name: name, Address: name + ":1", Engine: node.Engine, OS: runtime.GOOS, Arch: runtime.GOARCH, MemoryFree: int64(i+1) << 30,
		}}
	}
	return w
}

func (w *world) connect(t *testing.T) *Cluster {
	c, err := connect(t.Context(), []string{"nobody:1", "ex-1:1"}, w.dial)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// worker gives executors a worker of a job that a driver attends.
func (w *world) worker(job, driver string, epoch int64, names ...string) {
	for i, name := range names {
		s := w.job(name, job)
		s.State, s.Driver, s.Epoch, s.Worker = "running", driver, epoch, node.Worker{Job: job, Pid: 10 + i}
		s.Since = time.Now().Add(-time.Hour)
	}
}

func (w *world) job(name, job string) *node.JobStatus {
	x := w.at[name+":1"]
	if x.jobs[job] == nil {
		x.jobs[job] = &node.JobStatus{Job: job, State: "hosted"}
	}
	return x.jobs[job]
}

// host submits a driver by hand.
func (w *world) host(name, job string, standby bool) {
	w.job(name, job).Hosted = node.Hosted{Pid: 7, State: "running", Batch: 41, Standby: standby, Restarts: 1}
}

// after does something with the lock held when the drivers have had their time.
func (w *world) after(do func()) {
	if !w.deaf {
		time.AfterFunc(w.late, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			do()
		})
	}
}

// forget removes the job everywhere.
func (w *world) forget(job string) {
	for _, x := range w.at {
		delete(x.jobs, job)
	}
}

func (w *world) dial(address string) (daemon, error) { return &client{w, address}, nil }

type client struct {
	w       *world
	address string
}

func (c *client) Close() error { return nil }

// reach gives the executor with the lock held.
func (c *client) reach(ctx context.Context) (*fake, error) {
	c.w.mu.Lock()
	x := c.w.at[c.address]
	if x == nil || x.down {
		c.w.mu.Unlock()
		return nil, status.Error(codes.Unavailable, "connection refused")
	}
	if x.silent {
		c.w.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return x, nil
}

func (c *client) About(ctx context.Context) (node.About, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return node.About{}, err
	}
	defer c.w.mu.Unlock()
	a := x.about
	for _, address := range slices.Sorted(maps.Keys(c.w.at)) {
		a.Members = append(a.Members, c.w.at[address].about.Name+" "+address)
	}
	return a, nil
}

func (c *client) Jobs(ctx context.Context) (out []node.JobStatus, err error) {
	x, err := c.reach(ctx)
	if err != nil {
		return nil, err
	}
	defer c.w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(x.jobs)) {
		out = append(out, *x.jobs[name])
	}
	return out, nil
}

func (c *client) Ask(ctx context.Context, job string, r node.Request) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	if s := x.jobs[job]; s == nil || s.Driver == "" {
		return fmt.Errorf("executor at %s: Ask: %w", c.address, node.ErrNoDriver)
	}
	c.w.log = append(c.w.log, fmt.Sprintf("ask %s %s %d", x.about.Name, r.Kind, r.N))
	switch r.Kind {
	case node.RequestStop:
		c.w.after(func() { c.w.forget(job) })
	case node.RequestScale:
		c.w.after(func() { c.w.scale(job, r.N) })
	}
	return nil
}

// scale gives the first n executors a worker, and takes it from the others.
func (w *world) scale(job string, n int) {
	for i, address := range slices.Sorted(maps.Keys(w.at)) {
		name := w.at[address].about.Name
		if n == 0 || i < n {
			w.worker(job, "d", 1, name)
		} else {
			delete(w.at[address].jobs, job)
		}
	}
}

func (c *client) Stop(ctx context.Context, job string) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	if s := x.jobs[job]; s != nil {
		c.w.log = append(c.w.log, "stop "+x.about.Name)
		s.Worker = node.Worker{}
		if s.Hosted.State == "" {
			delete(x.jobs, job)
		}
	}
	return nil
}

func (c *client) Cancel(ctx context.Context, job string) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	s := x.jobs[job]
	if s == nil || s.Hosted.State == "" {
		return node.ErrNoJob
	}
	c.w.log = append(c.w.log, "cancel "+x.about.Name)
	s.Hosted = node.Hosted{}
	if s.Worker.Job == "" {
		delete(x.jobs, job)
	}
	return nil
}

func (c *client) Submit(ctx context.Context, s node.Submission) error {
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	if x.full {
		return fmt.Errorf("executor at %s: Submit: %w", c.address, node.ErrRoom)
	}
	if !x.has[s.SHA256] {
		return node.ErrNoBinary
	}
	c.w.log = append(c.w.log, fmt.Sprintf("submit %s %s", x.about.Name, s.Job))
	c.w.host(x.about.Name, s.Job, s.Standby)
	return nil
}

func (c *client) Has(ctx context.Context, digest string) (bool, error) {
	x, err := c.reach(ctx)
	if err != nil {
		return false, err
	}
	defer c.w.mu.Unlock()
	return x.has[digest], nil
}

func (c *client) Put(ctx context.Context, s identity.Signed, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer c.w.mu.Unlock()
	if int64(len(b)) != s.Manifest.Size {
		return errors.New("short")
	}
	x.has[s.Manifest.SHA256] = true
	return nil
}
