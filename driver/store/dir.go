package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// DirOptions of a local store.
type DirOptions struct {
	// ReadOnly refuses every change and needs no write permission; the directory
	// must exist.
	ReadOnly bool
	// Shared says that drivers and executors of other machines use the directory
	// too, see the package. There are no locks then: flock says nothing about other
	// machines, or hangs on after one has died.
	Shared bool
	// FS replaces the system's files, for tests; the path is then only a name.
	FS FS
}

// Dir is a Store in a directory. Names cannot leave it, not through
// symbolic links either. It costs one fsync a Sync, two a Publish or Create
// (the file, its folder).
type Dir struct {
	place    string
	fsys     FS
	readOnly bool
	shared   bool
	failed   atomic.Pointer[error] // the first failed sync
	unique   string                // in names of temporary files
	temps    atomic.Uint64

	mu      sync.Mutex
	folders map[string]bool // known to exist, durably
}

var _ Store = (*Dir)(nil)

// layout are the folders that every checkpoint has.
var layout = []string{"epoch", "beat", "log", "state", "tables", "receivers", tmp}

const tmp = "tmp"

// OpenDir opens the checkpoint in a directory, which it makes if it is absent.
// Errors say what to do: the path is a file, it is not writable, the disk is
// full.
func OpenDir(dir string, o DirOptions) (*Dir, error) {
	fsys := o.FS
	if fsys == nil {
		var err error
		if fsys, err = openRoot(dir, !o.ReadOnly); err != nil {
			return nil, fmt.Errorf("open checkpoint: %w", explain(dir, err))
		}
	}
	d := &Dir{place: dir, fsys: fsys, readOnly: o.ReadOnly, shared: o.Shared, unique: rand.Text()[:10], folders: map[string]bool{".": true}}
	if o.ReadOnly {
		return d, nil
	}
	for _, f := range layout {
		if err := d.folder(f); err != nil {
			return nil, errors.Join(fmt.Errorf("open checkpoint: %w", err), fsys.Close())
		}
	}
	return d, nil
}

// String returns the directory's path.
func (d *Dir) String() string { return d.place }

// Close implements Store.
func (d *Dir) Close() error { return d.fsys.Close() }

// begin is called first by every method.
func (d *Dir) begin(change bool, names ...string) error {
	if p := d.failed.Load(); p != nil {
		return *p
	}
	if change && d.readOnly {
		return fmt.Errorf("checkpoint %s was opened for reading: %w", d.place, fs.ErrPermission)
	}
	for _, n := range names {
		if !fs.ValidPath(n) || n == "." {
			return fmt.Errorf("name %q in checkpoint %s: %w", n, d.place, fs.ErrInvalid)
		}
	}
	return nil
}

// wrap names what failed, and shuts the store after a failed sync.
func (d *Dir) wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s %s: %w", op, name, explain(d.place, err))
	if errors.Is(err, ErrSync) {
		d.failed.CompareAndSwap(nil, &err)
	}
	return err
}

func syncFile(f File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("%w (%w)", ErrSync, err)
	}
	return nil
}

func (d *Dir) syncDir(name string) error {
	if err := d.fsys.SyncDir(name); err != nil {
		return fmt.Errorf("folder %s: %w (%w)", name, ErrSync, err)
	}
	return nil
}

// folder makes a folder and its parents durable.
func (d *Dir) folder(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' || d.folders[name[:i]] {
			continue
		}
		f := name[:i]
		if err := d.fsys.Mkdir(f); err != nil && !errors.Is(err, fs.ErrExist) {
			return d.wrap("make folder", f, err)
		}
		// Also when it was there: who made it may have died before its sync.
		if err := d.syncDir(path.Dir(f)); err != nil {
			return d.wrap("make folder", f, err)
		}
		d.folders[f] = true
	}
	return nil
}

