package crashfs_test

import (
	"bytes"
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

func create(t *testing.T, f *crashfs.FS, name string) store.File {
	t.Helper()
	h, err := f.Open(name, store.CreateNew)
	ok(t, err)
	return h
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, h store.File, s string, off int64) {
	t.Helper()
	_, err := h.WriteAt([]byte(s), off)
	ok(t, err)
}

func TestPowerCutKeepsWhatWasSynced(t *testing.T) {
	f := crashfs.New()
	h := create(t, f, "a")
	write(t, h, "synced", 0)
	ok(t, h.Sync(), f.SyncDir("."))
	write(t, h, " and not", 6)
	create(t, f, "b")
	cut := f.PowerCut(1, 0)
	if !slices.Equal(cut.Names(), []string{"a"}) || string(cut.Bytes("a")) != "synced" {
		t.Fatalf("%q, %q", cut.Names(), cut.Bytes("a"))
	}
	if b := f.PowerCut(1, 1).Bytes("a"); string(b) != "synced and not" {
		t.Fatalf("all kept: %q", b)
	}
	// A process that is killed loses nothing yet, and saves nothing either.
	killed := f.Kill()
	if string(killed.Bytes("a")) != "synced and not" || string(killed.PowerCut(1, 0).Bytes("a")) != "synced" {
		t.Fatalf("killed: %q", killed.Bytes("a"))
	}
}

func TestBlocksAreLostOneByOne(t *testing.T) {
	f := crashfs.New()
	h := create(t, f, "a")
	ok(t, h.Allocate(160), h.Sync(), f.SyncDir("."))
	write(t, h, string(bytes.Repeat([]byte("x"), 160)), 0)
	seen := map[string]bool{}
	for seed := range uint64(50) {
		seen[string(f.PowerCut(seed, 0.5).Bytes("a"))] = true
	}
	if len(seen) < 40 {
		t.Fatalf("only %d different images of 10 blocks", len(seen))
	}
}

func TestFailedSyncIsNotMadeGoodByTheNext(t *testing.T) {
	f := crashfs.New()
	h := create(t, f, "a")
	ok(t, f.SyncDir("."))
	write(t, h, "lost", 0)
	f.Fail(f.Calls()+1, crashfs.IOError)
	if err := h.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	ok(t, h.Sync())
	if b := f.PowerCut(1, 1).Bytes("a"); string(b) == "lost" {
		t.Fatalf("the second sync saved %q", b)
	}
	write(t, h, "lost", 0)
	ok(t, h.Sync())
	if b := f.PowerCut(1, 0).Bytes("a"); string(b) != "lost" {
		t.Fatalf("written again and synced, yet %q", b)
	}
}

func TestShrinkAndGrow(t *testing.T) {
	f := crashfs.New()
	h := create(t, f, "a")
	ok(t, f.SyncDir("."))
	write(t, h, "0123456789", 0)
	ok(t, h.Sync(), h.Truncate(3), h.Allocate(6), h.Sync())
	if b := f.PowerCut(1, 0).Bytes("a"); string(b) != "012\x00\x00\x00" {
		t.Fatalf("%q", b)
	}
}

func TestFaults(t *testing.T) {
	f := crashfs.New()
	h := create(t, f, "a")
	f.Fail(2, crashfs.ShortWrite)
	f.Fail(4, crashfs.Crash)
	if n, err := h.WriteAt([]byte("1234"), 0); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("short write: %d, %v", n, err)
	}
	write(t, h, "56", 2)
	if _, err := h.WriteAt([]byte("78"), 4); !errors.Is(err, crashfs.ErrCrashed) {
		t.Fatal(err)
	}
	if err := h.Sync(); !errors.Is(err, crashfs.ErrCrashed) {
		t.Fatal(err)
	}
	if b := f.Bytes("a"); string(b) != "1256" || f.Call(2) != "write a" || f.Calls() != 5 {
		t.Fatalf("%q, %q, %d", b, f.Call(2), f.Calls())
	}
}
