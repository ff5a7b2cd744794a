package crashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"syscall"

	"github.com/tidemill/tidemill/driver/store"
)

// Fault is what happens to one call.
type Fault int

// The faults. Those of writes leave the file as it was, but for ShortWrite.
const (
	None       Fault = iota
	IOError          // EIO
	NoSpace          // ENOSPC
	ShortWrite       // half of the bytes are written, then ENOSPC; other calls: EIO
	Crash            // this call and all later ones do nothing and return ErrCrashed
)

// ErrCrashed is what a crashed file system returns.
var ErrCrashed = errors.New("file system crashed")

// FS implements store.FS. It is safe for use by several goroutines.
type FS struct {
	mu      sync.Mutex
	live    map[string]*node
	durable map[string]*node
	pending []change
	locks   map[string]bool
	calls   int
	faults  map[int]Fault
	crashed bool
	trace   []string
}

// change is a name that was set (or removed, if node is nil) and whose folder
// was not synced since.
type change struct {
	name string
	node *node
}

func (c change) apply(m map[string]*node) {
	if c.node == nil {
		delete(m, c.name)
	} else {
		m[c.name] = c.node
	}
}

var _ store.FS = (*FS)(nil)

// New returns an empty file system.
func New() *FS {
	return &FS{live: map[string]*node{}, durable: map[string]*node{}, locks: map[string]bool{}, faults: map[int]Fault{}}
}

// Fail sets the fault of call k; calls count from 1, Close excepted.
func (f *FS) Fail(k int, t Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[k] = t
}

// Calls returns how many calls were made.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// traced bounds the memory of long tests.
const traced = 10_000

// Call describes call k, which was made and is among the first 10,000.
func (f *FS) Call(k int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trace[k-1]
}

// Kill returns the file system as another program on the same machine finds it
// when this one was killed: everything written can be read, nothing more is
// durable. Faults and locks are gone.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := copier{}
	g := New()
	for name, n := range f.live {
		g.live[name] = c.node(n, (*node).clone)
	}
	for name, n := range f.durable {
		g.durable[name] = c.node(n, (*node).clone)
	}
	for _, ch := range f.pending {
		g.pending = append(g.pending, change{ch.name, c.node(ch.node, (*node).clone)})
	}
	return g
}

// PowerCut returns what the disk may hold after a power cut, by a seed: each
// block and each name that was not synced is kept with probability keep.
func (f *FS) PowerCut(seed uint64, keep float64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := rand.New(rand.NewPCG(seed, 1))
	names := maps.Clone(f.durable)
	for _, ch := range f.pending {
		if r.Float64() < keep {
			ch.apply(names)
		}
	}
	c := copier{}
	g := New()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := c.node(names[name], func(n *node) *node { return n.cut(r, keep) })
		g.live[name], g.durable[name] = n, n
	}
	return g
}

// copier copies each node once, under however many names.
type copier map[*node]*node

func (c copier) node(n *node, copyOf func(*node) *node) *node {
	if n != nil && c[n] == nil {
		c[n] = copyOf(n)
	}
	return c[n]
}

// Bytes returns a copy of a file's bytes as readers see them, for tests that
// damage them with SetBytes.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.live[name].live)
}

// SetBytes replaces a file's bytes, durably.
func (f *FS) SetBytes(name string, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live[name].live, f.live[name].synced = slices.Clone(b), slices.Clone(b)
}

// Names returns the names of all files, sorted.
func (f *FS) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Sorted(maps.Keys(f.live))
	return slices.DeleteFunc(names, func(s string) bool { return f.live[s].folder })
}

// call counts a call and returns its fault as an error; the mutex is held.
func (f *FS) call(op, name string) (Fault, error) {
	f.calls++
	if f.calls <= traced {
		f.trace = append(f.trace, op+" "+name)
	}
	t := f.faults[f.calls]
	f.crashed = f.crashed || t == Crash
	var err error
	switch {
	case f.crashed:
		return Crash, fmt.Errorf("%s %s: %w", op, name, ErrCrashed)
	case t == IOError, t == ShortWrite && op != "write":
		err = syscall.EIO
	case t == NoSpace, t == ShortWrite:
		err = syscall.ENOSPC
	default:
		return None, nil
	}
	return t, &fs.PathError{Op: op, Path: name, Err: err}
}

func (f *FS) find(op, name string) (*node, error) {
	if n := f.live[name]; n != nil {
		return n, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
}

func (f *FS) set(name string, n *node) {
	ch := change{name, n}
	ch.apply(f.live)
	f.pending = append(f.pending, ch)
	if len(f.pending) > maxPending {
		f.pending[0].apply(f.durable)
		f.pending = slices.Delete(f.pending, 0, 1)
	}
}

// maxPending bounds the memory of long tests; disks, too, write names some time.
const maxPending = 64

// Open implements store.FS.
func (f *FS) Open(name string, m store.Mode) (store.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("open", name); err != nil {
		return nil, err
	}
	n := f.live[name]
	switch {
	case n != nil && m == store.CreateNew:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EEXIST}
	case n == nil && (m == store.Read || m == store.Update):
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	case n == nil:
		if d := f.live[path.Dir(name)]; path.Dir(name) != "." && (d == nil || !d.folder) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
		}
		n = &node{}
		f.set(name, n)
	}
	return &file{fsys: f, name: name, node: n}, nil
}

// Rename implements store.FS.
func (f *FS) Rename(oldName, newName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("rename", newName); err != nil {
		return err
	}
	n, err := f.find("rename", oldName)
	if err != nil {
		return err
	}
	f.set(newName, n)
	f.set(oldName, nil)
	return nil
}

// Remove implements store.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("remove", name); err != nil {
		return err
	}
	if _, err := f.find("remove", name); err != nil {
		return err
	}
	f.set(name, nil)
	return nil
}

// Mkdir implements store.FS.
func (f *FS) Mkdir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("mkdir", name); err != nil {
		return err
	}
	if f.live[name] != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	f.set(name, &node{folder: true})
	return nil
}

// List implements store.FS.
func (f *FS) List(dir string) ([]store.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("list", dir); err != nil {
		return nil, err
	}
	if _, err := f.find("list", dir); err != nil {
		return nil, err
	}
	var es []store.Entry
	for name, n := range f.live {
		if path.Dir(name) != dir {
			continue
		}
		e := store.Entry{Name: path.Base(name), Size: int64(len(n.live))}
		if n.folder {
			e.Size = -1
		}
		es = append(es, e)
	}
	return es, nil
}

// Size implements store.FS.
func (f *FS) Size(name string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("size", name); err != nil {
		return 0, err
	}
	n, err := f.find("size", name)
	if err != nil {
		return 0, err
	}
	return int64(len(n.live)), nil
}

// SyncDir implements store.FS.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("syncdir", dir); err != nil {
		return err
	}
	f.pending = slices.DeleteFunc(f.pending, func(ch change) bool {
		if path.Dir(ch.name) != dir {
			return false
		}
		ch.apply(f.durable)
		return true
	})
	return nil
}

// Lock implements store.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.call("lock", name); err != nil {
		return nil, err
	}
	if f.locks[name] {
		return nil, store.ErrLocked
	}
	f.locks[name] = true
	return &lock{f, name}, nil
}

type lock struct {
	fsys *FS
	name string
}

func (l *lock) Close() error {
	l.fsys.mu.Lock()
	defer l.fsys.mu.Unlock()
	delete(l.fsys.locks, l.name)
	return nil
}

// Close implements store.FS; the files stay.
func (f *FS) Close() error { return nil }
