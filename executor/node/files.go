package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// folders are where a daemon keeps things. Each is an os.Root: no name that comes over the network can lead out of it.
type folders struct {
	dir                                    string
	bin, scratch, logs, hosting, receivers *os.Root
	lock                                   *os.File
}

// openFolders makes what is missing, and takes the lock: two daemons of one folder would delete each other's scratch.
func openFolders(dir string) (_ *folders, err error) {
	f := &folders{dir: dir}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("executor's folder %s: %w", dir, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if f.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := lockFile(f.lock); err != nil {
		return nil, errors.New("another executor uses it; give this one a folder of its own with --dir")
	}
	for name, to := range map[string]**os.Root{"bin": &f.bin, "scratch": &f.scratch, "logs": &f.logs, "hosted": &f.hosting, "receivers": &f.receivers} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		if *to, err = os.OpenRoot(path); err != nil {
			return nil, err
		}
	}
	return f, emptyRoot(f.scratch)
}

// Close closes them all and gives the lock back.
func (f *folders) Close() {
	for _, r := range []*os.Root{f.bin, f.scratch, f.logs, f.hosting, f.receivers} {
		if r != nil {
			r.Close()
		}
	}
	if f.lock != nil {
		f.lock.Close()
	}
}

// emptyRoot deletes everything below a root.
func emptyRoot(r *os.Root) error {
	d, err := r.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, n := range names {
		err = errors.Join(err, r.RemoveAll(n))
	}
	return err
}

// freshScratch makes an empty folder of the job's own, and returns its path.
func (f *folders) freshScratch(job string) (string, error) {
	if err := f.scratch.RemoveAll(job); err != nil {
		return "", fmt.Errorf("empty the scratch of job %s: %w", job, err)
	}
	if err := f.scratch.Mkdir(job, 0o700); err != nil {
		return "", full(fmt.Errorf("make the scratch of job %s: %w", job, err))
	}
	return filepath.Join(f.dir, "scratch", job), nil
}

// replaceFile writes a small file so that it is there whole or as before, even if the machine stops.
func replaceFile(r *os.Root, name string, text []byte) error {
	f, err := r.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return full(err)
	}
	return r.Rename(name+".new", name)
}

// full makes an error of a full disk one that callers know.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &refusal{ErrRoom, err.Error() + ": free some space on the executor's disk"}
	}
	return err
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

// checkName says whether something may be called so: names become parts of paths, lines and metadata.
func checkName(what, name string) error {
	if !nameForm.MatchString(name) {
		return &refusal{ErrInvalid, fmt.Sprintf("%s name %.120q: letters, digits, - _ and . (not first), at most 100", what, name)}
	}
	return nil
}

// size writes bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
