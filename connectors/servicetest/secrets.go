package servicetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Secrets are what a client of a cluster needs to know. Each is "" where the cluster's options do not ask for it.
type Secrets struct {
	user, password string
	ca, cert, key  string // paths
	keystore       string // path: the servers' key and certificate, in one file
	client         *tls.Config
}

// CA is the path of a PEM file with the certificate of the authority that signed the servers' certificate.
func (s Secrets) CA() string { return s.ca }

// Certificate are the paths of PEM files with a client's certificate and key, for clusters with ClientAuth.
func (s Secrets) Certificate() (cert, key string) { return s.cert, s.key }

// User may do everything that a test needs.
func (s Secrets) User() string { return s.user }

// Password is the User's.
func (s Secrets) Password() string { return s.password }

// makeSecrets makes what the options ask for; files are put in dir.
func makeSecrets(dir string, useTLS, users bool, hosts []string) (Secrets, error) {
	s := secretsIn(dir, useTLS)
	if users {
		s.user, s.password = "tidemill", rand.Text()
	}
	if !useTLS {
		return s, nil
	}
	err := s.write(hosts)
	if err == nil {
		err = s.load()
	}
	if err != nil {
		return s, fmt.Errorf("make certificates: %w", err)
	}
	return s, nil
}

// secretsIn says where the files are.
func secretsIn(dir string, useTLS bool) (s Secrets) {
	if useTLS {
		s.ca, s.keystore = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "server.pem")
		s.cert, s.key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	}
	return s
}

func (s Secrets) write(hosts []string) error {
	a, err := newAuthority()
	if err != nil {
		return err
	}
	serverCert, serverKey, err1 := a.sign("server", hosts)
	clientCert, clientKey, err2 := a.sign("client", nil)
	return errors.Join(err1, err2,
		os.WriteFile(s.ca, a.pem(), 0o600),
		os.WriteFile(s.keystore, slices.Concat(serverKey, serverCert, a.pem()), 0o600),
		os.WriteFile(s.cert, clientCert, 0o600),
		os.WriteFile(s.key, clientKey, 0o600))
}

// load reads what a client has of the files.
func (s *Secrets) load() error {
	ca, err1 := os.ReadFile(s.ca)
	pair, err2 := tls.LoadX509KeyPair(s.cert, s.key)
	s.client = &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s.client.RootCAs.AppendCertsFromPEM(ca)
	return errors.Join(err1, err2)
}

// StrangerCA is the path of a PEM file with the certificate of an authority that no cluster's certificate is signed by.
func StrangerCA(t testing.TB) string {
	t.Helper()
	a, err := newAuthority()
	path := filepath.Join(t.TempDir(), "stranger.pem")
	if err == nil {
		err = os.WriteFile(path, a.pem(), 0o644)
	}
	if err != nil {
		t.Fatalf("make a stranger's CA: %v", err)
	}
	return path
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := unsigned("Tidemill test CA")
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	c, err = x509.ParseCertificate(der)
	return &authority{cert: c, key: key}, err
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// sign makes a key and a certificate for it; with hosts one of a server at these addresses and at localhost.
func (a *authority) sign(name string, hosts []string) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	c := unsigned(name)
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(hosts) > 0 {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.DNSNames = []string{"localhost"}
	}
	for _, h := range hosts {
		c.IPAddresses = append(c.IPAddresses, net.ParseIP(h))
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, k.Public(), a.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

func unsigned(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand does not fail
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), // for clocks that are not quite right
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}
