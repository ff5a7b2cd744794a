package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/tidemill/tidemill/executor/gossip"
	"github.com/tidemill/tidemill/executor/receivers"
)

const (
	// maxStreams bounds the calls that one caller has open at a time.
	maxStreams = 256
	// keysEvery is how often the cluster's secret is looked at.
	keysEvery = 10 * time.Second
	// stopServing is how long calls that are under way at the end may take.
	stopServing = 2 * time.Second
)

// daemon is one executor.
type daemon struct {
	o           Options
	incarnation uint64
	address     string // as others reach it
	folders     *folders
	binaries    *binaries
	outputs     *outputs
	gossip      *gossip.Member
	server      *grpc.Server
	running     sync.WaitGroup // of all goroutines but the server's own
	life        context.Context
	die         context.CancelFunc // ends all workers and hosted drivers
	over        chan struct{}      // closed when no driver need be told any more

	mu       sync.Mutex // guards jobs, what is in them, and draining
	jobs     map[string]*job
	draining bool
}

// Run is a daemon: it joins the cluster and serves until ctx ends. Then it drains: it tells the drivers that attend it, waits until they
// have stopped their workers here or Options.Grace is over, ends the drivers that it hosts, leaves the cluster, and returns nil. No process
// outlives it. An error says why it could not start, or go on.
func Run(ctx context.Context, o Options) (err error) {
	o, err = o.withDefaults()
	if err != nil {
		return fmt.Errorf("executor: %w", err)
	}
	d, listener, err := prepare(o)
	if err != nil {
		return fmt.Errorf("executor %s: %w", o.Name, err)
	}
	defer d.folders.Close()
	defer d.outputs.Close()
	defer d.running.Wait()
	defer d.die()
	looking, blind := context.WithCancel(ctx)
	defer blind()
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(listener) }()
	defer func() {
		d.stopServer()
		<-served
	}()
	if err := d.join(ctx); err != nil {
		return fmt.Errorf("executor %s: %w", o.Name, err)
	}
	defer d.leave()
	if err := d.resume(); err != nil {
		return fmt.Errorf("executor %s: start its hosted jobs: %w", o.Name, err)
	}
	if o.Started != nil {
		o.Started(d.self())
	}
	d.running.Go(func() { d.look(looking) })
	select {
	case <-ctx.Done():
		d.drain()
		return nil
	case err := <-served:
		served <- nil
		return fmt.Errorf("executor %s: serve calls: %w", o.Name, err)
	}
}

// prepare takes folder and port. Nothing runs yet.
func prepare(o Options) (*daemon, net.Listener, error) {
	f, err := openFolders(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%w; is another executor running here? Give this one another --listen", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		panic(err) // it is the system's
	}
	d := &daemon{
		o: o, incarnation: uint64(time.Now().UnixMicro()), address: net.JoinHostPort(o.Advertise, port), folders: f,
		binaries: &binaries{root: f.bin, creds: o.Credentials, max: o.MaxBinary, keep: o.KeepBinaries, used: map[string]int{}},
		outputs:  &outputs{echo: o.Out, root: f.logs, max: o.MaxLog, all: map[string]*output{}},
		over:     make(chan struct{}), jobs: map[string]*job{},
	}
	d.life, d.die = context.WithCancel(context.Background())
	roles := Roles()
	maps.Copy(roles, receivers.Roles())
	d.server = grpc.NewServer(append(o.Credentials.ServerOptions(roles),
		grpc.MaxRecvMsgSize(maxCall), grpc.MaxSendMsgSize(maxCall), grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}))...)
	d.server.RegisterService(&desc, d)
	receivers.NewServer(f.receivers).Register(d.server)
	return d, l, nil
}

// self is what this executor is, at the moment.
func (d *daemon) self() About {
	free, err := freeDisk(d.o.Dir)
	if err != nil {
		free = 0 // nobody will start anything here
	}
	a := About{Name: d.o.Name, Incarnation: d.incarnation, Address: d.address, Engine: Engine, OS: runtime.GOOS, Arch: runtime.GOARCH,
		Rack: d.o.Rack, Slots: d.o.Slots, MemoryTotal: d.o.Memory, ScratchFree: free, Secured: d.o.Credentials != nil && !d.o.Credentials.Insecure()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gossip != nil {
		a.Gossip = d.gossip.Addr()
		for _, n := range d.gossip.Nodes() {
			if n.Kind == gossip.Executor {
				a.Members = append(a.Members, n.Name+" "+n.Address)
			}
		}
	}
	a.MemoryFree, a.Draining = d.memoryFree(), d.draining
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		if j := d.jobs[name]; j.run != nil || j.hosted != nil {
			a.Jobs = append(a.Jobs, name)
		}
	}
	return a
}

// about answers About.
func (d *daemon) about(context.Context, *nothing) (*About, error) {
	a := d.self()
	return &a, nil
}

// look follows the cluster's secret, and says when a second executor of this name turns up.
func (d *daemon) look(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	keys, said := d.o.Credentials.GossipKeys(d.o.Cluster), map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fresh := d.o.Credentials.GossipKeys(d.o.Cluster)
			if len(fresh) == 0 || slices.EqualFunc(keys, fresh, slices.Equal) {
				continue
			}
			if err := d.gossip.Rekey(fresh); err != nil {
				fmt.Fprintf(d.o.Out, "executor: %v\n", err)
				continue
			}
			keys = fresh
		case <-d.gossip.Changed():
			for _, n := range d.namesakes() {
				if !said[n.Address] {
					fmt.Fprintf(d.o.Out, "executor: another executor at %s is called %s too, as this one at %s: the later one is ignored; give one of them another --name\n", n.Address, n.Name, d.address)
				}
				said[n.Address] = true
			}
		}
	}
}

// drain ends everything in order.
func (d *daemon) drain() {
	fmt.Fprintf(d.o.Out, "executor: draining: waiting %v at most for drivers to move their work; a second signal ends this at once\n", d.o.Grace)
	d.mu.Lock()
	d.draining = true
	var attended []*run
	for _, j := range d.jobs {
		j.tell(d.drainEvent())
		switch {
		case j.run != nil && j.at != nil:
			attended = append(attended, j.run)
		case j.run != nil:
			j.run.end() // there is nobody who could move its work
		}
		if j.hosted != nil {
			j.hosted.end(errors.New("the executor ends"))
		}
	}
	d.mu.Unlock()
	grace := time.NewTimer(d.o.Grace)
	defer grace.Stop()
	left := 0
	for _, r := range attended {
		select {
		case <-r.done:
			continue
		case <-grace.C:
			grace.Reset(0)
		case <-d.o.Now:
		}
		left++
	}
	if left > 0 {
		fmt.Fprintf(d.o.Out, "executor: %d workers were not released by their drivers; ending them\n", left)
	}
	d.die()
	d.await()
}

// await waits for workers and hosted drivers.
func (d *daemon) await() {
	d.mu.Lock()
	var done []<-chan struct{}
	for _, j := range d.jobs {
		if j.run != nil {
			done = append(done, j.run.done)
		}
		if j.hosted != nil {
			done = append(done, j.hosted.done)
		}
	}
	d.mu.Unlock()
	for _, c := range done {
		<-c
	}
}

// stopServer ends all calls: those that are under way may finish.
func (d *daemon) stopServer() {
	close(d.over)
	timer := time.AfterFunc(stopServing, d.server.Stop)
	defer timer.Stop()
	d.server.GracefulStop()
}

func sortNames(names []string) { slices.SortFunc(names, cmp.Compare) }
