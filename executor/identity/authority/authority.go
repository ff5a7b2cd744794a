package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

const (
	caFile, caKey, nextKey             = "ca.crt", "ca.key", "ca.next.key"
	secretFile, nextSecret             = "cluster.secret", "cluster.next"
	certFile, keyFile                  = "node.crt", "node.key"
	nodes                              = "nodes"
	caLife                             = 10 * 365 * 24 * time.Hour
	backdate                           = 5 * time.Minute // what clocks may differ by before a new certificate is not valid yet somewhere
	leastLife                          = 24 * time.Hour  // of a CA that still issues
	folderMode             fs.FileMode = 0o700
)

// LeafLife is how long a member's certificate lasts if the order says nothing else.
const LeafLife = 90 * 24 * time.Hour

// Authority is a folder with a CA. For one goroutine.
type Authority struct {
	dir     string
	cluster string
	certs   []*x509.Certificate // of ca.crt
	key     *ecdsa.PrivateKey
	issuer  *x509.Certificate // the one of certs that key belongs to
	now     func() time.Time
}

// Init makes a CA and a cluster secret in a folder, which it makes too. Where there is a CA it refuses, unless with force: then all
// certificates issued before are worth nothing.
func Init(dir, cluster string, force bool) (*Authority, error) {
	return initialise(dir, cluster, force, time.Now)
}

func initialise(dir, cluster string, force bool, now func() time.Time) (*Authority, error) {
	if err := identity.CheckName(cluster); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, err
	}
	key, ca, err := newCA(cluster, now())
	if err != nil {
		return nil, fmt.Errorf("make a CA: %w", err)
	}
	text, err := keyfile.KeyPEM(key)
	if err != nil {
		return nil, fmt.Errorf("make a CA: %w", err)
	}
	a := &Authority{dir: dir, cluster: cluster, certs: []*x509.Certificate{ca}, key: key, issuer: ca, now: now}
	if force {
		if err := errors.Join(gone(a.path(nextKey)), gone(a.path(nextSecret))); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{caKey, text}, {caFile, keyfile.PEM(ca)}, {secretFile, keyfile.NewSecret()}} {
		if err := keyfile.Write(a.path(f.name), f.text, force); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// gone removes a file that may not be there.
func gone(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func newCA(cluster string, now time.Time) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{cluster}, CommonName: "CA of " + cluster + " of " + now.UTC().Format(time.DateOnly)},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it signs members, no other CAs
	}
	c, err := sign(template, template, key, key)
	return key, c, err
}

// sign makes a certificate of whoever has key. Serial numbers are random.
func sign(template, issuer *x509.Certificate, key, issuers *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, issuers)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Open reads the CA of a folder that Init made.
func Open(dir string) (*Authority, error) {
	a := &Authority{dir: dir, now: time.Now}
	text, err := keyfile.Read(a.path(caFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no CA in %s: make one with driver certs init %s", dir, dir)
	}
	if err != nil {
		return nil, err
	}
	if a.certs, err = keyfile.Certificates(text); err != nil {
		return nil, fmt.Errorf("%s: %w", a.path(caFile), err)
	}
	if a.key, err = a.readKey(caKey); err != nil {
		return nil, err
	}
	if a.issuer = of(a.key, a.certs); a.issuer == nil || len(a.issuer.Subject.Organization) != 1 {
		return nil, fmt.Errorf("%s is the key of none of the CAs in %s that driver certs init made: both come from one folder", a.path(caKey), a.path(caFile))
	}
	a.cluster = a.issuer.Subject.Organization[0]
	return a, identity.CheckName(a.cluster)
}

// Cluster is the name of the cluster.
func (a *Authority) Cluster() string { return a.cluster }

// Expires is when the CA in use does.
func (a *Authority) Expires() time.Time { return a.issuer.NotAfter }

func (a *Authority) path(name ...string) string {
	return filepath.Join(append([]string{a.dir}, name...)...)
}

func (a *Authority) readKey(name string) (*ecdsa.PrivateKey, error) {
	text, err := keyfile.ReadPrivate(a.path(name))
	if err != nil {
		return nil, err
	}
	k, err := keyfile.Key(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.path(name), err)
	}
	return k, nil
}

// of is the certificate of a key, or nil.
func of(k *ecdsa.PrivateKey, certs []*x509.Certificate) *x509.Certificate {
	i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return k.PublicKey.Equal(c.PublicKey) })
	if i < 0 {
		return nil
	}
	return certs[i]
}
