package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

func TestMain(m *testing.M) {
	if crowd() {
		return
	}
	goleak.VerifyTestMain(m)
}

// stage is a worker's end at a server of its own, and a log of what happened to it.
type stage struct {
	t       *testing.T
	worker  *Worker
	address string

	mu    sync.Mutex
	log   []string
	stir  chan struct{}
	takes func(wire.Message) // beside the log
}

// patient is a rhythm for tests in which nobody is silent, on machines that are slow.
const patientBeat, patientSilence = 20 * time.Millisecond, time.Minute

func play(t *testing.T, o WorkerOptions) *stage {
	s := &stage{t: t, stir: make(chan struct{}, 1)}
	o.Name, o.Job = "ex-1", "job"
	if o.Beat == 0 {
		o.Beat, o.Silence = patientBeat, patientSilence
	}
	if o.Attach == nil {
		o.Attach = func(a wire.Attach) (wire.Hello, error) {
			s.note("attach %d", a.Epoch)
			return wire.Hello{Worker: "ex-1", Slots: 2, Graph: a.Graph}, nil
		}
	}
	o.Take = func(m wire.Message) {
		s.note("%v", m)
		if s.takes != nil {
			s.takes(m)
		}
	}
	o.Lost = func(err error) { s.note("lost: %v", err) }
	s.worker = NewWorker(o)
	server := grpc.NewServer(append(ServerOptions(), (*identity.Credentials)(nil).ServerOptions(Roles())...)...)
	s.worker.Register(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		if err := s.worker.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		serving.Wait()
	})
	return s
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
	s.mu.Unlock()
	select {
	case s.stir <- struct{}{}:
	default:
	}
}

// sees waits for a line that contains text, and returns all lines up to it.
func (s *stage) sees(text string) []string {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		for i, line := range s.log {
			if strings.Contains(line, text) {
				defer s.mu.Unlock()
				return append([]string(nil), s.log[:i+1]...)
			}
		}
		s.mu.Unlock()
		select {
		case <-s.stir:
		case <-late:
			s.t.Fatalf("%q did not come: %q", text, s.log)
		}
	}
}

// attach opens a stream. What comes is put into the channel, which never is full.
func (s *stage) attach(epoch int64, o StreamOptions) (*Stream, chan wire.Report, error) {
	got := make(chan wire.Report, 1<<16)
	o.Address, o.Attach = s.address, wire.Attach{Job: "job", Epoch: epoch, Graph: "g", Engine: "v1"}
	o.Report = func(rs []wire.Report) {
		for _, r := range rs {
			got <- r
		}
	}
	if o.Beat == 0 {
		o.Beat, o.Silence = patientBeat, patientSilence
	}
	st, err := Open(context.Background(), o)
	if err == nil {
		s.t.Cleanup(func() { st.Close() })
	}
	return st, got, err
}

