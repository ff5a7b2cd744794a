package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// ErrLocked says that the lock is held, by this process or another.
var ErrLocked = errors.New("lock is held")

// ErrSync says that a sync failed, now or earlier. The kernel may have dropped
// the bytes and marked them clean, so a second sync would succeed without them
// (the "fsyncgate" of 2018): the only safe thing left is to end the process and
// recover from what the disk really has.
var ErrSync = errors.New("sync failed: the disk may have lost bytes that were written; " +
	"check the disk, then start again, which recovers from the last commit")

// FullError is a write for which the place had no room (ENOSPC, EDQUOT).
type FullError struct {
	Place string // of the store
	Err   error
}

// Error names the place and says how to go on.
func (e *FullError) Error() string {
	return fmt.Sprintf("no space left for checkpoint %s: free some there (or move the folder to a larger disk and "+
		"name it with --checkpoint) and start again, which goes on after the last commit: %v", e.Place, e.Err)
}

// Unwrap returns the error of the system.
func (e *FullError) Unwrap() error { return e.Err }

// OtherJobError is a checkpoint that another job made.
type OtherJobError struct {
	Place      string
	Have, Want string // names of jobs: the checkpoint's, the caller's
}

// Error names both jobs and says how to go on.
func (e *OtherJobError) Error() string {
	return fmt.Sprintf("checkpoint %s belongs to job %q, not to %q: give this job another folder with --checkpoint, "+
		"or name the job %q if it is the same one", e.Place, e.Have, e.Want, e.Have)
}

// FormatError is a checkpoint written in a format newer than this engine reads.
type FormatError struct {
	Place      string
	Have, Know int    // formats: the checkpoint's, the newest known here
	Engine     string // version that wrote it
}

// Error names both versions and says how to go on.
func (e *FormatError) Error() string {
	return fmt.Sprintf("checkpoint %s has format %d (written by engine %s), this engine knows formats up to %d: "+
		"run it with engine %s or newer, or start over with --fresh", e.Place, e.Have, e.Engine, e.Know, e.Engine)
}

// HeldError is a checkpoint that another driver is using.
type HeldError struct {
	Place  string
	Holder Holder // zero if it has not said who it is yet
	Why    string // what shows that it lives
}

// Error names the holder and says how to go on.
func (e *HeldError) Error() string {
	return fmt.Sprintf("checkpoint %s is in use by %s (%s): stop that driver first, "+
		"or start with --takeover if it hangs and cannot be stopped", e.Place, e.Holder, e.Why)
}

// ErrFenced is wrapped by every FencedError.
var ErrFenced = errors.New("fenced: a newer driver has this checkpoint")

// FencedError tells a driver that a newer epoch exists: it must stop at once
// and write nothing more.
type FencedError struct {
	Place string
	Epoch Epoch  // of the caller
	Newer Holder // who took over
}

// Error names the newer holder.
func (e *FencedError) Error() string {
	return fmt.Sprintf("driver of epoch %d on checkpoint %s was taken over by %s (epoch %d), this one stops: "+
		"nothing to do unless it was not meant", e.Epoch, e.Place, e.Newer, e.Newer.Epoch)
}

// Unwrap returns ErrFenced.
func (e *FencedError) Unwrap() error { return ErrFenced }

// Holder says who claimed an epoch.
type Holder struct {
	Epoch   Epoch     `json:"epoch"`
	Job     string    `json:"job"`
	Host    string    `json:"host"`
	Machine string    `json:"machine"` // the running kernel: see LockOptions.Machine
	Pid     int       `json:"pid"`
	Started time.Time `json:"started"`
	Flock   bool      `json:"flock"` // it held the lock when it claimed, so a free lock proves it dead
}

// String names the holder for messages.
func (h Holder) String() string {
	if h.Pid == 0 {
		return "a driver that is just starting"
	}
	return fmt.Sprintf("job %q, pid %d on host %s, started %s", h.Job, h.Pid, h.Host, h.Started.UTC().Format(time.RFC3339))
}

// explain turns errors of the system that a user can do something about into
// ones that say what.
func explain(place string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &FullError{Place: place, Err: err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("checkpoint %s is not writable for this user: change its owner or mode, "+
			"or name another folder with --checkpoint: %w", place, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("checkpoint %s is not a directory: name another one with --checkpoint: %w", place, err)
	}
	return err
}
