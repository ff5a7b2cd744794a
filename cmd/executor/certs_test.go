package main

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

// certs are made by the code behind `driver certs`.
type certs struct {
	*testing.T
	*authority.Authority
	dir string
}

func newCerts(t *testing.T) *certs {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	a, err := authority.Init(dir, "mill", false)
	if err != nil {
		t.Fatal(err)
	}
	return &certs{t, a, dir}
}

// of makes a member's files and returns their folder.
func (c *certs) of(name string, roles ...identity.Role) string {
	c.Helper()
	is, err := c.Issue(authority.Order{Name: name, Roles: roles})
	if err != nil {
		c.Fatal(err)
	}
	return is.Dir
}

// at is of with another time: what a clock that is wrong makes, or a certificate that nobody has renewed.
func (c *certs) at(from, to time.Time, name string, roles ...identity.Role) string {
	c.Helper()
	dir := c.of(name, roles...)
	leaf, ca := c.certificate(filepath.Join(dir, "node.crt")), c.certificate(filepath.Join(c.dir, "ca.crt"))
	key, err := x509.ParsePKCS8PrivateKey(c.block(filepath.Join(c.dir, "ca.key")))
	if err != nil {
		c.Fatal(err)
	}
	leaf.NotBefore, leaf.NotAfter = from, to
	made, err := x509.CreateCertificate(rand.Reader, leaf, ca, leaf.PublicKey, key.(crypto.Signer))
	if err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "node.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}), 0o600); err != nil {
		c.Fatal(err)
	}
	return dir
}

func (c *certs) certificate(path string) *x509.Certificate {
	c.Helper()
	out, err := x509.ParseCertificate(c.block(path))
	if err != nil {
		c.Fatal(err)
	}
	return out
}

func (c *certs) block(path string) []byte {
	c.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	b, _ := pem.Decode(text)
	if b == nil {
		c.Fatalf("%s holds no PEM", path)
	}
	return b.Bytes
}

// files are a member's, by the names of flags.
func files(dir string) map[string]string {
	return map[string]string{"ca": filepath.Join(dir, "ca.crt"), "cert": filepath.Join(dir, "node.crt"), "key": filepath.Join(dir, "node.key"),
		"secret": filepath.Join(dir, "cluster.secret")}
}

// shown are the flags that name a member's files, with other ones for some.
func shown(dir string, other ...map[string]string) (flags []string) {
	all := files(dir)
	for _, o := range other {
		for name, file := range o {
			all[name] = file
		}
	}
	for name, file := range all {
		if file != "" {
			flags = append(flags, "--"+name, file)
		}
	}
	return flags
}
