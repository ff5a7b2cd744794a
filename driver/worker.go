package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor"
	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/receivers"
	"github.com/tidemill/tidemill/executor/wire"
	"google.golang.org/grpc"
)

// setup is what a worker has to know of a job beside its binary. It may hold secrets: it travels under TLS and through an inherited file.
type setup struct {
	Name        string // what the job is called unless its code says so
	Job         string // what it is called
	Settings    dstream.Settings
	DeadLetters string
	Checkpoint  string // URL
	Receivers   string // folder of the logs of sources that cannot replay
	ChunkRows   int
	BlockMemory int64
}

// workMain is the main function of a job's binary that an executor has started.
func workMain(build func(*dstream.Job)) error {
	welcome, err := node.ReceiveWelcome()
	if err != nil {
		return err
	}
	p := &remoteWorker{welcome: welcome, orphaned: make(chan struct{})}
	ready := node.Ready{}
	if err = p.open(build); err != nil {
		ready.Err = err.Error()
	} else {
		ready.Address = p.address
	}
	if said := welcome.SayReady(ready); err == nil {
		err = said
	}
	if err == nil {
		err = p.serve()
	}
	return errors.Join(err, p.close())
}

// remoteWorker is a worker of a cluster: an executor.Worker behind a server.
type remoteWorker struct {
	welcome node.Welcome
	setup   setup
	address string

	g        *dstream.Graph
	journals *receivers.Journals
	st       store.Store
	dead     dstream.RecordSink
	creds    *identity.Credentials
	client   *flight.Client
	control  *control.Worker
	w        *executor.Worker
	listen   net.Listener
	server   *grpc.Server
	wait     waitNumbers

	mu       sync.Mutex
	alone    *time.Timer // runs while no driver is attached
	orphaned chan struct{}
}

// open opens everything, in the order in which close gives it up.
func (p *remoteWorker) open(build func(*dstream.Job)) (err error) {
	if err := json.Unmarshal(p.welcome.Setup, &p.setup); err != nil {
		return fmt.Errorf("read the job's setup: %w", err)
	}
	if len(p.welcome.Credentials) > 0 {
		if p.creds, err = identity.Unbundle(p.welcome.Credentials); err != nil {
			return err
		}
	}
	if p.st, err = store.Open(context.Background(), p.setup.Checkpoint, store.OpenOptions{Job: p.setup.Job}); err != nil {
		return err
	}
	if err := p.openGraph(build); err != nil {
		return err
	}
	if p.listen, err = net.Listen("tcp", p.welcome.Listen); err != nil {
		return fmt.Errorf("listen for the driver: %w", err)
	}
	p.address = advertised(p.welcome.Advertise, p.listen.Addr())
	p.client = flight.NewClient(p.creds, flight.Options{Stall: fetchStall})
	return p.openWorker()
}

// fetchStall is how long a task waits for the next bytes of a block before it calls it lost. Too short, and a busy peer's blocks are made
// again for nothing; too long, and a batch waits for a peer that was cut off.
const fetchStall = 3 * time.Second

// advertised is the address under which others reach a listener.
func advertised(host string, at net.Addr) string {
	if host == "" {
		return at.String()
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return at.String()
	}
	return net.JoinHostPort(host, port)
}

func (p *remoteWorker) openGraph(build func(*dstream.Job)) (err error) {
	if p.g, err = dstream.Build(build, p.setup.Name, p.setup.Settings); err != nil {
		return err
	}
	p.journals = receivers.NewReader(p.creds)
	place := dstream.Place{Job: p.setup.Job, DeadLetters: p.setup.DeadLetters, Scratch: p.setup.Receivers, Journal: p.journals.Journal}
	if err := p.g.Open(place); err != nil {
		return err
	}
	p.dead, err = place.OpenDeadLetters()
	return err
}

func (p *remoteWorker) openWorker() (err error) {
	p.control = control.NewWorker(control.WorkerOptions{
		Name: p.welcome.Executor, Job: p.setup.Job, Graph: p.g.Digest(), Engine: Engine, Attach: p.attach, Lost: p.lost,
		Take: func(m wire.Message) { p.w.Take(m) },
	})
	p.w, err = executor.NewWorker(p.g, executor.Options{
		Slots: p.welcome.Slots, ChunkRows: p.setup.ChunkRows, BlockMemory: p.setup.BlockMemory,
		Scratch: filepath.Join(p.welcome.Scratch, "blocks"), Segments: newSegments(p.st, 0, p.welcome.Executor), Job: p.setup.Job, DeadLetters: p.dead,
		Tables: frozenTables{p.st}, Waiting: p.waiting, Fetcher: p.client,
		Warn: func(text string) { fmt.Fprintln(os.Stderr, "tidemill: "+text) },
	}, p.control.Report)
	if err != nil {
		return err
	}
	roles := maps.Clone(control.Roles())
	maps.Copy(roles, flight.Roles())
	blocks := flight.NewServer(p.w, flight.Options{Current: p.w.Incarnation})
	p.server = grpc.NewServer(append(p.creds.ServerOptions(roles), control.ServerOptions()...)...)
	p.control.Register(p.server)
	blocks.Register(p.server)
	return nil
}

// attach takes a driver.
func (p *remoteWorker) attach(a wire.Attach) (wire.Hello, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	incarnation := rand.Uint64()
	hello, err := p.w.Attach(a.Epoch, incarnation, newSegments(p.st, store.Epoch(a.Epoch), writerName(fleet.Worker{Name: p.welcome.Executor, Incarnation: incarnation})))
	if err != nil {
		return hello, err
	}
	if p.alone != nil {
		p.alone.Stop()
		p.alone = nil
	}
	hello.Worker, hello.Slots, hello.Address, hello.Graph, hello.Engine = p.welcome.Executor, p.welcome.Slots, p.address, p.g.Digest(), Engine
	return hello, nil
}

// lost starts the time that a worker waits for a driver. What it holds is of use only to one that comes back soon.
func (p *remoteWorker) lost(error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alone != nil {
		return
	}
	p.alone = time.AfterFunc(p.welcome.Orphan, func() { close(p.orphaned) })
}

// serve answers until the executor says to leave, or no driver has come for long.
func (p *remoteWorker) serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	p.lost(nil) // nobody has come yet
	ended := make(chan error, 1)
	go func() { ended <- p.server.Serve(p.listen) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	case <-p.orphaned:
		fmt.Fprintf(os.Stderr, "no driver has been here for %v: leaving\n", p.welcome.Orphan)
	}
	err := p.control.Close()
	p.server.Stop()
	<-ended
	return err
}

func (p *remoteWorker) close() error {
	var errs []error
	if p.w != nil {
		errs = append(errs, p.w.Close())
	}
	if p.client != nil {
		p.client.Close()
	}
	if p.dead != nil {
		errs = append(errs, closeSink(p.dead))
	}
	if p.g != nil {
		errs = append(errs, p.g.Close())
	}
	if p.journals != nil {
		p.journals.Close()
	}
	if p.st != nil {
		errs = append(errs, p.st.Close())
	}
	return errors.Join(errs...)
}

// waitNumbers numbers the waits of connectors.
type waitNumbers struct{ last atomic.Int64 }

// waiting tells the driver what a connector waits for.
func (p *remoteWorker) waiting(text string) func() {
	id := p.wait.last.Add(1)
	p.control.Report(wire.Waiting{ID: id, For: text})
	return func() { p.control.Report(wire.Waiting{ID: id, Over: true}) }
}
