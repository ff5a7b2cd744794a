package simulate

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// view is the disk as one driver's process sees it: it may die at any call, and another driver may do something just before
// one, as when the process is not scheduled for a while.
type view struct {
	*crashfs.FS
	d      *driver
	calls  int
	dieAt  int    // 0: never
	stopAt int    // 0: never; then stop is called once
	stop   func() //
	own    string // what the store puts into names of temporary files: random, so it is replaced
}

func (v *view) call() error {
	v.calls++
	if v.stop != nil && v.calls == v.stopAt {
		stop := v.stop
		v.stop = nil
		stop()
	}
	if v.dieAt > 0 && v.calls >= v.dieAt {
		v.d.die()
	}
	if v.d.dead {
		return crashfs.ErrCrashed
	}
	return nil
}

// name makes names of temporary files follow from the seed.
func (v *view) name(n string, creates bool) string {
	dir, file := path.Split(n)
	if dir != "tmp/" {
		return n
	}
	own, k, _ := strings.Cut(file, "-")
	if creates && v.own == "" {
		v.own = own
	}
	if own == v.own {
		return fmt.Sprintf("tmp/driver%d-%s", v.d.id, k)
	}
	return n
}

func (v *view) Open(n string, m store.Mode) (store.File, error) {
	if err := v.call(); err != nil {
		return nil, err
	}
	f, err := v.FS.Open(v.name(n, m == store.CreateNew), m)
	if err != nil {
		return nil, err
	}
	return &viewedFile{f, v, n}, nil
}

func (v *view) Rename(a, b string) error {
	if err := v.call(); err != nil {
		return err
	}
	return v.FS.Rename(v.name(a, false), b)
}

func (v *view) Remove(n string) error {
	if err := v.call(); err != nil {
		return err
	}
	return v.FS.Remove(v.name(n, false))
}

func (v *view) Mkdir(n string) error {
	if err := v.call(); err != nil {
		return err
	}
	return v.FS.Mkdir(n)
}

func (v *view) List(n string) ([]store.Entry, error) {
	if err := v.call(); err != nil {
		return nil, err
	}
	return v.FS.List(n)
}

func (v *view) Size(n string) (int64, error) {
	if err := v.call(); err != nil {
		return 0, err
	}
	return v.FS.Size(n)
}

func (v *view) SyncDir(n string) error {
	if err := v.call(); err != nil {
		return err
	}
	return v.FS.SyncDir(n)
}

type viewedFile struct {
	store.File
	v    *view
	name string
}

func (f *viewedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.v.call(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *viewedFile) Sync() error {
	if err := f.v.call(); err != nil {
		return err
	}
	if f.v.d.w.bug == skipSync && strings.HasPrefix(f.name, "log/") {
		return nil
	}
	return f.File.Sync()
}

func (f *viewedFile) Truncate(n int64) error {
	if err := f.v.call(); err != nil {
		return err
	}
	return f.File.Truncate(n)
}

var _ io.ReaderAt = (*viewedFile)(nil)

// fence is what store.Lock is, without its heartbeat: an epoch is claimed by creating its file, and lost when the next one
// exists.
type fence struct {
	st    store.Store
	epoch store.Epoch
	blind bool
}

func epochFile(e store.Epoch) string { return fmt.Sprint("epoch/", uint64(e)) }

func claim(st store.Store) (*fence, error) {
	es, err := st.List("epoch")
	if err != nil {
		return nil, err
	}
	var last uint64
	for _, e := range es {
		if n, err := strconv.ParseUint(path.Base(e.Name), 10, 64); err == nil {
			last = max(last, n)
		}
	}
	f := &fence{st: st, epoch: store.Epoch(last + 1)}
	return f, st.Create(epochFile(f.epoch), []byte("a driver\n"))
}

func (f *fence) Epoch() store.Epoch { return f.epoch }

func (f *fence) Check() error {
	if f.blind {
		return nil
	}
	if _, err := f.st.Stat(epochFile(f.epoch + 1)); err == nil {
		return store.ErrFenced
	} else if !gone(err) {
		return err
	}
	return nil
}
