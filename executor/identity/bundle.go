package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

// bundle is how credentials go to a process that this one starts.
type bundle struct {
	Version  int
	Insecure bool    `json:",omitempty"`
	Files    Options // absolute paths: where new certificates appear, if the process can read them
	CA       []byte  `json:",omitempty"`
	Cert     []byte  `json:",omitempty"`
	Key      []byte  `json:",omitempty"`
	Secret   []byte  `json:",omitempty"`
}

const (
	bundleVersion = 1
	maxBundle     = 8 * keyfile.MaxSize
)

// Bundle is the credentials for a worker process that this one starts: without the cluster secret, since workers do not gossip. The
// bytes hold the key in the clear: they go through an inherited file descriptor, never through the environment or an argument.
// nil receiver: nil.
func (c *Credentials) Bundle() ([]byte, error) { return c.bundle(false) }

// BundleMember is Bundle with the cluster secret, for a driver that this process hosts.
func (c *Credentials) BundleMember() ([]byte, error) { return c.bundle(true) }

func (c *Credentials) bundle(secret bool) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	b := bundle{Version: bundleVersion, Insecure: c.o.Insecure}
	if c.secure() {
		t := c.current().texts
		b.CA, b.Cert, b.Key, b.Files = t.ca, t.cert, t.key, c.o
		if secret {
			b.Secret = t.secret
		} else {
			b.Files.Secret = ""
		}
		var err error
		if b.Files, err = b.Files.absolute(); err != nil {
			return nil, fmt.Errorf("bundle credentials: %w", err)
		}
	}
	return json.Marshal(b)
}

// Unbundle is the other end of Bundle. As long as the files of the process that made the bundle can be read, certificates that are
// renewed there are taken; else they last as long as they do. No bytes give nil Credentials.
func Unbundle(text []byte) (*Credentials, error) {
	if len(text) == 0 {
		return nil, nil
	}
	c, err := unbundle(text, time.Now())
	if err != nil {
		return nil, fmt.Errorf("credentials handed over by the parent process: %w", err)
	}
	return c, nil
}

func unbundle(text []byte, now time.Time) (*Credentials, error) {
	if len(text) > maxBundle {
		return nil, fmt.Errorf("%d bytes, more than %d", len(text), maxBundle)
	}
	var b bundle
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return nil, errors.New("they are no bundle") // json's own error may quote them
	}
	if b.Version != bundleVersion {
		return nil, fmt.Errorf("version %d, this process reads %d: build both with one version of the engine", b.Version, bundleVersion)
	}
	if b.Insecure {
		return newCredentials(Options{Insecure: true}, nil), nil
	}
	o := Options{CA: b.Files.CA, Cert: b.Files.Cert, Key: b.Files.Key, Secret: b.Files.Secret}
	m, err := parse(texts{b.CA, b.Cert, b.Key, b.Secret}, o, now)
	if err != nil {
		return nil, err
	}
	c := newCredentials(o, m)
	c.handed = true
	// They may have been renewed since the bundle was made. Problem tells if they cannot be read from here.
	_ = c.reload(now)
	return c, nil
}
