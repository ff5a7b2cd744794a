package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
)

// rootFS is the system's files below one directory. os.Root resolves names
// without leaving it.
type rootFS struct {
	root *os.Root

	mu      sync.Mutex
	folders map[string]*os.Root // open ones, for Size
}

func openRoot(dir string, create bool) (FS, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if fi, err := os.Stat(dir); err == nil && !fi.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &rootFS{root: r, folders: map[string]*os.Root{}}, nil
}

func (r *rootFS) Open(name string, m Mode) (File, error) {
	flag := map[Mode]int{
		Read:      os.O_RDONLY,
		Update:    os.O_RDWR,
		Ensure:    os.O_RDWR | os.O_CREATE,
		CreateNew: os.O_RDWR | os.O_CREATE | os.O_EXCL,
	}[m]
	f, err := r.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return rootFile{f}, nil
}

func (r *rootFS) Rename(oldName, newName string) error { return r.root.Rename(oldName, newName) }
func (r *rootFS) Remove(name string) error             { return r.root.Remove(name) }
func (r *rootFS) Mkdir(name string) error              { return r.root.Mkdir(name, 0o700) }

// List gives folders the size -1.
func (r *rootFS) List(dir string) ([]Entry, error) {
	f, err := r.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	des, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var es []Entry
	for _, de := range des {
		fi, err := de.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
		case err != nil:
			return nil, err
		case fi.IsDir():
			es = append(es, Entry{Name: de.Name(), Size: -1})
		default:
			es = append(es, Entry{Name: de.Name(), Size: fi.Size()})
		}
	}
	return es, nil
}

// Size keeps the folder open: a driver asks twice an append whether a newer
// epoch is there, and opening the folder is most of that.
func (r *rootFS) Size(name string) (int64, error) {
	f, err := r.openFolder(path.Dir(name))
	if err != nil {
		return 0, err
	}
	fi, err := f.Stat(path.Base(name))
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (r *rootFS) openFolder(name string) (*os.Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.folders[name]; f != nil {
		return f, nil
	}
	f, err := r.root.OpenRoot(name)
	if err == nil {
		r.folders[name] = f
	}
	return f, err
}

func (r *rootFS) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.root.Close()
	for _, f := range r.folders {
		err = errors.Join(err, f.Close())
	}
	clear(r.folders)
	return err
}

func (r *rootFS) SyncDir(dir string) error {
	f, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (r *rootFS) Lock(name string) (io.Closer, error) {
	f, err := r.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	// Closing the file lifts the lock. Children do not inherit it: Go opens
	// every file close-on-exec.
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("flock: %w", err), f.Close())
	}
	return f, nil
}

type rootFile struct{ *os.File }

func (f rootFile) Size() (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (f rootFile) Allocate(size int64) error { return allocate(f.File, size) }
