package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

// binaries keeps jobs' binaries by their digest: <digest>, mode 0500, and <digest>.json, the signed manifest that it came with. Names
// are digests, never anything a caller chose, and all access is below one os.Root.
type binaries struct {
	root  *os.Root
	creds *identity.Credentials
	max   int64 // bytes of one
	keep  int   // how many are kept that nobody uses

	mu   sync.Mutex // guards used, and that what is used is not collected
	used map[string]int
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func checkDigest(digest string) error {
	if !digestForm.MatchString(digest) {
		return &refusal{ErrInvalid, fmt.Sprintf("%.80q is not a SHA-256 digest in hex", digest)}
	}
	return nil
}

func (b *binaries) has(digest string) bool {
	if checkDigest(digest) != nil {
		return false
	}
	for _, name := range []string{digest, digest + ".json"} {
		if st, err := b.root.Stat(name); err != nil || !st.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// put takes a binary from in, once its manifest is believed. Nothing is visible under its digest before all of it has been checked.
func (b *binaries) put(s identity.Signed, in io.Reader) (err error) {
	m := s.Manifest
	if err := b.fits(m); err != nil {
		return err
	}
	if err := b.creds.Verify(s, signers...); err != nil {
		return &refusal{ErrAltered, err.Error()}
	}
	if !b.has(m.SHA256) {
		if err := b.receive(m, in); err != nil {
			return err
		}
	}
	text, err := json.Marshal(b.seal(s))
	if err == nil {
		err = b.replace(m.SHA256+".json", text)
	}
	if err != nil {
		return fmt.Errorf("keep the manifest of binary %.12s: %w", m.SHA256, err)
	}
	return b.collect(m.SHA256)
}

// fits says whether the binary of a manifest can run here.
func (b *binaries) fits(m identity.Manifest) error {
	if err := checkDigest(m.SHA256); err != nil {
		return err
	}
	what := fmt.Sprintf("binary %.12s of job %.100q", m.SHA256, m.Job)
	switch {
	case m.Size <= 0 || m.Size > b.max:
		return &refusal{ErrRoom, fmt.Sprintf("%s has %s, this executor takes %s at most", what, size(m.Size), size(b.max))}
	case m.OS != runtime.GOOS || m.Arch != runtime.GOARCH:
		return &refusal{ErrInvalid, fmt.Sprintf("%s is for %.20s/%.20s, this executor is %s/%s: build it for that", what, m.OS, m.Arch, runtime.GOOS, runtime.GOARCH)}
	case m.Engine != Engine:
		return &refusal{ErrEngine, fmt.Sprintf("%s has version %.40q of the engine, this executor has version %s: install the same one on both", what, m.Engine, Engine)}
	}
	return nil
}

// receive writes the binary to a file without a name that anybody would execute, and renames it when it is right.
func (b *binaries) receive(m identity.Manifest, in io.Reader) error {
	name := fmt.Sprintf("incoming-%.16s-%d", m.SHA256, time.Now().UnixNano())
	f, err := b.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return fmt.Errorf("keep binary %.12s: %w", m.SHA256, err)
	}
	defer b.root.Remove(name)
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(in, m.Size+1))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return full(fmt.Errorf("keep binary %.12s: %w", m.SHA256, err))
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != m.Size || got != m.SHA256 {
		return &refusal{ErrAltered, fmt.Sprintf("binary of job %.100q arrived with %d bytes and digest %.12s, its manifest says %d and %.12s: it was altered on the way, or cut off", m.Job, n, got, m.Size, m.SHA256)}
	}
	if err := b.root.Rename(name, m.SHA256); err != nil {
		return fmt.Errorf("keep binary %.12s: %w", m.SHA256, err)
	}
	return nil
}

// replace writes a small file at once.
func (b *binaries) replace(name string, text []byte) error { return replaceFile(b.root, name, text) }

// binary is a checked binary, open. Close gives it back.
type binary struct {
	*os.File
	digest string
	mark   fileMark
	close  func()
}

// Close closes the file and lets it be collected.
func (b *binary) Close() error {
	err := b.File.Close()
	b.close()
	return err
}

// open checks the binary on the file that it returns: its digest, and with credentials its signature. Whatever happens to the name
// afterwards, this is the file to execute. While it runs, the kernel lets nobody write to it; for the moment before, see altered.
func (b *binaries) open(digest string) (_ *binary, err error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	if !b.has(digest) {
		return nil, &refusal{ErrNoBinary, fmt.Sprintf("this executor does not hold binary %.12s: hand it over first", digest)}
	}
	out := &binary{digest: digest, close: b.take(digest)}
	defer func() {
		if err != nil {
			out.close()
		}
	}()
	m, err := b.manifest(digest)
	if err != nil {
		return nil, err
	}
	if out.File, err = b.root.Open(digest); err != nil {
		return nil, fmt.Errorf("open binary %.12s: %w", digest, err)
	}
	if err := out.check(m.Size); err != nil {
		out.File.Close()
		if errors.Is(err, ErrAltered) { // whoever asks for it next hands it over again
			err = errors.Join(err, b.root.Remove(digest))
		}
		return nil, err
	}
	now := time.Now() // when it was used last
	b.root.Chtimes(digest+".json", now, now)
	return out, nil
}

// check compares the open file with the digest.
func (b *binary) check(want int64) (err error) {
	if b.mark, err = markOf(b.File); err != nil {
		return fmt.Errorf("read binary %.12s: %w", b.digest, err)
	}
	h := sha256.New()
	n, err := io.Copy(h, b.File)
	if err != nil {
		return fmt.Errorf("read binary %.12s: %w", b.digest, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.digest || n != want {
		return &refusal{ErrAltered, fmt.Sprintf("binary %.12s has digest %.12s and %d bytes on this executor's disk: it was altered there, and is removed: hand it over again", b.digest, got, n)}
	}
	return nil
}

// altered tells whether the file was written to since it was checked. It is asked when the binary runs, from where on nobody can: so what
// runs is what was checked, if this says no. (The kernel notes the time of each change, and no program can set that.)
func (b *binary) altered() error {
	now, err := markOf(b.File)
	if err == nil && now != b.mark {
		err = &refusal{ErrAltered, fmt.Sprintf("binary %.12s was written to between its check and its start", b.digest)}
	}
	return err
}

// take keeps a binary from being collected until the returned function is called.
func (b *binaries) take(digest string) (give func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[digest]++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.used[digest]--; b.used[digest] == 0 {
			delete(b.used, digest)
		}
	})
}

// collect removes what nobody uses but the latest few, among which the new one is.
func (b *binaries) collect(fresh string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries, err := fs.ReadDir(b.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("collect binaries: %w", err)
	}
	type unused struct {
		digest string
		since  time.Time
	}
	var old []unused
	for _, e := range entries {
		digest, is := strings.CutSuffix(e.Name(), ".json")
		if st, err := e.Info(); err == nil && is && digest != fresh && b.used[digest] == 0 {
			old = append(old, unused{digest, st.ModTime()})
		}
	}
	slices.SortFunc(old, func(x, y unused) int { return y.since.Compare(x.since) })
	for _, u := range old[min(len(old), b.keep-1):] {
		if err := errors.Join(b.root.Remove(u.digest+".json"), ignoreMissing(b.root.Remove(u.digest))); err != nil {
			return fmt.Errorf("collect binaries: %w", err)
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
