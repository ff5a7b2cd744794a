package store

import "io"

// FS is the file system under a [Dir], rooted at the checkpoint: all I/O goes
// through it, so that a test can crash or fail at every call (package crashfs).
// Names are clean and relative. Errors are those of package os.
type FS interface {
	// Open opens a file in one of the modes below.
	Open(name string, m Mode) (File, error)
	// Rename replaces newName atomically.
	Rename(oldName, newName string) error
	Remove(name string) error
	Mkdir(name string) error
	// List returns the files and folders directly in dir, in any order.
	List(dir string) ([]Entry, error)
	Size(name string) (int64, error)
	// SyncDir makes creations, renames and removals in dir durable.
	SyncDir(dir string) error
	// Lock is Store.Lock.
	Lock(name string) (io.Closer, error)
	Close() error
}

// Mode says how FS.Open opens a file.
type Mode int

const (
	Read      Mode = iota // read an existing file
	Update                // read and write an existing file, in place
	Ensure                // the same, creating it if it is absent
	CreateNew             // read and write a file that must not exist
)

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Allocate reserves room up to size and makes the file that long; what was
	// not written reads as zeros.
	Allocate(size int64) error
	Truncate(size int64) error
	Sync() error
}
