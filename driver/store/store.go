package store

import (
	"fmt"
	"io"
)

// Store is the checkpoint store. It is deliberately wide, against the house
// rule of small interfaces: its methods share one contract about durability and
// order, so an implementation that has only some of them is of no use to
// anybody, and package storetest checks all of them together.
//
// Names are slash-separated, relative and clean ([io/fs.ValidPath]); folders
// exist as soon as something is put into them. All methods may be called from
// any goroutine. A method that changes something returns nil only when the
// change is durable (Append and Beat excepted), and none takes a context: a
// durable write that somebody stopped waiting for is neither done nor not done.
// An implementation over a network has a timeout of its own.
//
// Absent names give an error that wraps [io/fs.ErrNotExist], names that are
// taken one that wraps [io/fs.ErrExist]. After an error that wraps [ErrSync]
// the store refuses all use.
type Store interface {
	// String says where the store is, for messages: a path, a keyspace.
	String() string

	// Create puts body under name if the name is free, else returns
	// fs.ErrExist. Of several callers exactly one succeeds. After a crash in the
	// middle the name may be taken with a body that is cut short.
	Create(name string, body []byte) error

	// Publish makes an immutable file visible under name, all of it or nothing,
	// with what write writes. An error of write is returned and nothing remains.
	// A name that exists is replaced, also atomically; open Readers keep the old.
	Publish(name string, write func(io.Writer) error) error

	// List returns the files directly in folder, sorted by name; an absent
	// folder is empty. It says nothing about files that come or go meanwhile.
	List(folder string) ([]Entry, error)

	// Stat returns the entry of one file.
	Stat(name string) (Entry, error)

	// Open opens a file for reading at any offset. The caller closes it.
	Open(name string) (Reader, error)

	// Remove deletes a file. Removals are durable in the order they were made.
	Remove(name string) error

	// Log creates an append log under a free name, durable and holding head: it
	// appears with all of head or not at all. The caller, who alone may append,
	// closes it.
	Log(name string, head []byte) (Appender, error)

	// Settle makes the first length bytes of a log durable that another process
	// wrote, and gives back what follows them. From byte from on they may never
	// have been synced, or in vain: a failed sync leaves bytes that can be read,
	// that a second sync passes over, and that a power cut takes away. So they
	// are written again.
	Settle(name string, from, length int64) error

	// Lock takes an exclusive lock that ends with Close or with this process,
	// whichever comes first. It never waits: a lock that is held is ErrLocked; a
	// store that has none returns errors.ErrUnsupported.
	Lock(name string) (io.Closer, error)

	// Beat overwrites name, which lies in the folder beat, with body: soon visible
	// to others but not durable, it costs no sync. All bodies of one name have the
	// same length, and one process writes them.
	Beat(name string, body []byte) error

	// Close releases the store, not its locks and readers.
	Close() error
}

// Fencer is a Store that refuses the changes of a driver which was taken over by
// itself, in one step with the change: what it accepts needs no look at the
// epoch before and after, as [Lock.Check] would take it.
type Fencer interface {
	// Fence is called by the driver that has just claimed epoch e. From now on the
	// store refuses every change that a handle of a lower epoch makes in the
	// folders of a driver (see the package), a Sync of a log there included; and
	// this handle's as soon as another one was told a higher epoch. Refusals wrap
	// ErrFenced. It then removes what changes left behind that nobody finished.
	Fence(e Epoch) error
}

// Entry is one file in a listing.
type Entry struct {
	Name string // full name, folder included
	Size int64  // bytes; of a log that is written, at least what was synced. In a listing a log's may be 0: Stat tells
}

// Reader reads a file; Size is its length in bytes when it was opened.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Appender is the write end of a log. Bytes appended become durable with the
// next Sync, and not before; a crash in between keeps any part of them. Past
// the last byte a reader may find zeros, of any number. After an error the
// Appender returns the same error for ever: how much was written is unknown.
// An Appender belongs to one goroutine.
type Appender interface {
	Append(p []byte) error
	Sync() error
	// Close gives up what is not synced and cuts the zeros off.
	Close() error
}

// ReadFile returns the whole of a small file.
func ReadFile(s Store, name string) ([]byte, error) {
	r, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, r.Size())
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("read %s in %s: %w", name, s, err)
	}
	return b, nil
}

// WriteFile publishes body under name.
func WriteFile(s Store, name string, body []byte) error {
	return s.Publish(name, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
}
