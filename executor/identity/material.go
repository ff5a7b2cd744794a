package identity

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

// texts are files as they were read.
type texts struct{ ca, cert, key, secret []byte }

// material is what the files say, checked. It does not change.
type material struct {
	texts   texts
	cas     []*x509.Certificate
	roots   *x509.CertPool
	leaf    tls.Certificate
	key     *ecdsa.PrivateKey
	self    Peer
	secrets [][]byte
}

// sealed is material that printing does not reach: fmt follows pointers, and calls no methods of what lies in unexported fields, so
// that a struct around Credentials would print keys with the wrong verb. It does not look into functions.
type sealed func() *material

func seal(m *material) sealed {
	if m == nil {
		return nil
	}
	return func() *material { return m }
}

// readAll reads the files of o; the secret may be missing.
func readAll(o Options) (t texts, err error) {
	for _, f := range []struct {
		what, path string
		read       func(string) ([]byte, error)
		to         *[]byte
	}{
		{"CA certificate", o.CA, keyfile.Read, &t.ca},
		{"certificate", o.Cert, keyfile.Read, &t.cert},
		{"key", o.Key, keyfile.ReadPrivate, &t.key},
		{"cluster secret", o.Secret, keyfile.ReadPrivate, &t.secret},
	} {
		if f.path == "" {
			continue
		}
		if *f.to, err = f.read(f.path); err != nil {
			return texts{}, fmt.Errorf("%s: %w", f.what, err)
		}
	}
	return t, nil
}

// parse understands and checks texts; paths are for errors.
func parse(t texts, o Options, now time.Time) (*material, error) {
	m := &material{texts: t, roots: x509.NewCertPool()}
	var err error
	if m.cas, err = keyfile.Certificates(t.ca); err != nil {
		return nil, fmt.Errorf("CA certificate %s: %w", o.CA, err)
	}
	for _, c := range m.cas {
		if !c.IsCA {
			return nil, fmt.Errorf("CA certificate %s: %.80q is not of a CA: take the ca.crt that lies beside the certificate", o.CA, c.Subject.CommonName)
		}
		m.roots.AddCert(c)
	}
	chain, err := keyfile.Certificates(t.cert)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", o.Cert, err)
	}
	if m.key, err = keyfile.Key(t.key); err != nil {
		return nil, fmt.Errorf("key %s: %w", o.Key, err)
	}
	if !m.key.PublicKey.Equal(chain[0].PublicKey) {
		return nil, fmt.Errorf("key %s is not of certificate %s: take both from one driver certs issue", o.Key, o.Cert)
	}
	m.leaf = tls.Certificate{PrivateKey: m.key, Leaf: chain[0]}
	for _, c := range chain {
		m.leaf.Certificate = append(m.leaf.Certificate, c.Raw)
	}
	if m.self, err = PeerIn(chain[0]); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", o.Cert, err)
	}
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		if _, err := m.verify(chain, use, now); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", o.Cert, err)
		}
	}
	if t.secret != nil {
		if m.secrets, err = keyfile.Secrets(t.secret); err != nil {
			return nil, fmt.Errorf("cluster secret %s: %w", o.Secret, err)
		}
	}
	return m, nil
}

// verify says whom a chain names, and refuses it unless one of the CAs vouches for it now, for that use, in this cluster.
func (m *material) verify(chain []*x509.Certificate, use x509.ExtKeyUsage, now time.Time) (Peer, error) {
	if len(chain) == 0 {
		return Peer{}, errors.New("no certificate was shown: start the peer with the files that driver certs issue makes")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: m.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return Peer{}, m.refusal(chain[0], err, now)
	}
	p, err := PeerIn(chain[0])
	if err == nil && p.Cluster != m.self.Cluster {
		err = fmt.Errorf("certificate of %s is of cluster %s, this is cluster %s: use the files of one cluster", p, p.Cluster, m.self.Cluster)
	}
	return p, err
}

// refusal says why x509 refused a certificate and what to do. The names in it are the peer's own words.
func (m *material) refusal(c *x509.Certificate, err error, now time.Time) error {
	who := fmt.Sprintf("certificate %.80q", c.Subject.CommonName)
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && invalid.Cert.IsCA {
			c, who = invalid.Cert, fmt.Sprintf("CA certificate %.80q", invalid.Cert.Subject.CommonName)
		}
		if now.Before(c.NotBefore) {
			return fmt.Errorf("%s is not valid yet: it is from %s on, and the clock here says %s, %s before that: one of two clocks is wrong, set them by NTP",
				who, stamp(c.NotBefore), stamp(now), c.NotBefore.Sub(now).Round(time.Second))
		}
		return fmt.Errorf("%s expired at %s, and the clock here says %s: renew it with driver certs rotate", who, stamp(c.NotAfter), stamp(now))
	case errors.As(err, &unknown):
		return fmt.Errorf("%s is of another CA: it was signed by %.80q (key %s), known here are %s: use files of one driver certs init, or finish driver certs rotate --ca everywhere",
			who, c.Issuer.CommonName, keyID(c.AuthorityKeyId), m.knownCAs())
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fmt.Errorf("%s is not meant for both ends of a connection: make one with driver certs issue", who)
	}
	return fmt.Errorf("%s: %w", who, err)
}

func (m *material) knownCAs() (s string) {
	for i, c := range m.cas {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%.80q (key %s)", c.Subject.CommonName, keyID(c.SubjectKeyId))
	}
	return s
}

// keyID is enough of a key's identifier to tell CAs apart.
func keyID(id []byte) string { return fmt.Sprintf("%x", id[:min(len(id), 4)]) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
