package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/executor/identity"
)

// maxEvents is how many events wait for a driver that does not read. One that lets more pile up is cut off, and comes again.
const maxEvents = 256

// attendant is a driver that listens for what happens to its job here.
type attendant struct {
	epoch  int64
	driver string
	events chan Event
	ctx    context.Context
	leave  context.CancelCauseFunc
}

// tell passes an event on to the job's driver, if it has one. The caller holds the daemon's lock.
func (j *job) tell(e Event) {
	if j.at == nil {
		return
	}
	select {
	case j.at.events <- e:
	default:
		j.at.leave(errors.New("the driver does not read what it is told"))
	}
}

// attend answers Attend.
func (d *daemon) attend(s grpc.ServerStream) error {
	var in attendance
	if err := s.RecvMsg(&in); err != nil {
		return &refusal{ErrInvalid, err.Error()}
	}
	if err := checkName("job", in.Job); err != nil {
		return err
	}
	if p, ok := identity.PeerOf(s.Context()); ok {
		in.Driver = p.Name + ", " + in.Driver
	}
	j, a, err := d.enter(s.Context(), in)
	if err != nil {
		return err
	}
	defer d.quit(j, a)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		t := told{Beat: true}
		select {
		case t.Event = <-a.events:
			t.Beat = false
		case <-beat.C:
		case <-a.ctx.Done():
			return context.Cause(a.ctx)
		case <-d.over:
			return d.ended()
		}
		if err := s.SendMsg(&t); err != nil {
			return err
		}
	}
}

func (d *daemon) ended() error {
	return &refusal{ErrDraining, fmt.Sprintf("executor %s has ended", d.o.Name)}
}

// enter makes a driver the one that attends the job, and tells it how things stand.
func (d *daemon) enter(ctx context.Context, in attendance) (*job, *attendant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.of(in.Job)
	if err := j.lead(in.Epoch, d.o.Name); err != nil {
		return nil, nil, err
	}
	if j.at != nil {
		j.at.leave(&refusal{ErrReplaced, fmt.Sprintf("job %s on executor %s is attended by %.200s with epoch %d now", j.name, d.o.Name, in.Driver, in.Epoch)})
	}
	a := &attendant{epoch: in.Epoch, driver: fmt.Sprintf("%.200s", in.Driver), events: make(chan Event, maxEvents)}
	a.ctx, a.leave = context.WithCancelCause(ctx)
	j.at = a
	if r := j.run; r != nil && !r.away {
		j.tell(Event{Kind: EventStarted, Worker: r.worker, Slots: r.worker.Slots})
	}
	if d.draining {
		j.tell(d.drainEvent())
	}
	return j, a, nil
}

// quit lets a driver go.
func (d *daemon) quit(j *job, a *attendant) {
	a.leave(nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	if j.at != a {
		return
	}
	j.at = nil
	if d.draining && j.run != nil {
		j.run.end() // nobody is left who would release it
	}
}

func (d *daemon) drainEvent() Event {
	return Event{Kind: EventDraining, Why: fmt.Sprintf("executor %s was told to end, and waits %v for its jobs to move", d.o.Name, d.o.Grace)}
}

// ask answers Ask.
func (d *daemon) ask(_ context.Context, in *asked) (*nothing, error) {
	if err := checkName("job", in.Job); err != nil {
		return nil, err
	}
	if k := in.Request.Kind; k != RequestStop && k != RequestScale || len(in.Request.ID) > 200 || in.Request.N < 0 {
		return nil, &refusal{ErrInvalid, fmt.Sprintf("a driver cannot be asked for %.80q with N=%d: there are %s and %s N", k, in.Request.N, RequestStop, RequestScale)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.jobs[in.Job]
	if j == nil || j.at == nil {
		return nil, &refusal{ErrNoDriver, fmt.Sprintf("no driver attends job %s at executor %s%s", in.Job, d.o.Name, d.nearest(in.Job))}
	}
	j.tell(Event{Kind: EventRequest, Request: in.Request})
	return &nothing{}, nil
}
