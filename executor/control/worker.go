package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/wire"
)

// WorkerOptions say what a worker is and what it does with what a driver sends.
type WorkerOptions struct {
	Name   string // of its executor, for errors
	Job    string // an Attach must name it
	Graph  string // digest of the job's graph; "": Attach compares it
	Engine string // version; "": Attach compares it
	// Attach gives the worker to a driver, or refuses it: its error goes to the driver, see wire for what of an error crosses. Nothing of an
	// earlier attachment is taken any more. An Incarnation of zero in the Hello is replaced by a random one. Required.
	Attach func(wire.Attach) (wire.Hello, error)
	// Take gets the messages of the attached driver, one after the other. It must not block for long. Required.
	Take func(wire.Message)
	// Lost is called once for each attachment that has ended, before the next Attach. It may be nil.
	Lost func(err error)
	// Beat is the time between two signs of life; default 250 ms.
	Beat time.Duration
	// Silence is the time without a sign of life after which a stream is given up; default 2 s, at least twice the beat.
	Silence time.Duration
	// Fault puts faults into the stream, for tests; nil means none.
	Fault Fault
}

// Worker is a worker's end of the control stream. Safe for concurrent use.
type Worker struct {
	o         WorkerOptions
	attaching chan struct{} // one at a time; holds a token while somebody attaches
	streams   sync.WaitGroup

	mu     sync.Mutex
	epoch  int64
	closed bool

	now atomic.Pointer[attachment] // nil: nobody has ever attached
}

// attachment is a link and how far its end has come.
type attachment struct {
	*link[wire.Report, wire.Message]
	ended chan struct{} // closed when Lost has returned
}

// NewWorker makes a worker's end. Close it.
func NewWorker(o WorkerOptions) *Worker {
	o.Beat, o.Silence = rhythm(o.Beat, o.Silence)
	if o.Fault == nil {
		o.Fault = environmentFault
	}
	return &Worker{o: o, attaching: make(chan struct{}, 1)}
}

// rhythm fills in the defaults of beat and silence.
func rhythm(beat, silence time.Duration) (time.Duration, time.Duration) {
	if beat <= 0 {
		beat = 250 * time.Millisecond
	}
	if silence <= 0 {
		silence = 2 * time.Second
	}
	return beat, max(silence, 2*beat)
}

// Register makes the worker reachable at a server.
func (w *Worker) Register(s *grpc.Server) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: surface,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Attach", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, call grpc.ServerStream) error { return w.serve(call) },
		}},
	}, w)
}

// Report sends a report to the driver that is attached. It does not wait. Without a driver the report is dropped: a driver that attaches
// asks anew for whatever it needs.
func (w *Worker) Report(r wire.Report) {
	if a := w.now.Load(); a != nil {
		a.send(r)
	}
}

// Attached tells whether a driver is attached.
func (w *Worker) Attached() bool {
	a := w.now.Load()
	return a != nil && !a.over()
}

// Close lets the reports that are queued be sent, ends the stream, refuses others from here on, and waits until nothing is taken any more.
// It must not be called by Take.
func (w *Worker) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	if a := w.now.Load(); a != nil {
		a.close()
		select {
		case <-a.done:
		case <-time.After(w.o.Silence):
			a.end(ErrClosed)
		}
	}
	w.streams.Wait()
	return nil
}

// serve is the call of a driver.
func (w *Worker) serve(call grpc.ServerStream) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return status.Error(codes.Unavailable, "the worker ends")
	}
	w.streams.Add(1)
	w.mu.Unlock()
	defer w.streams.Done()
	a, err := w.receiveAttach(call)
	if err != nil {
		return err
	}
	now, err := w.attach(call, a)
	if err != nil {
		return refuse(call, err)
	}
	<-now.done
	select {
	case <-now.said: // a farewell, if there is one, is on its way
	case <-time.After(w.o.Beat):
	}
	return nil
}

