package identity

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Manifest says what a job's binary is, so that an executor runs what somebody it believes has handed over, and nothing else.
type Manifest struct {
	Job    string
	SHA256 string // of the binary: 64 hex digits, lower case
	Size   int64  // of the binary, in bytes
	OS     string // GOOS
	Arch   string // GOARCH
	Engine string // version of the engine it was built with
	// Nonce makes two manifests of one binary differ: 16 to 64 letters, digits, - and _. Sign draws one if it is empty.
	Nonce string
	// Expires is when the manifest is no longer worth anything, at most a day ahead. Sign says in an hour if it is zero.
	Expires time.Time
}

// Signed is a manifest with its signature.
type Signed struct {
	Manifest Manifest
	// Certificates are the signer's, DER, the leaf first.
	Certificates [][]byte
	// Signature is ECDSA (ASN.1) by the leaf's key over the SHA-256 of the manifest's canonical bytes.
	Signature []byte
}

const (
	manifestLife    = time.Hour
	maxManifestLife = 24 * time.Hour

	maxChain     = 4
	maxChainCert = 16 << 10
	maxSignature = 256
	maxWord      = 256
)

var (
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	nonceForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
)

// canonical is what is signed: a label, then the fields in the order of the type, texts behind their length. No two manifests have
// the same bytes.
func (m Manifest) canonical() []byte {
	b := []byte("tidemill manifest 1\n")
	for _, s := range []string{m.Job, m.SHA256, m.OS, m.Arch, m.Engine, m.Nonce} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(m.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Expires.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(m.Expires.Nanosecond()))
}

// check says what is wrong with the manifest at a time, whoever signed it.
func (m Manifest) check(now time.Time) error {
	for _, w := range []struct{ field, s string }{{"job", m.Job}, {"os", m.OS}, {"arch", m.Arch}, {"engine", m.Engine}} {
		if w.s == "" || len(w.s) > maxWord {
			return fmt.Errorf("its %s has %d bytes, 1 to %d can be", w.field, len(w.s), maxWord)
		}
	}
	switch {
	case !digestForm.MatchString(m.SHA256):
		return fmt.Errorf("its digest %.80q is not a SHA-256 in 64 lower-case hex digits", m.SHA256)
	case m.Size <= 0:
		return fmt.Errorf("its size is %d bytes", m.Size)
	case !nonceForm.MatchString(m.Nonce):
		return fmt.Errorf("its nonce %.80q is not 16 to 64 letters, digits, - and _", m.Nonce)
	case !now.Before(m.Expires):
		return fmt.Errorf("it expired at %s, and the clock here says %s: hand the job over again; if that was just now, set the clocks by NTP", stamp(m.Expires), stamp(now))
	case m.Expires.Sub(now) > maxManifestLife:
		return fmt.Errorf("it lasts until %s, longer than %s from now (the clock here says %s): set the clocks by NTP", stamp(m.Expires), maxManifestLife, stamp(now))
	}
	return nil
}

// Sign signs a manifest with this process's key. Without certificates the manifest is only completed, which satisfies Verify of a
// process without them.
func (c *Credentials) Sign(m Manifest) (Signed, error) {
	now := time.Now()
	if c != nil {
		now = c.now()
	}
	if m.Nonce == "" {
		b := make([]byte, 16)
		_, _ = rand.Read(b) // it never fails
		m.Nonce = hex.EncodeToString(b)
	}
	if m.Expires.IsZero() {
		m.Expires = now.Add(manifestLife).UTC().Round(0)
	}
	s := Signed{Manifest: m}
	if err := m.check(now); err != nil {
		return Signed{}, fmt.Errorf("sign the manifest of job %.80q: %w", m.Job, err)
	}
	if !c.secure() {
		return s, nil
	}
	own := c.current()
	s.Certificates = own.leaf.Certificate
	sum := sha256.Sum256(m.canonical())
	var err error
	if s.Signature, err = ecdsa.SignASN1(rand.Reader, own.key, sum[:]); err != nil {
		return Signed{}, fmt.Errorf("sign the manifest of job %q: %w", m.Job, err)
	}
	return s, nil
}

// Verify says what is wrong with a manifest: its form, its time, its signature, or a signer that the CA does not vouch for, is of
// another cluster or has none of the wanted roles; none given means any. That a binary has the manifest's digest is the caller's to
// check, on the open file that it runs. Without certificates only form and time are looked at.
func (c *Credentials) Verify(s Signed, want ...Role) error {
	now := time.Now()
	if c != nil {
		now = c.now()
	}
	err := s.Manifest.check(now)
	if err == nil && c.secure() {
		err = c.current().verifySigner(s, now, want)
	}
	if err != nil {
		return fmt.Errorf("manifest of job %.80q: %w", s.Manifest.Job, err)
	}
	return nil
}

func (m *material) verifySigner(s Signed, now time.Time, want []Role) error {
	if len(s.Certificates) == 0 || len(s.Signature) == 0 {
		return errors.New("it is not signed: hand it over with a certificate (driver certs issue)")
	}
	if len(s.Certificates) > maxChain || len(s.Signature) > maxSignature {
		return fmt.Errorf("%d certificates and %d bytes of signature are more than %d and %d", len(s.Certificates), len(s.Signature), maxChain, maxSignature)
	}
	var chain []*x509.Certificate
	for _, der := range s.Certificates {
		if len(der) > maxChainCert {
			return fmt.Errorf("a certificate of its signer has %d bytes, more than %d", len(der), maxChainCert)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("a certificate of its signer: %w", err)
		}
		chain = append(chain, c)
	}
	p, err := m.verify(chain, x509.ExtKeyUsageClientAuth, now)
	if err != nil {
		return fmt.Errorf("its signer: %w", err)
	}
	if len(want) > 0 && !p.Has(want...) {
		return wrongRole(p, "signed it", want)
	}
	key, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	sum := sha256.Sum256(s.Manifest.canonical())
	if !ok || !ecdsa.VerifyASN1(key, sum[:], s.Signature) {
		return fmt.Errorf("the signature does not fit: it was changed after %s signed it", p)
	}
	return nil
}