// Create implements Store.
func (d *Dir) Create(name string, body []byte) error {
	if err := d.begin(true, name); err != nil {
		return err
	}
	if err := d.folder(path.Dir(name)); err != nil {
		return err
	}
	f, err := d.fsys.Open(name, CreateNew)
	if err != nil {
		return d.wrap("create", name, err)
	}
	_, err = f.WriteAt(body, 0)
	if err == nil {
		err = syncFile(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.syncDir(path.Dir(name))
	}
	return d.wrap("create", name, err)
}

// Publish implements Store.
func (d *Dir) Publish(name string, write func(io.Writer) error) error {
	f, err := d.publish(name, write)
	if err != nil {
		return err
	}
	return d.wrap("publish", name, f.Close())
}

// publish leaves the file open.
func (d *Dir) publish(name string, write func(io.Writer) error) (File, error) {
	if err := d.begin(true, name); err != nil {
		return nil, err
	}
	if err := d.folder(path.Dir(name)); err != nil {
		return nil, err
	}
	temp := fmt.Sprintf("%s/%s-%d", tmp, d.unique, d.temps.Add(1))
	f, err := d.fsys.Open(temp, CreateNew)
	if err != nil {
		return nil, d.wrap("publish", name, err)
	}
	if err = write(io.NewOffsetWriter(f, 0)); err == nil {
		err = syncFile(f)
	}
	if err == nil {
		err = d.fsys.Rename(temp, name)
	}
	if err != nil {
		// The next driver's sweep is the second chance of this removal.
		err = errors.Join(err, f.Close())
		_ = d.fsys.Remove(temp)
		return nil, d.wrap("publish", name, err)
	}
	if err := d.syncDir(path.Dir(name)); err != nil {
		return nil, d.wrap("publish", name, errors.Join(err, f.Close()))
	}
	return f, nil
}

// List implements Store.
func (d *Dir) List(folder string) ([]Entry, error) {
	if err := d.begin(false, folder); err != nil {
		return nil, err
	}
	es, err := d.fsys.List(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.wrap("list", folder, err)
	}
	es = slices.DeleteFunc(es, func(e Entry) bool { return e.Size < 0 })
	for i := range es {
		es[i].Name = folder + "/" + es[i].Name
	}
	slices.SortFunc(es, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return es, nil
}

// Stat implements Store.
func (d *Dir) Stat(name string) (Entry, error) {
	if err := d.begin(false, name); err != nil {
		return Entry{}, err
	}
	n, err := d.fsys.Size(name)
	if errors.Is(err, fs.ErrNotExist) { // the usual answer, and often asked: see Lock.Check
		return Entry{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return Entry{}, d.wrap("stat", name, err)
	}
	return Entry{Name: name, Size: n}, nil
}

// Open implements Store.
func (d *Dir) Open(name string) (Reader, error) {
	if err := d.begin(false, name); err != nil {
		return nil, err
	}
	f, err := d.fsys.Open(name, Read)
	if err != nil {
		return nil, d.wrap("open", name, err)
	}
	n, err := f.Size()
	if err != nil {
		return nil, d.wrap("open", name, errors.Join(err, f.Close()))
	}
	return &dirReader{File: f, size: n}, nil
}

type dirReader struct {
	File
	size int64
}

func (r *dirReader) Size() int64 { return r.size }

// Remove implements Store.
func (d *Dir) Remove(name string) error {
	if err := d.begin(true, name); err != nil {
		return err
	}
	err := d.fsys.Remove(name)
	if err == nil {
		err = d.syncDir(path.Dir(name))
	}
	return d.wrap("remove", name, err)
}

// Lock implements Store with flock, which the kernel lifts when its holder dies.
func (d *Dir) Lock(name string) (io.Closer, error) {
	if err := d.begin(true, name); err != nil {
		return nil, err
	}
	if d.shared {
		return nil, fmt.Errorf("lock %s: the checkpoint is shared: %w", name, errors.ErrUnsupported)
	}
	c, err := d.fsys.Lock(name)
	return c, d.wrap("lock", name, err)
}

// Beat implements Store.
func (d *Dir) Beat(name string, body []byte) error {
	if err := d.begin(true, name); err != nil {
		return err
	}
	if err := d.folder(path.Dir(name)); err != nil {
		return err
	}
	f, err := d.fsys.Open(name, Ensure)
	if err != nil {
		return d.wrap("beat", name, err)
	}
	_, err = f.WriteAt(body, 0)
	return d.wrap("beat", name, errors.Join(err, f.Close()))
}

// sweep empties tmp for a driver that has just claimed its epoch: what is there
// belongs to the dead, or to a zombie, whose publish then fails.
func (d *Dir) sweep() error {
	es, err := d.List(tmp)
	for _, e := range es {
		if rerr := d.fsys.Remove(e.Name); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return d.wrap("empty", tmp, err)
}

// Log implements Store.
func (d *Dir) Log(name string, head []byte) (Appender, error) {
	if _, err := d.Stat(name); err == nil {
		return nil, d.wrap("create log", name, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := d.publishHead(name, head)
	if err != nil {
		return nil, err
	}
	return &dirLog{dir: d, name: name, file: f, off: int64(len(head))}, nil
}

// publishHead tries again if its temporary file went away: a driver that starts
// sweeps them, while the executors of the one before it may be at work.
func (d *Dir) publishHead(name string, head []byte) (f File, err error) {
	for range 5 {
		f, err = d.publish(name, func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(head))
			return err
		})
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return f, err
}

// Settle implements Store.
func (d *Dir) Settle(name string, from, length int64) error {
	if err := d.begin(true, name); err != nil {
		return err
	}
	f, err := d.fsys.Open(name, Update)
	if err != nil {
		return d.wrap("settle", name, err)
	}
	err = settle(f, from, length)
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.syncDir(path.Dir(name))
	}
	return d.wrap("settle", name, err)
}

func settle(f File, from, length int64) error {
	n, err := f.Size()
	if err != nil {
		return err
	}
	if from < 0 || from > length || n < length {
		return fmt.Errorf("bytes %d to %d of a file of %d: %w", from, length, n, fs.ErrInvalid)
	}
	b := make([]byte, length-from)
	if got, err := f.ReadAt(b, from); got < len(b) {
		return err
	}
	if _, err := f.WriteAt(b, from); err != nil {
		return err
	}
	if n > length {
		if err := f.Truncate(length); err != nil {
			return err
		}
	}
	return syncFile(f)
}
