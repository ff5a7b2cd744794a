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
	store Store
	self  Holder
	meta  Meta
	next  string // epoch file whose existence fences this driver

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
//   - lock held: refused at once;
//   - lock free, and the last driver ran on this kernel and held it, or left in
//     order: taken at once;
//   - otherwise (another host, no locks here): taken when the beat has stood
//     still for Patience, refused as soon as it moves;
//   - Takeover: taken at once, whatever the lock and the beat say.
//
// The caller calls Release when it writes no more.
func Acquire(ctx context.Context, s Store, o LockOptions) (*Lock, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, _, err := match(s, o.Meta); err != nil {
		return nil, err
	}
	flock, err := s.Lock("lock")
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !(o.Takeover && errors.Is(err, ErrLocked)) {
		return nil, refused(s, err)
	}
	l, err := claim(ctx, s, o, flock)
	if err != nil && flock != nil {
		flock.Close()
	}
	return l, err
}

func refused(s Store, err error) error {
	if !errors.Is(err, ErrLocked) {
		return fmt.Errorf("lock checkpoint %s: %w", s, err)
	}
	h, err := Latest(s)
	if err != nil {
		return err
	}
	return &HeldError{Place: s.String(), Holder: h, Why: "its lock is held"}
}

func claim(ctx context.Context, s Store, o LockOptions, flock io.Closer) (*Lock, error) {
	last, err := Latest(s)
	if err != nil {
		return nil, err
	}
	dead := last.Epoch == 0 || o.Takeover || flock != nil && last.Flock && last.Machine == o.Machine
	if !dead {
		if err := watch(ctx, s, o, last); err != nil {
			return nil, err
		}
	}
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
	return own(s, o, self, flock)
}

func lostRace(s Store, e Epoch) error {
	h, err := readHolder(s, e)
	if err != nil {
		return err
	}
	return &HeldError{Place: s.String(), Holder: h, Why: "it claimed the epoch first"}
}

// own sets up a checkpoint whose epoch was just claimed, and starts the beat.
func own(s Store, o LockOptions, self Holder, flock io.Closer) (*Lock, error) {
	m, ok, err := match(s, o.Meta) // again: another job's first start may have come between
	if err != nil {
		return nil, err
	}
	if !ok {
		m.Format, m.Created = Format, self.Started
		b := m.encode()
		if err := WriteFile(s, metaName, b); err != nil {
			return nil, fmt.Errorf("write meta: %w", err)
		}
		if m, err = ReadMeta(s); err != nil {
			return nil, err
		}
	}
	if sw, ok := s.(interface{ sweep() error }); ok {
		if err := sw.sweep(); err != nil {
			return nil, fmt.Errorf("remove unfinished files: %w", err)
		}
	}
	l := &Lock{store: s, self: self, meta: m, next: (self.Epoch + 1).file(), flock: flock,
		stop: make(chan struct{}), done: make(chan struct{}), lost: make(chan struct{})}
	if err := l.beat("beating"); err != nil {
		return nil, fmt.Errorf("first beat: %w", err)
	}
	go l.run(o.Interval)
	return l, nil
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
// It costs one lookup of a name.
func (l *Lock) Check() error {
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
