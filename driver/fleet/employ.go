package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/executor/control"
	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// lastWord is how long a stream that broke waits for the executor to say why the worker has ended.
const lastWord = 50 * time.Millisecond

// employ has a worker of the job on an executor, attached to this driver as long as it can be, until it is not wanted any more or the
// executor does not answer. The executor's own events come meanwhile, whether a worker runs or not.
func (f *Fleet) employ(ctx context.Context, m *member, d daemon, pause *backoff) error {
	ctx, unhire := context.WithCancelCause(ctx)
	defer unhire(nil)
	if !f.hire(m, unhire) {
		return nil
	}
	var attending sync.WaitGroup
	attending.Go(func() { f.attend(ctx, m, d) })
	var err error
	for {
		began := time.Now()
		err = f.work(ctx, m, d, pause)
		if ctx.Err() != nil || ReasonOf(err).Kind == Unreachable {
			break
		}
		f.failedSince(m, began, err)
		pause.wait(ctx, m.kick)
		if ctx.Err() != nil {
			break
		}
	}
	cause := context.Cause(ctx)
	unhire(nil)
	attending.Wait()
	return f.dismiss(m, d, cause, err)
}

// hire notes how to end the employment, unless there is to be none any more.
func (f *Fleet) hire(m *member, unhire context.CancelCauseFunc) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !m.chosen || f.ctx.Err() != nil {
		return false
	}
	m.unhire = unhire
	if m.state != Lost && m.state != Unusable {
		m.enter(Starting, "")
	}
	return true
}

// dismiss ends an employment, and the worker too if that was its cause. What it returns is the failure that ended it otherwise.
func (f *Fleet) dismiss(m *member, d daemon, cause, err error) error {
	f.mu.Lock()
	m.unhire = nil
	within := f.letGo
	f.mu.Unlock()
	if !slices.Contains([]error{ErrReleased, errUnwanted, errStopping}, cause) {
		if cause != nil {
			return nil // the fleet ends, or the executor was forgotten
		}
		return err
	}
	if within == nil || cause != errStopping {
		within = context.WithoutCancel(f.ctx)
	}
	within, cancel := context.WithTimeout(within, f.o.Answer)
	defer cancel()
	if err := f.stopWorker(within, d); err != nil && ReasonOf(err).Kind != Unreachable {
		f.warn("executor %s: the worker that is not needed any more could not be stopped, and ends by itself after a while: %v", m.name, plain(err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m.failing = time.Time{}
	m.enter(Spare, "")
	f.settle()
	return nil
}

// stopWorker stops the worker unless another driver has taken the job over since: a driver that wakes up late must not end what is not its own
// any more.
func (f *Fleet) stopWorker(ctx context.Context, d daemon) error {
	f.mu.Lock()
	over := f.over
	f.mu.Unlock()
	if over {
		return nil
	}
	jobs, err := d.Jobs(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(jobs, func(s node.JobStatus) bool { return s.Job == f.o.Job && s.Epoch > f.o.Epoch }) {
		return nil
	}
	return d.Stop(ctx, f.o.Job)
}

func (f *Fleet) warn(format string, args ...any) { f.events.put(warning(fmt.Sprintf(format, args...))) }

// work has the executor start the worker, or finds the one that runs, attaches to it, and returns why that is over.
func (f *Fleet) work(ctx context.Context, m *member, d daemon, pause *backoff) error {
	if err := f.supply(ctx, d); err != nil {
		return err
	}
	w, err := f.start(ctx, d)
	if err != nil {
		return err
	}
	if w.Pid == 0 {
		return because(NoWorker, "its worker has ended, and is started again%s", f.exitOf(m))
	}
	a, err := f.attach(ctx, w)
	if err != nil {
		return err
	}
	defer a.stream.Close()
	if err := f.rise(m, a, w); err != nil {
		return err
	}
	err = a.wait(ctx)
	f.fall(m, a, err, pause)
	return err
}

// supply gives the executor the binary. Only some receive it at a time.
func (f *Fleet) supply(ctx context.Context, d daemon) error {
	asking, cancel := context.WithTimeout(ctx, f.o.Answer)
	defer cancel()
	if has, err := d.Has(asking, f.binary.SHA256); err != nil || has {
		return err
	}
	select {
	case f.upload <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.upload }()
	return f.binary.put(ctx, d, f.o.Job, f.o.Credentials)
}

func (f *Fleet) start(ctx context.Context, d daemon) (node.Worker, error) {
	within, cancel := context.WithTimeout(ctx, f.o.Starting)
	defer cancel()
	w, err := d.Start(within, node.Start{Job: f.o.Job, SHA256: f.binary.SHA256, Setup: f.o.Setup, Epoch: f.o.Epoch, Memory: f.o.Memory})
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = because(NoWorker, "its worker has not come up for %v", f.o.Starting)
	}
	return w, err
}

// attach opens the stream.
func (f *Fleet) attach(ctx context.Context, w node.Worker) (*attachment, error) {
	within, cancel := context.WithTimeout(ctx, f.o.Answer)
	defer cancel()
	a := newAttachment(f.events, w)
	s, err := f.o.net.open(within, control.StreamOptions{
		Address: w.Address, Credentials: f.o.Credentials, Report: a.report, Silence: f.o.Silence,
		Attach: wire.Attach{Job: f.o.Job, Epoch: f.o.Epoch, Graph: f.o.Graph, Engine: f.o.Engine},
	})
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = because(Unreachable, "its worker at %s has not answered for %v", w.Address, f.o.Answer)
	}
	a.stream = s
	return a, err
}

// rise tells that a worker is up.
func (f *Fleet) rise(m *member, a *attachment, w node.Worker) error {
	h := a.stream.Hello()
	if h.Worker != m.name {
		return because(OtherName, "at %s, its worker's address, answers one of executor %s: one of the two announces an address that is not its own (--advertise)", w.Address, h.Worker)
	}
	if h.Graph != f.o.Graph {
		return &wire.DigestError{Driver: f.o.Graph, Worker: h.Graph}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !m.chosen {
		return errUnwanted
	}
	if m.slots == 0 { // else the executor has said it since the worker was asked for
		m.slots = w.Slots
	}
	h.Slots = m.slots
	a.worker = Worker{m.name, h.Incarnation}
	m.at, m.upSince, m.failing, m.told = a, time.Now(), time.Time{}, ""
	f.up[a.worker] = a
	f.alone, f.said = time.Time{}, false
	m.enter(Running, "")
	a.opened(h)
	return nil
}

// fall tells that it is down.
func (f *Fleet) fall(m *member, a *attachment, why error, pause *backoff) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(m.upSince) >= steady {
		*pause = 0
	}
	delete(f.up, a.worker)
	if len(f.up) == 0 {
		f.alone = now
	}
	m.at, m.leaving, m.slots, m.failing = nil, false, 0, now
	m.enter(Lost, why.Error())
	if !m.chosen && m.unhire != nil && !errors.Is(why, ErrReleased) {
		m.unhire(errUnwanted) // it was about to leave
	}
	a.closed(why)
}

// wait returns why the attachment is over.
func (a *attachment) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case why := <-a.exited:
		return because(NoWorker, "its worker has ended: %s", why)
	case <-a.stream.Done():
	}
	t := time.NewTimer(lastWord)
	defer t.Stop()
	select {
	case why := <-a.exited:
		return because(NoWorker, "its worker has ended: %s", why)
	case <-t.C:
	case <-ctx.Done():
	}
	if err := a.stream.Err(); err != nil {
		return fmt.Errorf("control stream: %w", err)
	}
	return errors.New("control stream: closed by the worker")
}
