package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// kept is how many binaries, and folders of jobs, a cache keeps. At 30 MB each that is about what Go's own cache takes.
const kept = 16

// lockFile is the lock of a job's folder.
const lockFile = "lock"

// store keeps binaries under the digest of their content. A file is there whole or not at all, and never changes.
type store struct{ dir string }

// put copies the file into the store, unless it is there, and removes the oldest binaries that nobody holds.
func (s store) put(file string) (path, digest string, err error) {
	if digest, err = hashFile(file); err != nil {
		return "", "", fmt.Errorf("keep the binary: %w", err)
	}
	path = filepath.Join(s.dir, digest)
	if sameSize(path, file) {
		err = os.Chtimes(path, time.Time{}, time.Now())
	} else {
		err = s.copy(path, file)
	}
	if err != nil {
		return "", "", fmt.Errorf("keep the binary: %w", err)
	}
	return path, digest, prune(s.dir, path, "")
}

func (s store) copy(path, file string) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	tmp, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if _, err := io.Copy(tmp, f); err != nil {
		return err
	}
	return errors.Join(tmp.Chmod(0o755), tmp.Close(), os.Rename(tmp.Name(), path))
}

// sameSize reports whether there is as much in the store as in the file. Less is left over from a power failure.
func sameSize(path, file string) bool {
	old, err := os.Stat(path)
	if err != nil {
		return false
	}
	st, err := os.Stat(file)
	return err == nil && st.Size() == old.Size()
}

func hashFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// prune removes all but the newest entries of dir, sparing one, and those that somebody has locked: the entry itself,
// or the file of the name lock in it.
func prune(dir, spare, lock string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("tidy the cache: %w", err)
	}
	type aged struct {
		path string
		at   time.Time
	}
	var all []aged
	for _, e := range entries {
		if st, err := e.Info(); err == nil { // else another build has just removed it
			all = append(all, aged{filepath.Join(dir, e.Name()), st.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b aged) int { return b.at.Compare(a.at) })
	for _, a := range all[min(kept, len(all)):] {
		if a.path != spare {
			removeUnheld(a.path, filepath.Join(a.path, lock))
		}
	}
	return nil
}

// removeUnheld leaves what it cannot remove to the next time: too much in a cache harms nobody.
func removeUnheld(path, lock string) {
	f, err := os.Open(lock)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		os.RemoveAll(path)
	}
}

// Hold keeps the binary from being removed by later builds until release is called or the process ends. Whoever may
// start it again holds it.
func (b *Binary) Hold() (release func(), err error) {
	f, err := os.Open(b.Path)
	if err != nil {
		return nil, fmt.Errorf("hold the binary: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		f.Close()
		return nil, fmt.Errorf("hold the binary: %w", err)
	}
	return func() { f.Close() }, nil
}

// lock takes the lock file in the folder, which it makes, waiting for another build of the same job.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	for {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && isAt(f, filepath.Join(dir, lockFile)) {
			return func() { f.Close() }, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// isAt reports whether the open file still is what path names; pruning may have removed it before it was locked.
func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
