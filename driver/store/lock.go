package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// LockOptions says who wants a checkpoint and how hard.
type LockOptions struct {
	// Meta names the job. If the checkpoint is new, this is written as its meta
	// with Format, Created and CRC32C set; else its Job must be the same.
	Meta Meta
	// Takeover takes the checkpoint from a driver that seems alive. That one is
	// fenced: its next append fails.
	Takeover bool
	// Interval between two beats; 1 s. Longer than Patience/3 and a live driver
	// is taken for dead.
	Interval time.Duration
	// Patience is how long a beat must stand still before its driver counts as
	// dead, on the clock of who waits; 10 s.
	Patience time.Duration
	// Machine names the running kernel: a lock that is free says something only
	// about drivers of the same one. Default: the boot id, or else the host.
	Machine string
}

func (o LockOptions) withDefaults() (LockOptions, error) {
	if o.Meta.Job == "" {
		return o, errors.New("acquire a checkpoint: the job has no name")
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Interval < 0 || o.Patience < 3*o.Interval {
		return o, fmt.Errorf("acquire a checkpoint: patience %v must be at least three beats of %v", o.Patience, o.Interval)
	}
	if o.Machine == "" {
		o.Machine = machine()
	}
	return o, nil
}

// machine is the same for all containers of a kernel, as flock is, and differs
// after a reboot, which freed every flock.
func machine() string {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b))
	}
	host, _ := os.Hostname()
	return host
}

// Lock is the ownership of a checkpoint by one driver, in one epoch.
type Lock struct {
	store  Store
	self   Holder
	meta   Meta
	next   string // epoch file whose existence fences this driver
	fenced bool   // by the store itself: it is a Fencer

	stop    chan struct{} // closed by Release
	done    chan struct{} // closed by the beating goroutine, its only writer
	lost    chan struct{} // closed by the beating goroutine
	release sync.Once
	flock   io.Closer // nil without one; the beating goroutine's until done
	beats   atomic.Uint64
}

