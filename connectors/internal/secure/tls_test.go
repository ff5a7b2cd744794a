package secure

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
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/internal/param"
)

// identity is a certificate that signed itself, and the files of it and its key.
type identity struct {
	cert, key string
	pair      tls.Certificate
}

func newIdentity(t *testing.T, host string, until time.Time) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: until.Add(-24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	id := identity{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	write(t, id.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, id.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	if id.pair, err = tls.LoadX509KeyPair(id.cert, id.key); err != nil {
		t.Fatal(err)
	}
	return id
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func configOf(query string) (*tls.Config, error) {
	return TLS(param.Of(&url.URL{Scheme: "x", Host: "y", RawQuery: query}))
}

func TestParameters(t *testing.T) {
	id := newIdentity(t, "localhost", time.Now().Add(time.Hour))
	text := filepath.Join(t.TempDir(), "text.pem")
	write(t, text, []byte("no certificate"))
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"tls=false", ""},
		{"tls=true", ""},
		{"tls=true&ca=" + id.cert, ""},
		{"tls=true&cert=" + id.cert + "&key=" + id.key, ""},
		{"tls=yes", "true or false"},
		{"ca=" + id.cert, "add tls=true"},
		{"server_name=a", "add tls=true"},
		{"tls=false&key=" + id.key, "add tls=true"},
		{"tls=true&cert=" + id.cert, "belong together"},
		{"tls=true&key=" + id.key, "belong together"},
		{"tls=true&ca=" + text, "no certificate in this file"},
		{"tls=true&ca=" + text + ".no", "no such file"},
		{"tls=true&cert=" + id.cert + "&key=" + text, "key="},
	} {
		config, err := configOf(c.query)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.query, err, c.want)
		}
		if on := err == nil && strings.HasPrefix(c.query, "tls=true"); (config != nil) != on {
			t.Errorf("%s: encrypted: %v", c.query, config != nil)
		}
		if config != nil && (config.InsecureSkipVerify || config.MinVersion < tls.VersionTLS12) {
			t.Errorf("%s: verification is off", c.query)
		}
	}
}

// shake makes a connection between a client and a server, and returns the client's error.
func shake(t *testing.T, client *tls.Config, server func(net.Conn)) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			server(c)
			_ = c.Close()
		}
	}()
	defer func() { _ = l.Close(); <-done }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x := tls.Client(c, client)
	if err := x.Handshake(); err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	if _, err = x.Read(make([]byte, 1)); errors.Is(err, io.EOF) { // in TLS 1.3 a refused certificate is told here
		return nil
	}
	return err
}

func TestRefusal(t *testing.T) {
	good, other := newIdentity(t, "localhost", time.Now().Add(time.Hour)), newIdentity(t, "elsewhere", time.Now().Add(time.Hour))
	old := newIdentity(t, "localhost", time.Now().Add(-time.Hour))
	serve := func(id identity, clients bool) func(net.Conn) {
		c := &tls.Config{Certificates: []tls.Certificate{id.pair}}
		if clients {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
			c.ClientCAs.AppendCertsFromPEM(must(os.ReadFile(good.cert)))
		}
		return func(conn net.Conn) { _ = tls.Server(conn, c).Handshake() }
	}
	plain := func(conn net.Conn) { _, _ = conn.Write([]byte("hello, this is not TLS")) }
	for _, c := range []struct {
		name, query string
		server      func(net.Conn)
		want        string
	}{
		{"good", "server_name=localhost&ca=" + good.cert, serve(good, false), ""},
		{"good with ours", "server_name=localhost&ca=" + good.cert + "&cert=" + good.cert + "&key=" + good.key, serve(good, true), ""},
		{"wrong authority", "server_name=localhost&ca=" + other.cert, serve(good, false), "as ca="},
		{"wrong host", "server_name=localhost&ca=" + other.cert, serve(other, false), "server_name="},
		{"expired", "server_name=localhost&ca=" + old.cert, serve(old, false), "renew it"},
		{"no TLS", "server_name=localhost", plain, "leave tls=true out"},
		{"none of ours", "server_name=localhost&ca=" + good.cert, serve(good, true), "as cert= and key="},
	} {
		config, err := configOf("tls=true&" + c.query)
		if err != nil {
			t.Fatal(err)
		}
		err = shake(t, config, c.server)
		if (err == nil) != (c.want == "") || c.want != "" && !strings.Contains(Refusal(err), c.want) {
			t.Errorf("%s: %v: refusal %q, want %q", c.name, err, Refusal(err), c.want)
		}
	}
	if got := Refusal(errors.New("connection refused")); got != "" {
		t.Errorf("got %q", got)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
