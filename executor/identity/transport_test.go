package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tidemill/tidemill/executor/identity"
)

// forge makes a certificate by c's CA that driver certs issue would not make.
func (c *ca) forge(uris ...string) tls.Certificate {
	c.Helper()
	return c.forgeFor([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, uris...)
}

func (c *ca) forgeFor(uses []x509.ExtKeyUsage, uris ...string) tls.Certificate {
	c.Helper()
	parent := x509of(c.T, filepath.Join(c.dir, "ca.crt"))
	text, err := os.ReadFile(filepath.Join(c.dir, "ca.key"))
	if err != nil {
		c.Fatal(err)
	}
	b, _ := pem.Decode(text)
	signer, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		c.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.Fatal(err)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "forged"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: uses}
	for _, s := range uris {
		u, err := url.Parse(s)
		if err != nil {
			c.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		c.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func x509of(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pair(t *testing.T, o identity.Options) tls.Certificate {
	t.Helper()
	c, err := tls.LoadX509KeyPair(o.Cert, o.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bare is a peer that believes everybody, with these certificates and no newer TLS than max.
func bare(max uint16, certs ...tls.Certificate) credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, Certificates: certs, MaxVersion: max, MinVersion: tls.VersionTLS12})
}

func at(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

func TestClientsAreRefused(t *testing.T) {
	c, other := newCA(t), newCA(t)
	good := c.issue("drv", identity.Driver)
	as := func(t credentials.TransportCredentials) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithTransportCredentials(t)}
	}
	const v13 = tls.VersionTLS13
	for _, k := range []struct {
		name    string
		clock   time.Duration // of the server, to its peers'
		client  []grpc.DialOption
		method  string
		reasons []string // in the server's log
		hears   []string // in the client's error
	}{
		{"none", 0, as(bare(v13)), about, []string{"no certificate was shown", "driver certs issue"}, nil},
		{"plaintext", 0, as(insecure.NewCredentials()), about, []string{"does not speak TLS"}, nil},
		{"TLS 1.2", 0, as(bare(tls.VersionTLS12, pair(t, good))), about, []string{"TLS 1.3 is required"}, []string{"protocol version not supported"}},
		{"expired", 91 * 24 * time.Hour, load(t, good).DialOptions(), about, []string{`certificate "drv" expired at 20`, "the clock here says 20", "driver certs rotate"},
			[]string{"refused the certificate of drv (driver)", "its log says why"}},
		{"skew", -time.Hour, load(t, good).DialOptions(), about, []string{`certificate "drv" is not valid yet: it is from 20`, "the clock here says 20", "before that", "NTP"}, []string{"refused the certificate of drv"}},
		{"wrong CA", 0, as(bare(v13, pair(t, other.issue("drv", identity.Driver)))), about, []string{`certificate "drv" is of another CA`, "known here are", "driver certs init"}, nil},
		{"wrong role", 0, c.load("eve", identity.Viewer).DialOptions(), submit, []string{"eve (viewer) calls /test.Node/Submit, which needs the role driver or submitter"},
			[]string{"eve (viewer) calls /test.Node/Submit, which needs the role driver or submitter", "driver certs issue --role"}},
		{"wrong cluster", 0, as(bare(v13, c.forge("tidemill://clicks/driver/drv"))), about, []string{"is of cluster clicks, this is cluster ads"}, nil},
		{"no role", 0, as(bare(v13, c.forge())), about, []string{"names no role"}, nil},
		{"no known role", 0, as(bare(v13, c.forge("tidemill://ads/admin/drv"))), about, []string{"is no name of a member"}, nil},
		{"escaped name", 0, as(bare(v13, c.forge("tidemill://ads/driver/%64rv"))), about, []string{"is no name of a member"}, nil},
		{"two names", 0, as(bare(v13, c.forge("tidemill://ads/driver/a", "tidemill://ads/executor/b"))), about, []string{"names two members, a and b"}, nil},
		{"of a server only", 0, as(bare(v13, c.forgeFor([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, "tidemill://ads/driver/drv"))), about, []string{"is not meant for both ends"}, nil},
		{"a CA as a member", 0, as(bare(v13, tls.Certificate{Certificate: [][]byte{x509of(t, good.CA).Raw}, PrivateKey: pair(t, good).PrivateKey})), about, nil, nil},
	} {
		t.Run(k.name, func(t *testing.T) {
			var log record
			o := c.issue("ex-1", identity.Executor)
			o.Log = log.log()
			server := load(t, o)
			identity.SetClock(server, at(k.clock))
			n := serve(t, server.ServerOptions(methods), nil)
			err := call(t, n.addr, k.method, k.client)
			n.stop()
			if err == nil || n.calls.Load() != 0 {
				t.Fatalf("it was served: %v", err)
			}
			if !contains(err.Error(), k.hears...) {
				t.Errorf("the client hears %q", err)
			}
			if server.Refused() == 0 && k.reasons != nil || !contains(log.String(), k.reasons...) {
				t.Errorf("the server logs %d refusals: %s", server.Refused(), &log)
			}
		})
	}
}

func TestServersAreRefused(t *testing.T) {
	c, other := newCA(t), newCA(t)
	ex := c.issue("ex-1", identity.Executor)
	const v13 = tls.VersionTLS13
	for _, k := range []struct {
		name   string
		clock  time.Duration // of the client
		server credentials.TransportCredentials
		want   []string
	}{
		{"plaintext", 0, insecure.NewCredentials(), []string{"does not speak TLS", "started without certificates"}},
		{"TLS 1.2", 0, bare(tls.VersionTLS12, pair(t, ex)), []string{"TLS 1.3 is required"}},
		{"wrong CA", 0, bare(v13, pair(t, other.issue("ex-1", identity.Executor))), []string{`certificate "ex-1" is of another CA`, "known here are"}},
		{"wrong role", 0, bare(v13, pair(t, c.issue("ex-1", identity.Viewer))), []string{"ex-1 (viewer) answers here, which needs the role executor"}},
		{"wrong name", 0, bare(v13, pair(t, c.issue("ex-2", identity.Executor))), []string{"ex-2 (executor) answers where ex-1 was expected"}},
		{"wrong cluster", 0, bare(v13, c.forge("tidemill://clicks/executor/ex-1")), []string{"is of cluster clicks, this is cluster ads"}},
		{"of a client only", 0, bare(v13, c.forgeFor([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, "tidemill://ads/executor/ex-1")), []string{"is not meant for both ends"}},
		{"own certificate expired", 91 * 24 * time.Hour, bare(v13, pair(t, ex)), []string{`this process's own certificate "drv" expired at`, "driver certs rotate"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			client := c.load("drv", identity.Driver)
			identity.SetClock(client, at(k.clock))
			n := serve(t, []grpc.ServerOption{grpc.Creds(k.server)}, nil)
			err := call(t, n.addr, about, client.DialNamed("ex-1", identity.Executor))
			if err == nil || n.calls.Load() != 0 || !contains(err.Error(), k.want...) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The server's certificate ends between its start and a call, the client's does not.
func TestExpiredServer(t *testing.T) {
	c := newCA(t)
	n := serve(t, c.load("ex-1", identity.Executor).ServerOptions(methods), nil)
	late := at(91 * 24 * time.Hour)
	client := c.load("drv", identity.Driver)
	identity.SetClock(client, late)
	if err := call(t, n.addr, about, client.DialOptions()); !contains(errorText(err), "expired at") {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	c := newCA(t)
	for _, k := range []struct {
		name           string
		server, client *identity.Credentials
	}{
		{"certificates", c.load("ex-1", identity.Executor), c.load("drv", identity.Driver)},
		{"none", nil, nil},
		{"insecure", load(t, identity.Options{Insecure: true}), load(t, identity.Options{Insecure: true})},
	} {
		t.Run(k.name, func(t *testing.T) {
			n := serve(t, k.server.ServerOptions(methods), nil)
			for method, want := range map[string]string{
				about:   "",
				submit:  "",
				echo:    "",
				unknown: "code = PermissionDenied desc = /test.Node/Unknown is not in this server's table of methods",
				hidden:  "code = PermissionDenied desc = /test.Node/Hidden is not in this server's table of methods",
				missing: "code = PermissionDenied desc = /test.Node/Missing is not in this server's table of methods",
				panics:  "code = Internal desc = panic in /test.Node/Panics: a bug",
			} {
				before := n.calls.Load()
				err := call(t, n.addr, method, k.client.DialOptions(identity.Executor))
				if want == "" && err != nil || want != "" && !contains(errorText(err), want) {
					t.Errorf("%s: %v", method, err)
				}
				if ran := n.calls.Load() - before; ran != 0 && (method == unknown || method == hidden || method == missing) {
					t.Errorf("%s ran", method)
				}
			}
		})
	}
	n := serve(t, c.load("ex-1", identity.Executor).ServerOptions(methods), nil)
	if err := call(t, n.addr, nobody, c.load("drv", identity.Roles()...).DialOptions()); !contains(errorText(err), "which nobody may") {
		t.Error(err)
	}
	if err := call(t, n.addr, about, c.load("drv", identity.Driver, identity.Viewer).DialOptions()); err != nil {
		t.Fatal(err)
	}
	if p := n.peer.Load(); p.String() != "drv (driver, viewer)" || p.Cluster != "ads" {
		t.Error(p)
	}
}

// far makes connections look as if they came from another machine.
type far struct{ net.Listener }

type farConn struct{ net.Conn }

func (l far) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return farConn{c}, err
}

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 7} }

func TestOtherMachinesWithoutCertificates(t *testing.T) {
	away := func(l net.Listener) net.Listener { return far{l} }
	var none *identity.Credentials
	n := serve(t, none.ServerOptions(methods), away)
	if err := call(t, n.addr, about, none.DialOptions()); err == nil || n.calls.Load() != 0 {
		t.Error("a server without certificates served another machine")
	}
	n = serve(t, none.ServerOptions(methods), nil)
	dialer := grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		return farConn{c}, err
	})
	if err := call(t, n.addr, about, append(none.DialOptions(), dialer)); !contains(errorText(err), "connect to 10.1.2.3:7: without certificates only this machine is spoken to", "driver certs init") {
		t.Error(err)
	}
	open := load(t, identity.Options{Insecure: true})
	n = serve(t, open.ServerOptions(methods), away)
	if err := call(t, n.addr, about, append(open.DialOptions(), dialer)); err != nil {
		t.Error(err)
	}
}

// A stranger that knocks all day does not fill the log, and is counted.
func TestRefusalsAreLoggedOnceASecond(t *testing.T) {
	c := newCA(t)
	var log record
	o := c.issue("ex-1", identity.Executor)
	o.Log = log.log()
	ex := load(t, o)
	now := time.Now()
	identity.SetClock(ex, func() time.Time { return now })
	knock := func() {
		n := serve(t, ex.ServerOptions(methods), nil)
		_ = call(t, n.addr, about, []grpc.DialOption{grpc.WithTransportCredentials(bare(tls.VersionTLS12))})
		n.stop()
	}
	for range 3 {
		knock()
	}
	before := ex.Refused()
	now = now.Add(2 * time.Second)
	knock()
	if lines := strings.Count(log.String(), "a peer was refused"); before < 3 || lines != 2 || !contains(log.String(), fmt.Sprintf("unlogged=%d", before-1)) {
		t.Errorf("%d refusals: %s", before, &log)
	}
}
