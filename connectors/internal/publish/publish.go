package publish

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// File is a file that nobody sees yet. One goroutine uses it.
type File struct {
	f    *os.File
	w    *bufio.Writer
	done bool
}

// Create starts a file in a folder, which it makes if need be. The name gets a random end, so that two attempts at one file
// never write to the same one.
func Create(staging, name string) (*File, error) {
	if err := Folder(staging); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	f, err := os.CreateTemp(staging, name+".*.tmp")
	if err != nil {
		return nil, fmt.Errorf("create file: %w", err)
	}
	return &File{f: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

// Write appends bytes.
func (f *File) Write(b []byte) (int, error) { return f.w.Write(b) }

// Commit syncs the file and gives it its name, in place of any file of that name.
func (f *File) Commit(path string) error {
	if err := errors.Join(f.w.Flush(), f.f.Chmod(0o644), f.f.Sync(), f.f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.f.Name(), path); err != nil {
		return err
	}
	f.done = true
	return SyncFolder(filepath.Dir(path))
}

// Discard removes the file unless it was committed.
func (f *File) Discard() {
	if !f.done {
		f.f.Close()
		os.Remove(f.f.Name())
	}
}

// Put makes a file of the given bytes appear at path.
func Put(staging, path string, content []byte) error {
	f, err := Create(staging, filepath.Base(path))
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit(path)
}

// Folder makes a folder and those above it, durably, unless they are there.
func Folder(path string) error {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := Folder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return SyncFolder(above)
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", path, err)
	}
	return nil
}

var _ io.Writer = (*File)(nil)
