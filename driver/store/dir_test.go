package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
	"github.com/tidemill/tidemill/driver/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, o store.DirOptions) *store.Dir {
	t.Helper()
	d, err := store.OpenDir(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDirConformance(t *testing.T) {
	dir := t.TempDir()
	storetest.Run(t, func() store.Store {
		d, err := store.OpenDir(dir, store.DirOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

// Machines that share a directory see no lock of each other.
func TestSharedDirConformance(t *testing.T) {
	dir := t.TempDir()
	storetest.Run(t, func() store.Store {
		d, err := store.Open(t.Context(), "file://"+dir+"?shared=true", store.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestCrashFSConformance(t *testing.T) {
	fsys := crashfs.New()
	storetest.Run(t, func() store.Store {
		d, err := store.OpenDir("mem", store.DirOptions{FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

// says fails the test unless err contains all words.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestOpenDirNotADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []store.DirOptions{{}, {ReadOnly: true}} {
		_, err := store.OpenDir(file, o)
		says(t, err, file, "not a directory", "--checkpoint")
	}
}

func TestOpenDirNotWritable(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EROFS} {
		_, err := store.OpenDir("/a/b", store.DirOptions{FS: denied{crashfs.New(), errno}})
		says(t, err, "/a/b", "not writable", "--checkpoint")
	}
	if os.Getuid() == 0 {
		return // whom modes do not stop
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := store.OpenDir(dir, store.DirOptions{})
	says(t, err, dir, "not writable")
}

type denied struct {
	*crashfs.FS
	errno syscall.Errno
}

func (d denied) Mkdir(name string) error { return &fs.PathError{Op: "mkdir", Path: name, Err: d.errno} }

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.OpenDir(filepath.Join(dir, "none"), store.DirOptions{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("opened an absent directory for reading: %v", err)
	}
	d := open(t, dir, store.DirOptions{ReadOnly: true})
	if err := d.Create("x", nil); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("created a file: %v", err)
	}
	if es, err := os.ReadDir(dir); err != nil || len(es) != 0 {
		t.Fatalf("reading left %v, %v", es, err)
	}
}

func TestNamesCannotEscapeThroughLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	d := open(t, dir, store.DirOptions{})
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "state", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.ReadFile(d, "state/link/secret"); err == nil {
		t.Error("read a file outside the checkpoint")
	}
	if err := d.Create("state/link/new", nil); err == nil {
		t.Error("created a file outside the checkpoint")
	}
	if err := store.WriteFile(d, "state/link/new", nil); err == nil {
		t.Error("published a file outside the checkpoint")
	}
	if _, err := os.Stat(filepath.Join(outside, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file appeared outside: %v", err)
	}
}

// change makes one of each change and returns the first error.
func change(d *store.Dir) error {
	if err := d.Create("epoch/1", []byte("body")); err != nil {
		return err
	}
	if err := store.WriteFile(d, "state/op/0/x", []byte("body")); err != nil {
		return err
	}
	l, err := d.Log("log/x", []byte("head"))
	if err != nil {
		return err
	}
	if err := l.Append([]byte("record")); err != nil {
		return err
	}
	if err := l.Sync(); err != nil {
		return err
	}
	if err := d.Settle("log/x", 4, 10); err != nil {
		return err
	}
	if err := d.Beat("beat/1", []byte("00")); err != nil {
		return err
	}
	return errors.Join(l.Close(), d.Remove("epoch/1"))
}

// calls counts the calls of a run without faults.
func calls(t *testing.T) int {
	fsys := crashfs.New()
	if err := change(open(t, "mem", store.DirOptions{FS: fsys})); err != nil {
		t.Fatal(err)
	}
	return fsys.Calls()
}

func TestFailedSyncShutsTheStore(t *testing.T) {
	syncs := 0
	for k := 1; k <= calls(t); k++ {
		fsys := crashfs.New()
		fsys.Fail(k, crashfs.IOError)
		d, err := store.OpenDir("mem", store.DirOptions{FS: fsys})
		if err == nil {
			err = change(d)
		}
		if !strings.HasPrefix(fsys.Call(k), "sync") {
			if errors.Is(err, store.ErrSync) {
				t.Errorf("call %d (%s): %v", k, fsys.Call(k), err)
			}
			continue
		}
		syncs++
		if !errors.Is(err, store.ErrSync) || !errors.Is(err, syscall.EIO) {
			t.Errorf("call %d (%s): got %v, want ErrSync", k, fsys.Call(k), err)
		}
		if d == nil {
			continue
		}
		n := fsys.Calls()
		if err := d.Create("state/other", nil); !errors.Is(err, store.ErrSync) {
			t.Errorf("call %d: the store goes on after a failed sync: %v", k, err)
		}
		if _, err := d.List("state"); !errors.Is(err, store.ErrSync) || fsys.Calls() != n {
			t.Errorf("call %d: the store reads after a failed sync: %v", k, err)
		}
	}
	if syncs < 15 {
		t.Fatalf("only %d syncs were seen", syncs)
	}
}

func TestDiskFull(t *testing.T) {
	for k := 1; k <= calls(t); k++ {
		fsys := crashfs.New()
		fsys.Fail(k, crashfs.NoSpace)
		d, err := store.OpenDir("/my/place", store.DirOptions{FS: fsys})
		if err == nil {
			err = change(d)
		}
		if strings.HasPrefix(fsys.Call(k), "allocate") {
			if err != nil {
				t.Errorf("no room in advance must not matter: %v", err)
			}
			continue
		}
		var full *store.FullError
		if !errors.As(err, &full) {
			t.Errorf("call %d (%s): got %v, want FullError", k, fsys.Call(k), err)
			continue
		}
		says(t, err, "/my/place", "no space left", "free some", "start again")
	}
}

// Whatever call a crash comes before, a name is there with all its bytes or not
// at all, but for Create, and what was reported done stays.
func TestPublishIsAtomic(t *testing.T) {
	for k := 1; k <= calls(t)+1; k++ {
		for seed := range uint64(8) {
			fsys := crashfs.New()
			fsys.Fail(k, crashfs.Crash)
			d, err := store.OpenDir("mem", store.DirOptions{FS: fsys})
			if err != nil {
				continue
			}
			done := store.WriteFile(d, "state/op/x", []byte("a body of more than one block, whole")) == nil
			after := open(t, "mem", store.DirOptions{FS: fsys.PowerCut(seed, 0.5)})
			b, err := store.ReadFile(after, "state/op/x")
			switch {
			case done && err != nil:
				t.Fatalf("crash at call %d, seed %d: lost: %v", k, seed, err)
			case err == nil && string(b) != "a body of more than one block, whole":
				t.Fatalf("crash at call %d, seed %d: %q", k, seed, b)
			}
		}
	}
}

func TestRemovalsAreDurable(t *testing.T) {
	fsys := crashfs.New()
	d := open(t, "mem", store.DirOptions{FS: fsys})
	for _, n := range []string{"log/a", "log/b"} {
		if err := d.Create(n, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"log/a", "log/b"} {
		if err := d.Remove(n); err != nil {
			t.Fatal(err)
		}
		after := open(t, "mem", store.DirOptions{FS: fsys.PowerCut(1, 0)})
		if _, err := after.Stat(n); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is back after a power cut: %v", n, err)
		}
	}
}
