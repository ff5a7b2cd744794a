package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

func TestPutRefuses(t *testing.T) {
	w := start(t, Options{MaxBinary: 1 << 20})
	good := []byte("#!/bin/false\n" + strings.Repeat("x", 200000))
	m := manifest(good)
	flipped := bytes.Clone(good)
	flipped[100000] ^= 1
	with := func(change func(*identity.Manifest)) identity.Manifest {
		c := m
		change(&c)
		return c
	}
	for _, c := range []struct {
		name string
		m    identity.Manifest
		b    []byte
		is   error
		want string
	}{
		{"altered on the way", m, flipped, ErrAltered, "it was altered on the way"},
		{"cut off", m, good[:150000], ErrAltered, "arrived with 150000 bytes"},
		{"too long", m, append(bytes.Clone(good), 'x'), ErrAltered, "arrived with 200014 bytes"},
		{"empty", m, nil, ErrAltered, "arrived with 0 bytes"},
		{"larger than may be", with(func(m *identity.Manifest) { m.Size = 1<<20 + 1 }), good, ErrRoom, "this executor takes 1 MiB at most"},
		{"another system", with(func(m *identity.Manifest) { m.OS = "plan9" }), good, ErrInvalid, "is for plan9/"},
		{"another processor", with(func(m *identity.Manifest) { m.Arch = "mips" }), good, ErrInvalid, "/mips, this executor is "},
		{"another engine", with(func(m *identity.Manifest) { m.Engine = "99" }), good, ErrEngine, `version "99" of the engine, this executor has version ` + Engine},
		{"a path for a digest", with(func(m *identity.Manifest) { m.SHA256 = "../../../tmp/x" }), good, ErrInvalid, "not a SHA-256"},
		{"expired", with(func(m *identity.Manifest) { m.Expires = time.Now().Add(-time.Hour) }), good, ErrAltered, "expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.m.Expires.IsZero() {
				c.m.Expires = time.Now().Add(time.Hour)
			}
			c.m.Nonce = strings.Repeat("n", 20)
			err := w.Put(t.Context(), identity.Signed{Manifest: c.m}, bytes.NewReader(c.b))
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %v: %s", err, c.is, c.want)
			}
			if entries, err := os.ReadDir(filepath.Join(w.dir, "bin")); err != nil || len(entries) > 0 {
				t.Error("it left something behind:", entries, err)
			}
		})
	}
	if err := w.Put(t.Context(), signed(t, m, nil), bytes.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	if has, err := w.Has(t.Context(), m.SHA256); err != nil || !has {
		t.Error(has, err)
	}
	// The second time only the manifest is taken: what follows is not even read.
	if err := w.Put(t.Context(), signed(t, m, nil), io.MultiReader(bytes.NewReader(flipped), bytes.NewReader(good))); err != nil {
		t.Error(err)
	}
}

// stuck is a reader that gives a little and then nothing, until it is let go.
type stuck struct {
	first []byte
	let   chan struct{}
}

func (s *stuck) Read(p []byte) (int, error) {
	if len(s.first) > 0 {
		n := copy(p, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	<-s.let
	return 0, io.ErrClosedPipe
}

func TestSenderThatGoesAway(t *testing.T) {
	w := start(t, Options{})
	good := bytes.Repeat([]byte("x"), 3<<20)
	ctx, cancel := context.WithCancel(t.Context())
	in := &stuck{good[:2<<20], make(chan struct{})}
	done := make(chan error)
	go func() { done <- w.Put(ctx, signed(t, manifest(good), nil), in) }()
	incoming := func() int {
		found, _ := filepath.Glob(filepath.Join(w.dir, "bin", "incoming-*"))
		return len(found)
	}
	for incoming() == 0 {
	}
	cancel()
	close(in.let)
	if err := <-done; err == nil {
		t.Error("no error")
	}
	for incoming() > 0 {
	}
}

// TestAlteredOnDisk changes what the daemon keeps, in every way, and asks for a start: nothing of it is ever executed.
func TestAlteredOnDisk(t *testing.T) {
	proof := filepath.Join(t.TempDir(), "executed")
	b := []byte("#!/bin/sh\n# a job\ntouch " + proof + "\n")
	m := manifest(b)
	for _, c := range []struct {
		name  string
		alter func(path string) error
		want  string
	}{
		{"one bit", func(p string) error {
			x := bytes.Clone(b)
			x[14] ^= 1 // in the comment: it would do the same
			return rewrite(p, x)
		}, "it was altered there"},
		{"one byte more", func(p string) error { return rewrite(p, append(bytes.Clone(b), '\n')) }, "it was altered there"},
		{"cut off", func(p string) error { return rewrite(p, b[:len(b)-1]) }, "it was altered there"},
		{"another program in its place", func(p string) error {
			return errors.Join(os.WriteFile(p+".x", []byte("#!/bin/sh\ntouch "+proof+"\n"), 0o700), os.Rename(p+".x", p))
		}, "it was altered there"},
		{"a link to another program", func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/bin/sh", p)) }, ""},
		{"a folder", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "hand it over first"},
		{"gone", os.Remove, "hand it over first"},
		{"manifest of another", func(p string) error {
			return os.WriteFile(p+".json", []byte(`{"Signed":{"Manifest":{"SHA256":"00"}}}`), 0o600)
		}, "the manifest of binary"},
		{"manifest of nothing", func(p string) error { return os.WriteFile(p+".json", []byte(`{`), 0o600) }, "the manifest of binary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, Options{})
			if err := w.Put(t.Context(), signed(t, m, nil), bytes.NewReader(b)); err != nil {
				t.Fatal(err)
			}
			if err := c.alter(filepath.Join(w.dir, "bin", m.SHA256)); err != nil {
				t.Fatal(err)
			}
			_, err := w.Start(t.Context(), Start{Job: "ads", SHA256: m.SHA256, Setup: []byte("serve")})
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrWorker) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if !errors.Is(err, ErrAltered) && !errors.Is(err, ErrNoBinary) && c.want != "" {
				t.Errorf("%v is of no known kind", err)
			}
			if exists(proof) {
				t.Error("it was executed")
			}
		})
	}
}

// rewrite changes a file where it lies, which its mode forbids to all but the superuser.
func rewrite(path string, b []byte) error {
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o700)
}