// receiveAttach waits for the first frame, for as long as a silent driver is waited for.
func (w *Worker) receiveAttach(call grpc.ServerStream) (wire.Attach, error) {
	type first struct {
		attach wire.Attach
		err    error
	}
	came := make(chan first, 1)
	w.streams.Go(func() { // it ends with the call
		var f first
		if err := call.RecvMsg(&incoming{func(frame []byte) { f.attach, f.err = new(wire.Reader).Attach(frame) }}); err != nil {
			f.err = err
		}
		came <- f
	})
	select {
	case f := <-came:
		if f.err != nil {
			return wire.Attach{}, status.Error(codes.InvalidArgument, f.err.Error())
		}
		return f.attach, nil
	case <-time.After(w.o.Silence):
		return wire.Attach{}, status.Error(codes.DeadlineExceeded, "a driver that does not say Attach")
	}
}

// refuse tells a driver why it cannot have the worker.
func refuse(call grpc.ServerStream, why error) error {
	frame, err := wire.AppendRefusal(nil, why)
	if err == nil {
		err = call.SendMsg(&outgoing{frame})
	}
	return err
}

// attach ends the attachment before and begins one.
func (w *Worker) attach(call grpc.ServerStream, a wire.Attach) (*attachment, error) {
	select {
	case w.attaching <- struct{}{}:
		defer func() { <-w.attaching }()
	case <-call.Context().Done():
		return nil, call.Context().Err()
	}
	if err := w.fits(a); err != nil {
		return nil, err
	}
	if err := w.displace(call.Context(), a); err != nil {
		return nil, err
	}
	hello, err := w.o.Attach(a)
	if err != nil {
		return nil, err
	}
	for hello.Incarnation == 0 {
		hello.Incarnation = rand.Uint64()
	}
	frame, err := wire.AppendHello(nil, hello)
	if err != nil {
		return nil, err
	}
	now := w.link(call, a, hello.Incarnation)
	w.now.Store(now) // what is reported from here on comes after the Hello
	err = call.SendMsg(&outgoing{frame})
	w.streams.Add(1)
	now.start()
	go w.mourn(now)
	if err != nil {
		now.end(err)
	}
	return now, nil
}

// fits says whether driver and worker belong together, and that no other driver has come between.
func (w *Worker) fits(a wire.Attach) error {
	switch {
	case a.Job != w.o.Job:
		return fmt.Errorf("worker %s runs job %q, not %q", w.o.Name, w.o.Job, a.Job)
	case w.o.Engine != "" && a.Engine != w.o.Engine:
		return fmt.Errorf("worker %s runs version %s of the engine, the driver version %s: both must be the same binary", w.o.Name, w.o.Engine, a.Engine)
	case w.o.Graph != "" && a.Graph != w.o.Graph:
		return &wire.DigestError{Driver: a.Graph, Worker: w.o.Graph}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.Epoch < w.epoch {
		return &wire.EpochError{Worker: w.o.Name, Have: w.epoch, Want: a.Epoch}
	}
	w.epoch = a.Epoch
	return nil
}

// displace ends the attachment before and waits until nothing of it is taken any more.
func (w *Worker) displace(ctx context.Context, a wire.Attach) error {
	old := w.now.Load()
	if old == nil {
		return nil
	}
	if was := old.t.header.Epoch; was < a.Epoch {
		old.dismiss(&wire.EpochError{Worker: w.o.Name, Have: a.Epoch, Want: was})
	} else {
		old.dismiss(errors.New("the driver has attached anew"))
	}
	select {
	case <-old.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// link makes the link of an attachment.
func (w *Worker) link(call grpc.ServerStream, a wire.Attach, incarnation uint64) *attachment {
	now := &attachment{ended: make(chan struct{})}
	now.link = newLink(call, terms[wire.Report, wire.Message]{
		peer: fmt.Sprintf("driver of epoch %d", a.Epoch), header: wire.Header{Epoch: a.Epoch, Incarnation: incarnation, Graph: a.Graph},
		beat: w.o.Beat, silence: w.o.Silence, encode: wire.AppendReports, decode: (*wire.Reader).Messages, fault: w.o.Fault,
		take: func(in []wire.Message) {
			for _, m := range in {
				if now.over() {
					return
				}
				w.o.Take(m)
			}
		},
		sent: func() { now.end(ErrClosed) },
	})
	return now
}

// mourn waits for the end of an attachment.
func (w *Worker) mourn(a *attachment) {
	defer w.streams.Done()
	<-a.taken
	if w.o.Lost != nil {
		w.o.Lost(a.reason())
	}
	close(a.ended)
	a.gone.Wait()
}