// Acquire takes the checkpoint for a driver and claims the next epoch. It
// returns *HeldError if another driver lives, *OtherJobError or *FormatError if
// the checkpoint is not this job's. It waits only if it must watch a beat:
//
//   - lock held, and the last driver ran on this kernel: refused at once;
//   - lock free, and the last driver ran on this kernel and held it, or left in
//     order: taken at once;
//   - otherwise (another host, whose lock this one may or may not see; no locks
//     here): taken when the beat has stood still for Patience, refused as soon as
//     it moves;
//   - Takeover: taken at once, whatever the lock and the beat say.
//
// The caller calls Release when it writes no more.
func Acquire(ctx context.Context, s Store, o LockOptions) (*Lock, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := usable(s, o.Meta); err != nil {
		return nil, err
	}
	l, err := take(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return l.adopt(o.Meta)
}

// usable refuses another job's checkpoint before anything is changed in it.
func usable(s Store, want Meta) error {
	forgotten, err := isForgotten(s)
	if err != nil || forgotten {
		return err
	}
	_, _, err = match(s, want)
	return err
}

// tryLock returns nil if there is no lock to be had; held if somebody has it.
func tryLock(s Store) (flock io.Closer, held bool, err error) {
	flock, err = s.Lock("lock")
	switch {
	case err == nil:
		return flock, false, nil
	case errors.Is(err, ErrLocked):
		return nil, true, nil
	case errors.Is(err, errors.ErrUnsupported):
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("lock checkpoint %s: %w", s, err)
}

// take claims the next epoch when the last driver is gone, see Acquire.
func take(ctx context.Context, s Store, o LockOptions) (*Lock, error) {
	flock, held, err := tryLock(s)
	if err != nil {
		return nil, err
	}
	l, err := takeWith(ctx, s, o, flock, held)
	if err != nil && flock != nil {
		err = errors.Join(err, flock.Close())
	}
	return l, err
}

func takeWith(ctx context.Context, s Store, o LockOptions, flock io.Closer, held bool) (*Lock, error) {
	last, err := Latest(s)
	if err != nil {
		return nil, err
	}
	switch here := last.Epoch == 0 || last.Machine == o.Machine && last.Flock; {
	case o.Takeover, !held && last.Epoch == 0, flock != nil && here:
	case held && here:
		return nil, &HeldError{Place: s.String(), Holder: last, Why: "its lock is held"}
	default:
		if err := watch(ctx, s, o, last); err != nil {
			return nil, err
		}
	}
	return claim(s, o, last, flock)
}

// claim makes the epoch after last's this driver's, and starts to beat. The lock
// is closed with the Lock; it stays open if claim fails.
func claim(s Store, o LockOptions, last Holder, flock io.Closer) (*Lock, error) {
	host, _ := os.Hostname()
	self := Holder{Epoch: last.Epoch + 1, Job: o.Meta.Job, Host: host, Machine: o.Machine,
		Pid: os.Getpid(), Started: time.Now().UTC(), Flock: flock != nil}
	b, err := json.Marshal(self)
	if err != nil {
		return nil, fmt.Errorf("claim epoch %d: %w", self.Epoch, err)
	}
	err = s.Create(self.Epoch.file(), append(b, '\n'))
	if errors.Is(err, fs.ErrExist) {
		return nil, lostRace(s, self.Epoch)
	}
	if err != nil {
		return nil, fmt.Errorf("claim epoch %d: %w", self.Epoch, err)
	}
	return begin(s, o, self, flock)
}

func lostRace(s Store, e Epoch) error {
	h, err := readHolder(s, e)
	if err != nil {
		return err
	}
	return &HeldError{Place: s.String(), Holder: h, Why: "it claimed the epoch first"}
}

// begin fences those who came before, and starts the beat.
func begin(s Store, o LockOptions, self Holder, flock io.Closer) (*Lock, error) {
	l := &Lock{store: s, self: self, next: (self.Epoch + 1).file(), flock: flock,
		stop: make(chan struct{}), done: make(chan struct{}), lost: make(chan struct{})}
	if f, ok := s.(Fencer); ok {
		l.fenced = true
		if err := f.Fence(self.Epoch); err != nil {
			return nil, fmt.Errorf("fence the drivers before epoch %d: %w", self.Epoch, err)
		}
	}
	if sw, ok := s.(interface{ sweep() error }); ok {
		if err := sw.sweep(); err != nil {
			return nil, fmt.Errorf("remove unfinished files: %w", err)
		}
	}
	if err := l.beat("beating"); err != nil {
		return nil, fmt.Errorf("first beat: %w", err)
	}
	go l.run(o.Interval)
	return l, nil
}

// adopt makes the checkpoint the job's, or gives it up again.
func (l *Lock) adopt(want Meta) (*Lock, error) {
	if err := l.setUp(want); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

func (l *Lock) setUp(want Meta) error {
	if err := finishForgetting(l.store); err != nil {
		return err
	}
	m, ok, err := match(l.store, want) // again: another job's first start may have come between
	if err == nil && !ok {
		m.Format, m.Created = Format, l.self.Started
		if err = WriteFile(l.store, metaName, m.encode()); err != nil {
			return fmt.Errorf("write meta: %w", err)
		}
		m, err = ReadMeta(l.store)
	}
	l.meta = m
	return err
}

// Epoch returns the epoch of this driver.
func (l *Lock) Epoch() Epoch { return l.self.Epoch }

// Meta returns the meta of the checkpoint, as it was made at the job's first start.
func (l *Lock) Meta() Meta { return l.meta }

// Lost is closed when the beat finds a newer epoch, within one interval and
// without any cost to a batch: a driver that waits for a long batch stops then.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Check returns *FencedError if a newer epoch exists. Call it before and after
// each durable change: only one that was followed by a nil Check has happened.
// It costs one lookup of a name; nothing if the store is a [Fencer], which
// refuses the change itself.
func (l *Lock) Check() error {
	if l.fenced {
		select {
		case <-l.lost:
		default:
			return nil
		}
	}
	return l.look()
}

// look asks the store for a newer epoch.
func (l *Lock) look() error {
	_, err := l.store.Stat(l.next)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("check epoch %d: %w", l.self.Epoch, err)
	}
	// The newest, not the next: that is who has it now.
	h, err := Latest(l.store)
	if err != nil {
		h = Holder{Epoch: l.self.Epoch + 1}
	}
	return &FencedError{Place: l.store.String(), Epoch: l.self.Epoch, Newer: h}
}

// Release ends the ownership: the next driver need not wait. Calling it again
// does nothing. The caller has stopped writing.
func (l *Lock) Release() error {
	var err error
	l.release.Do(func() {
		close(l.stop)
		<-l.done
		err = l.beat(released)
		if l.flock != nil {
			err = errors.Join(err, l.flock.Close())
		}
	})
	return err
}
