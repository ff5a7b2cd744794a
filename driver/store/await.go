package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// probe is how often a standby asks for the lock of a driver on its machine.
const probe = 50 * time.Millisecond

// Await waits until no driver has the checkpoint, and takes it: what a standby
// does. The holder is gone when it has left in order; when its lock is free and
// it ran on this kernel (seen within 50 ms); or when its beat has stood still for
// Patience, even if a process that hangs still has the lock. Nothing that it does
// is in the way of the holder. Of several standbys one wins, and the others
// wait for that one. Takeover is ignored.
//
// told, which may be nil, is called by Await with each holder that it begins to
// wait for. Errors of the store end it only the first time that it looks, since a
// standby outlives outages; later ones do if nothing mends them: *OtherJobError,
// *FormatError, [ErrSync]. Else only the end of the context does.
func Await(ctx context.Context, s Store, o LockOptions, told func(Holder)) (*Lock, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	o.Takeover = false
	w := standby{store: s, o: o, told: told}
	for {
		l, err := w.look()
		if l != nil || err != nil && (!w.looked || final(err)) {
			return l, err
		}
		if err == nil {
			w.looked = true
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s on checkpoint %s: %w", w.last, s, context.Cause(ctx))
		case <-time.After(w.pause()):
		}
	}
}

func final(err error) bool {
	return errors.As(err, new(*OtherJobError)) || errors.As(err, new(*FormatError)) || errors.Is(err, ErrSync)
}

// standby is a driver that waits.
type standby struct {
	store  Store
	o      LockOptions
	told   func(Holder)
	looked bool   // once, without an error
	last   Holder // the newest holder seen
	pulse  pulse  // of last
	named  Epoch  // of the holder that told was told
}

// here tells that the lock says whether the holder lives.
func (w *standby) here() bool { return w.last.Flock && w.last.Machine == w.o.Machine }

func (w *standby) pause() time.Duration {
	if w.here() || w.last.Epoch == 0 {
		return probe
	}
	return max(w.o.Interval/2, probe)
}

// look returns the lock if the checkpoint could be had.
func (w *standby) look() (*Lock, error) {
	if err := usable(w.store, w.o.Meta); err != nil {
		return nil, err
	}
	last, err := Latest(w.store)
	if err != nil {
		return nil, err
	}
	if last.Epoch != w.last.Epoch {
		w.pulse = pulse{}
	}
	w.last = last
	gone := last.Epoch == 0
	if !gone {
		if gone, err = w.pulse.feel(w.store, last.Epoch, w.o.Patience); err != nil {
			return nil, err
		}
	}
	if !gone && !w.here() {
		w.wait()
		return nil, nil
	}
	return w.try(gone)
}

func (w *standby) wait() {
	if w.last.Epoch != w.named && w.told != nil {
		w.told(w.last)
	}
	w.named = w.last.Epoch
}

// try claims the next epoch: with the lock, which alone shows that a holder of
// this machine is gone, or also without if its beat did.
func (w *standby) try(gone bool) (*Lock, error) {
	flock, held, err := tryLock(w.store)
	if err != nil {
		return nil, err
	}
	if held && (!gone || w.last.Epoch == 0) || flock == nil && !gone {
		w.wait()
		return nil, nil
	}
	l, err := claim(w.store, w.o, w.last, flock)
	if err != nil && flock != nil {
		err = errors.Join(err, flock.Close())
	}
	var faster *HeldError
	if errors.As(err, &faster) {
		return nil, nil // and is who is waited for now
	}
	if err != nil {
		return nil, err
	}
	return l.adopt(w.o.Meta)
}
