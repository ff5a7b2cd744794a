package driver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor"
	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
	"google.golang.org/grpc"
)

// localWorker is the one worker of local mode.
var localWorker = fleet.Worker{Name: "local"}

// localCrew are workers in this process, each with a graph of its own: one, or several that read each other's blocks through sockets as they
// would in a cluster. Messages are handed over as Go values.
type localCrew struct {
	tell  func(fleet.Event)
	slots int

	mu      sync.Mutex
	workers map[fleet.Worker]*localMember
	reports func(fleet.Worker, wire.Report)
}

type localMember struct {
	w      *executor.Worker
	g      *dstream.Graph
	dead   dstream.RecordSink
	client *flight.Client
	server *grpc.Server
	served sync.WaitGroup
	hello  wire.Hello
}

// openLocal starts the workers of local mode.
func (d *driver) openLocal(build func(*dstream.Job)) error {
	c := &localCrew{slots: d.o.Parallelism, workers: map[fleet.Worker]*localMember{}, tell: func(e fleet.Event) { d.post(func() { d.told(e) }) }}
	c.reports = func(w fleet.Worker, r wire.Report) { d.post(func() { d.reported(w, r) }) }
	d.crew = c
	d.alone = d.o.Workers <= 1
	if d.alone {
		return c.start(localWorker, d, build)
	}
	for i := range d.o.Workers {
		if err := c.start(fleet.Worker{Name: fmt.Sprintf("local-%d", i+1), Incarnation: rand.Uint64()}, d, build); err != nil {
			return err
		}
	}
	return nil
}

// start adds a worker. Of several each has what a process of its own would have.
func (c *localCrew) start(name fleet.Worker, d *driver, build func(*dstream.Job)) (err error) {
	m := &localMember{}
	if m.g, err = dstream.Build(build, d.o.Name, d.o.Settings); err != nil {
		return err
	}
	c.workers[name] = m
	if err := m.g.Open(d.place); err != nil {
		return err
	}
	dead := d.dead
	if !d.alone {
		if m.dead, err = d.place.OpenDeadLetters(); err != nil {
			return err
		}
		dead = m.dead
	}
	o := executor.Options{
		Slots: c.slots, ChunkRows: d.o.ChunkRows, BlockMemory: d.o.BlockMemory,
		Scratch: filepath.Join(d.o.Scratch, scratchName(d.name), name.Name), Segments: newSegments(d.st, d.lock.Epoch(), writerName(name)),
		Job: d.name, DeadLetters: dead, Tables: frozenTables{d.st}, Waiting: d.o.Waiting,
		Warn: func(text string) { d.post(func() { d.o.Warn(text) }) },
	}
	if d.alone {
		o.States = d.last.refs()
	} else {
		m.client = flight.NewClient(nil, flight.Options{Stall: fetchStall})
		o.Fetcher = m.client
	}
	if m.w, err = executor.NewWorker(m.g, o, func(r wire.Report) { c.reports(name, r) }); err != nil || d.alone {
		return err
	}
	return m.serve(name, d.epoch(), o.Segments)
}

// serve lets others read the worker's blocks.
func (m *localMember) serve(name fleet.Worker, epoch int64, s executor.Segments) error {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the other workers: %w", err)
	}
	blocks := flight.NewServer(m.w, flight.Options{Current: m.w.Incarnation})
	var none *identity.Credentials
	m.server = grpc.NewServer(append(none.ServerOptions(flight.Roles()), control.ServerOptions()...)...)
	blocks.Register(m.server)
	m.served.Go(func() { _ = m.server.Serve(listen) })
	m.hello, err = m.w.Attach(epoch, name.Incarnation, s)
	m.hello.Address = listen.Addr().String()
	return err
}

// names lists the workers, sorted.
func (c *localCrew) names() []fleet.Worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []fleet.Worker
	for w := range c.workers {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b fleet.Worker) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (c *localCrew) member(w fleet.Worker) *localMember {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers[w]
}

// Send hands messages over.
func (c *localCrew) Send(to fleet.Worker, all ...wire.Message) {
	if m := c.member(to); m != nil {
		for _, msg := range all {
			m.w.Take(wire.Unwrap(msg))
		}
	}
}

// Scale does nothing: the process is all there is.
func (c *localCrew) Scale(int) {}

// Release does nothing either.
func (c *localCrew) Release(fleet.Worker) {}

// Members is nobody that one could look at from outside.
func (c *localCrew) Members() []fleet.Member { return nil }

// kill ends a worker as a crash would: what it holds is gone.
func (c *localCrew) kill(w fleet.Worker) error {
	c.mu.Lock()
	m := c.workers[w]
	delete(c.workers, w)
	c.mu.Unlock()
	c.tell(fleet.Down{Worker: w, Why: errors.New("killed")})
	return m.close()
}

// Close ends the workers.
func (c *localCrew) Close(context.Context, bool) error {
	var errs []error
	for _, w := range c.names() {
		errs = append(errs, c.member(w).close())
	}
	return errors.Join(errs...)
}

func (m *localMember) close() error {
	var errs []error
	if m.server != nil {
		m.server.Stop()
		m.served.Wait()
	}
	if m.w != nil {
		errs = append(errs, m.w.Close())
	}
	if m.client != nil {
		m.client.Close()
	}
	if m.dead != nil {
		errs = append(errs, closeSink(m.dead))
	}
	return errors.Join(append(errs, m.g.Close())...)
}
