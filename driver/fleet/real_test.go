package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// workerMain is a worker that answers each Commit with a Refused of that batch.
func workerMain() {
	w, err := node.ReceiveWelcome()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", w.Listen)
	if err != nil {
		panic(err)
	}
	var end *control.Worker
	end = control.NewWorker(control.WorkerOptions{
		Name: w.Executor, Job: w.Job,
		Attach: func(a wire.Attach) (wire.Hello, error) {
			return wire.Hello{Worker: w.Executor, Slots: w.Slots, Address: l.Addr().String(), Graph: string(w.Setup), Engine: a.Engine}, nil
		},
		Take: func(m wire.Message) {
			if c, ok := m.(wire.Commit); ok {
				end.Report(wire.Refused{Batch: c.Batch, Err: errors.New(w.Executor)})
			}
		},
	})
	var c *identity.Credentials
	if len(w.Credentials) > 0 {
		if c, err = identity.Unbundle(w.Credentials); err != nil {
			panic(err)
		}
	}
	s := grpc.NewServer(c.ServerOptions(control.Roles())...)
	end.Register(s)
	if err := w.SayReady(node.Ready{Address: l.Addr().String()}); err != nil {
		panic(err)
	}
	if err := s.Serve(l); err != nil {
		panic(err)
	}
}

// realDaemon is an executor in this process, for the time of the test.
type realDaemon struct {
	about node.About
	stop  func() // and wait
}

func startDaemon(t *testing.T, name string, o node.Options) *realDaemon {
	t.Helper()
	o.Name, o.Gossip, o.Dir, o.Memory, o.Slots, o.Out = name, "127.0.0.1:0", t.TempDir(), 1<<30, 4, testLog{t}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Grace = time.Millisecond
	started, ended := make(chan node.About, 1), make(chan error, 1)
	o.Started = func(a node.About) { started <- a }
	ctx, end := context.WithCancel(context.Background())
	go func() { ended <- node.Run(ctx, o) }()
	stop := sync.OnceFunc(func() {
		end()
		if err := <-ended; err != nil {
			t.Errorf("executor %s: %v", name, err)
		}
	})
	select {
	case a := <-started:
		t.Cleanup(stop)
		return &realDaemon{a, stop}
	case err := <-ended:
		end()
		t.Fatal(err)
	}
	return nil
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// listener waits for events.
type listener struct {
	t      *testing.T
	events chan Event
}

// await returns the first event that is wanted; others are passed over.
func await[E Event](l *listener, is func(E) bool) E {
	l.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case e := <-l.events:
			if e, ok := e.(E); ok && is(e) {
				return e
			}
		case <-limit:
			l.t.Fatalf("no %T for 30s", *new(E))
		}
	}
}

func startReal(t *testing.T, o Options) (*Fleet, *listener) {
	t.Helper()
	l := &listener{t, make(chan Event, 1000)}
	o.Told, o.Warn = func(e Event) { l.events <- e }, func(text string) { l.events <- warning(text) }
	o.Binary, _ = os.Executable()
	o.Engine, o.Graph, o.Setup = "e", "g", []byte("g")
	f, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(context.Background(), true); err != nil {
			t.Error(err)
		}
	})
	return f, l
}

// TestReal runs real executors with real workers: both come up, work, one is killed and comes back, one is frozen and comes back.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	one := startDaemon(t, "ex-1", node.Options{})
	two := startDaemon(t, "ex-2", node.Options{Join: []string{one.about.Gossip}})
	f, l := startReal(t, Options{Job: "ads", Epoch: 5, Cluster: []string{two.about.Address}})
	ups := map[string]Worker{}
	for len(ups) < 2 {
		u := await(l, func(Up) bool { return true })
		ups[u.Worker.Name] = u.Worker
		if u.Hello.Slots != 4 {
			t.Errorf("%d slots", u.Hello.Slots)
		}
	}
	f.Broadcast(wire.Commit{Epoch: 5, Batch: 1})
	for range 2 {
		await(l, func(r Report) bool {
			return r.Worker == ups[r.Worker.Name] && r.Reports[0].(wire.Refused).Err.Error() == r.Worker.Name
		})
	}
	pid := pidOf(t, one)
	syscall.Kill(pid, syscall.SIGKILL)
	if d := await(l, func(d Down) bool { return d.Worker == ups["ex-1"] }); !strings.Contains(d.Why.Error(), "killed") {
		t.Error(d.Why)
	}
	ups["ex-1"] = await(l, func(u Up) bool { return u.Worker.Name == "ex-1" }).Worker
	pid = pidOf(t, one)
	syscall.Kill(pid, syscall.SIGSTOP)
	await(l, func(d Down) bool { return d.Worker == ups["ex-1"] })
	syscall.Kill(pid, syscall.SIGCONT)
	again := await(l, func(u Up) bool { return u.Worker.Name == "ex-1" }).Worker
	if again == ups["ex-1"] || pidOf(t, one) != pid {
		t.Errorf("the worker that was frozen did not come back: %v after %v", again, ups["ex-1"])
	}
	f.Send(ups["ex-1"], wire.Commit{Epoch: 5, Batch: 2}) // for the earlier incarnation
	f.Send(again, wire.Commit{Epoch: 5, Batch: 3})
	if r := await(l, func(Report) bool { return true }); r.Reports[0].(wire.Refused).Batch != 3 {
		t.Errorf("%+v", r)
	}
}

// TestRealEnds has an executor drain, and an earlier driver be replaced by one that takes its workers over.
func TestRealEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	one := startDaemon(t, "ex-1", node.Options{})
	f, l := startReal(t, Options{Job: "ads", Epoch: 5, Cluster: []string{one.about.Address}})
	first := await(l, func(Up) bool { return true }).Worker
	pid := pidOf(t, one)
	if err := f.Close(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	_, l = startReal(t, Options{Job: "ads", Epoch: 6, Cluster: []string{one.about.Address}})
	second := await(l, func(Up) bool { return true }).Worker
	if second == first || pidOf(t, one) != pid {
		t.Error("the worker was not taken over")
	}
	_, zombie := startReal(t, Options{Job: "ads", Epoch: 5, Cluster: []string{one.about.Address}})
	if r := await(zombie, func(Refused) bool { return true }); r.Why.Kind != Replaced {
		t.Error(r)
	}
	one.stop()
	await(l, func(d Draining) bool { return d.Worker == second })
	await(l, func(d Down) bool { return d.Worker == second })
}

// pidOf asks an executor for the process of its worker.
func pidOf(t *testing.T, d *realDaemon) int {
	t.Helper()
	c, err := node.Dial(d.about.Address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	jobs, err := c.Jobs(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].Worker.Pid == 0 {
		t.Fatal(jobs, err)
	}
	return jobs[0].Worker.Pid
}