// TestSwapAfterTheCheck puts another program in the place of a binary when it has been checked: what was checked is executed.
func TestSwapAfterTheCheck(t *testing.T) {
	w := start(t, Options{})
	digest := w.put(t)
	d := &daemon{}
	b := openBinaries(t, w.dir)
	bin, err := b.open(digest)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, "bin", digest)
	if err := errors.Join(os.WriteFile(path+".x", []byte("#!/bin/false\n"), 0o700), os.Rename(path+".x", path)); err != nil {
		t.Fatal(err)
	}
	out := &output{job: "ads", echo: io.Discard, root: b.root, max: 1 << 20}
	defer out.Close()
	r, wr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := startChild(command(bin, []string{"ads"}, []string{"TIDEMILL_MODE=worker"}, "/", out, r, nil), &d.running)
	if err != nil {
		t.Fatal(err)
	}
	if err := bin.altered(); err != nil && !strings.Contains(err.Error(), "written to") {
		t.Error(err)
	}
	r.Close()
	wr.Close() // no welcome: the worker of this binary says so and ends with 1, where /bin/false would say nothing
	<-c.done
	if !strings.Contains(out.last(), "read the executor's welcome") {
		t.Errorf("%s: %q", c.exit.Text, out.last())
	}
	bin.Close()
	d.running.Wait()
}

// TestWriteAfterTheCheck writes to the very file between check and start.
func TestWriteAfterTheCheck(t *testing.T) {
	w := start(t, Options{})
	digest := w.put(t)
	b := openBinaries(t, w.dir)
	bin, err := b.open(digest)
	if err != nil {
		t.Fatal(err)
	}
	defer bin.Close()
	if err := bin.altered(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, "bin", digest)
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := bin.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0}, 100000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	os.Chtimes(path, before.ModTime(), before.ModTime()) // an attacker sets the time back; the kernel's own he cannot
	if err := bin.altered(); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
}

func openBinaries(t *testing.T, dir string) *binaries {
	t.Helper()
	root, err := os.OpenRoot(filepath.Join(dir, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &binaries{root: root, max: 1 << 30, keep: 3, used: map[string]int{}}
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	b := openBinaries(t, dir)
	var digests []string
	put := func(i int) {
		text := fmt.Appendf(nil, "binary %d", i)
		m := manifest(text)
		digests = append(digests, m.SHA256)
		if err := b.put(signed(t, m, nil), bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1000+i), 0)
		if err := b.root.Chtimes(m.SHA256+".json", at, at); err != nil {
			t.Fatal(err)
		}
	}
	put(0)
	give := b.take(digests[0])
	for i := range 5 {
		put(i + 1)
	}
	held := func() (out []int) {
		for i, d := range digests {
			if b.has(d) {
				out = append(out, i)
			}
		}
		return out
	}
	if got := held(); !slices.Equal(got, []int{0, 3, 4, 5}) {
		t.Errorf("kept %v: want the one in use and the latest three", got)
	}
	give()
	put(6)
	if got := held(); !slices.Equal(got, []int{4, 5, 6}) {
		t.Errorf("kept %v", got)
	}
}

// FuzzRecord feeds what lies on disk beside a binary.
func FuzzRecord(f *testing.F) {
	b := []byte("x")
	m := manifest(b)
	f.Add([]byte(`{"Signed":{"Manifest":{"SHA256":"` + m.SHA256 + `","Size":1,"OS":"linux","Arch":"amd64","Engine":"1"}}}`))
	f.Add([]byte(`{}`))
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { root.Close() })
	s := &binaries{root: root, max: 10, keep: 3, used: map[string]int{}}
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := s.replace(m.SHA256+".json", in); err != nil {
			t.Fatal(err)
		}
		got, err := s.manifest(m.SHA256)
		if err == nil && (got.SHA256 != m.SHA256 || got.Size < 1 || got.Size > 10) {
			t.Errorf("%+v", got)
		}
	})
}