func (s *stage) attached(epoch int64, o StreamOptions) (*Stream, chan wire.Report) {
	s.t.Helper()
	st, got, err := s.attach(epoch, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return st, got
}

func ended(t *testing.T, s *Stream) error {
	t.Helper()
	select {
	case <-s.Done():
		return s.Err()
	case <-time.After(time.Minute):
		t.Fatal("the stream did not end")
		return nil
	}
}

func TestBothWaysInOrder(t *testing.T) {
	s := play(t, WorkerOptions{Engine: "v1", Graph: "g"})
	s.takes = func(m wire.Message) {
		if c, ok := m.(wire.Commit); ok {
			s.worker.Report(wire.TaskDone{Task: rdd.TaskID{Batch: c.Batch}})
		}
	}
	st, got := s.attached(3, StreamOptions{})
	if h := st.Hello(); h.Worker != "ex-1" || h.Slots != 2 || h.Incarnation == 0 {
		t.Errorf("%+v", h)
	}
	const n = 1000
	for i := range n {
		st.Send(wire.Commit{Epoch: 3, Batch: int64(i)})
	}
	for i := range n {
		if r := (<-got).(wire.TaskDone); r.Task.Batch != int64(i) {
			t.Fatalf("%d came instead of %d", r.Task.Batch, i)
		}
	}
}

func TestCloseLetsEverythingArrive(t *testing.T) {
	s := play(t, WorkerOptions{})
	st, _ := s.attached(1, StreamOptions{})
	for i := range 100 {
		st.Send(wire.Abort{Batch: int64(i)})
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if log := s.sees("lost: the stream was closed"); len(log) != 102 || log[100] != "{0 99}" {
		t.Errorf("%q", log)
	}
	if err := st.Err(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	st.Send(wire.Abort{}) // to nobody
}

func TestWorkerCloseLetsReportsArrive(t *testing.T) {
	s := play(t, WorkerOptions{})
	st, got := s.attached(1, StreamOptions{})
	s.worker.Report(wire.Restored{Keys: 7})
	if err := s.worker.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, st); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if r := (<-got).(wire.Restored); r.Keys != 7 {
		t.Error(r)
	}
	if _, _, err := s.attach(1, StreamOptions{}); err == nil || !strings.Contains(err.Error(), "the worker ends") {
		t.Error(err)
	}
}

// TestZombieDriver: one that was replaced learns it, and nothing of what it sends then is taken.
func TestZombieDriver(t *testing.T) {
	s := play(t, WorkerOptions{})
	zombie, _ := s.attached(4, StreamOptions{})
	zombie.Send(wire.Commit{Epoch: 4, Batch: 1})
	s.sees("{4 1}")
	next, _ := s.attached(5, StreamOptions{})
	zombie.Send(wire.Commit{Epoch: 4, Batch: 2})
	next.Send(wire.Commit{Epoch: 5, Batch: 2})
	var replaced *wire.EpochError
	if err := ended(t, zombie); !errors.As(err, &replaced) || *replaced != (wire.EpochError{Worker: "ex-1", Have: 5, Want: 4}) {
		t.Errorf("%v", err)
	}
	if _, _, err := s.attach(4, StreamOptions{}); !errors.As(err, new(*wire.EpochError)) {
		t.Errorf("it came back: %v", err)
	}
	log := s.sees("{5 2}")
	if want := []string{"attach 4", "{4 1}", log[2], "attach 5", "{5 2}"}; !reflect.DeepEqual(log, want) || !strings.HasPrefix(log[2], "lost: worker ex-1 belongs") {
		t.Errorf("%q", log)
	}
	if next.Err() != nil {
		t.Error(next.Err())
	}
}

func TestSameEpochAttachesAnew(t *testing.T) {
	s := play(t, WorkerOptions{})
	first, _ := s.attached(4, StreamOptions{})
	second, _ := s.attached(4, StreamOptions{})
	if err := ended(t, first); !errors.As(err, new(*wire.RefusedError)) || errors.As(err, new(*wire.EpochError)) {
		t.Error(err)
	}
	if first.Hello().Incarnation == second.Hello().Incarnation {
		t.Error("one incarnation for two attachments")
	}
}

// TestNothingIsTakenAfterTheNextAttach: an attachment ends before the next begins, also when the worker is slow to take.
func TestNothingIsTakenAfterTheNextAttach(t *testing.T) {
	s := play(t, WorkerOptions{})
	inside, leave := make(chan struct{}), make(chan struct{})
	s.takes = func(m wire.Message) {
		if m == (wire.Commit{Epoch: 1, Batch: 1}) {
			close(inside)
			<-leave
		}
	}
	old, _ := s.attached(1, StreamOptions{})
	old.Send(wire.Commit{Epoch: 1, Batch: 1}, wire.Commit{Epoch: 1, Batch: 2})
	<-inside
	attached := make(chan *Stream)
	go func() {
		next, _, err := s.attach(2, StreamOptions{Patience: time.Minute})
		if err != nil {
			t.Error(err)
		}
		attached <- next
	}()
	ended(t, old)
	select {
	case <-attached:
		t.Error("attached while a message of the driver before was taken")
	default:
	}
	close(leave)
	(<-attached).Send(wire.Commit{Epoch: 2, Batch: 3})
	for _, line := range s.sees("{2 3}") {
		if line == "{1 2}" {
			t.Error("a message of the driver before was taken after it was displaced")
		}
	}
}

func TestRefusals(t *testing.T) {
	busy := errors.New("no memory")
	for name, c := range map[string]struct {
		o    WorkerOptions
		want func(error) bool
	}{
		"graph":  {WorkerOptions{Graph: "other"}, func(err error) bool { return errors.As(err, new(*wire.DigestError)) }},
		"engine": {WorkerOptions{Engine: "v2"}, func(err error) bool { return strings.Contains(err.Error(), "version v2 of the engine") }},
		"answer": {WorkerOptions{Attach: func(wire.Attach) (wire.Hello, error) { return wire.Hello{}, busy }}, func(err error) bool {
			return strings.Contains(err.Error(), "no memory")
		}},
		"other graph in the answer": {
			WorkerOptions{Attach: func(wire.Attach) (wire.Hello, error) { return wire.Hello{Graph: "x"}, nil }},
			func(err error) bool { return errors.As(err, new(*wire.DigestError)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := play(t, c.o).attach(1, StreamOptions{}); err == nil || !c.want(err) {
				t.Error(err)
			}
		})
	}
	s := play(t, WorkerOptions{})
	_, err := Open(context.Background(), StreamOptions{Address: s.address, Attach: wire.Attach{Job: "another"}, Report: func([]wire.Report) {}})
	if err == nil || !strings.Contains(err.Error(), `runs job "job", not "another"`) {
		t.Error(err)
	}
}

// TestNobodyThere: addresses that lead nowhere, or to somebody who says nothing, are given up.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mute := l.Addr().String()
	defer l.Close()
	o := StreamOptions{Address: mute, Patience: 50 * time.Millisecond, Report: func([]wire.Report) {}}
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), mute+": no answer within 50ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.Close()
	o.Patience = time.Minute
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func TestReportsWithoutADriverAreDropped(t *testing.T) {
	s := play(t, WorkerOptions{})
	s.worker.Report(wire.Restored{Keys: 1})
	st, got := s.attached(1, StreamOptions{})
	s.worker.Report(wire.Restored{Keys: 2})
	if r := (<-got).(wire.Restored); r.Keys != 2 {
		t.Error(r)
	}
	if !s.worker.Attached() {
		t.Error("not attached")
	}
	st.Close()
	s.sees("lost: ")
	s.worker.Report(wire.Restored{Keys: 3})
	if s.worker.Attached() {
		t.Error("attached to nobody")
	}
}
