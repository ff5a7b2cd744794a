package identity

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options name the files of an identity. All empty means none: everything stays on the loopback interface.
type Options struct {
	CA   string // certificates of the CAs to trust, PEM; several while one takes over from another
	Cert string // certificate of this process, PEM
	Key  string // its key, PEM, ECDSA, mode 0600; may be the same file
	// Secret holds the cluster's secrets, one a line, each at least 32 bytes in hex, mode 0600: the first encrypts gossip, all decrypt.
	// Who does not gossip (submitters, viewers) needs none.
	Secret string
	// Insecure allows other interfaces than loopback without any of the files: whoever reaches a port can run code. For networks that
	// are closed by other means.
	Insecure bool
	// Log hears of refused peers, at most one a second, and of new files that could not be used. nil means slog.Default().
	Log *slog.Logger `json:"-"`
}

// retryAfter is how long a set of files that could not be used is left alone unless it changes. It may have been valid only from
// some moment on.
const retryAfter = 5 * time.Second

// Credentials are who this process is in the cluster, and whom it believes. Files that change are read again at the next use; those
// that cannot be used are told of (see Problem) while the earlier ones go on. nil Credentials are valid: they stand for no security
// and for loopback only. Safe for concurrent use.
type Credentials struct {
	o       Options
	handed  bool // came from a Bundle
	now     func() time.Time
	log     *slog.Logger
	refused refusals

	mu      sync.Mutex // guards what follows
	held    sealed     // nil before the first reload, and if insecure
	marks   []os.FileInfo
	tried   time.Time
	problem error
}

// Load reads the files of o and checks them: that the CA vouches for the certificate now, that it names a role, that the key is its
// own and closed to other users, that secrets are long enough. Without any file it returns nil, which is valid: see Credentials.
func Load(o Options) (*Credentials, error) {
	if o.CA == "" && o.Cert == "" && o.Key == "" && o.Secret == "" {
		if !o.Insecure {
			return nil, nil
		}
		return newCredentials(o, nil), nil
	}
	if o.Insecure {
		return nil, errors.New("credentials: insecure contradicts certificates and secrets: give one or the other")
	}
	if missing := o.missing(); missing != "" {
		return nil, fmt.Errorf("credentials: %s not given: CA certificate, certificate and key belong together; driver certs issue makes all of them", missing)
	}
	c := newCredentials(o, nil)
	if err := c.reload(c.now()); err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	return c, nil
}

func newCredentials(o Options, m *material) *Credentials {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Credentials{o: o, now: time.Now, log: o.Log, held: seal(m)}
}

// missing names the files that are not given although others are.
func (o Options) missing() string {
	var s []string
	for _, f := range []struct{ what, path string }{{"CA certificate", o.CA}, {"certificate", o.Cert}, {"key", o.Key}} {
		if f.path == "" {
			s = append(s, f.what)
		}
	}
	return strings.Join(s, " and ")
}

// absolute is o with paths that mean the same in another folder.
func (o Options) absolute() (Options, error) {
	for _, p := range []*string{&o.CA, &o.Cert, &o.Key, &o.Secret} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return o, err
		}
		*p = abs
	}
	return o, nil
}

// secure says whether there are certificates.
func (c *Credentials) secure() bool { return c != nil && !c.o.Insecure }

// Insecure says whether Options.Insecure was given: to be shown wherever the cluster is.
func (c *Credentials) Insecure() bool { return c != nil && c.o.Insecure }

// current is what the files say now, or said when they could last be used. Only for secure credentials.
func (c *Credentials) current() *material {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.o.CA == "" || same(c.marks, c.look()) && (c.problem == nil || now.Sub(c.tried) < retryAfter) {
		return c.held()
	}
	before := c.problem
	if err := c.reload(now); err != nil && (before == nil || before.Error() != err.Error()) {
		c.log.Error("new credentials cannot be used, the earlier ones go on", "reason", err, "name", c.held().self.Name, "expire", stamp(c.held().leaf.Leaf.NotAfter))
	}
	return c.held()
}

// reload reads the files. The caller holds the lock.
func (c *Credentials) reload(now time.Time) error {
	// Looked at before they are read: what changes meanwhile is read again.
	c.marks, c.tried = c.look(), now
	t, err := readAll(c.o)
	if err != nil {
		c.problem = err
		return err
	}
	m, err := parse(t, c.o, now)
	if err == nil && c.held != nil {
		err = m.succeeds(c.held(), c.o.Cert)
	}
	if c.problem = err; err == nil {
		c.held = seal(m)
	}
	return err
}

// succeeds says whether m can take the place of old in a running process, which others know by its name.
func (m *material) succeeds(old *material, file string) error {
	if m.self.Name == old.self.Name && m.self.Cluster == old.self.Cluster {
		return nil
	}
	return fmt.Errorf("certificate %s is of %s in cluster %s now, this process is %s in cluster %s: restart it to take another name",
		file, m.self.Name, m.self.Cluster, old.self.Name, old.self.Cluster)
}

// look stats the files; one that is not there is nil.
func (c *Credentials) look() (out []os.FileInfo) {
	for _, p := range []string{c.o.CA, c.o.Cert, c.o.Key, c.o.Secret} {
		fi, err := os.Stat(p)
		if err != nil {
			fi = nil
		}
		out = append(out, fi)
	}
	return out
}

func same(a, b []os.FileInfo) bool {
	for i := range a {
		switch {
		case a[i] == nil || b[i] == nil:
			if a[i] != b[i] {
				return false
			}
		case !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Mode() != b[i].Mode():
			return false
		}
	}
	return len(a) == len(b)
}

// Name is the name in the certificate; "" without one.
func (c *Credentials) Name() string { return c.Self().Name }

// Self is who the certificate names; the zero Peer without one.
func (c *Credentials) Self() Peer {
	if !c.secure() {
		return Peer{}
	}
	return c.current().self
}

// Cluster is the cluster in the certificate; "" without one.
func (c *Credentials) Cluster() string { return c.Self().Cluster }

// Expires is when the certificate in use does; zero without one.
func (c *Credentials) Expires() time.Time {
	if !c.secure() {
		return time.Time{}
	}
	return c.current().leaf.Leaf.NotAfter
}

// Problem says why files that have changed could not be used; nil if the ones in use are those on disk.
func (c *Credentials) Problem() error {
	if !c.secure() {
		return nil
	}
	c.current()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}
