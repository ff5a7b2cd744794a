package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// transport secures grpc connections. Each handshake uses the files as they are then.
type transport struct {
	c    *Credentials
	name string // of the server that is dialled; "" means any
	want []Role // of it; none means any
}

// link is what interceptors learn about a connection.
type link struct {
	credentials.TLSInfo
	peer Peer
}

// config is common to both ends. Go's own check of the chain is replaced by verify's, which says what is wrong; InsecureSkipVerify
// and RequireAnyClientCert do no more than leave it to VerifyConnection, which runs in every handshake. Peers are known by the name
// and role in their certificate and not by the host they are reached at, since executors come and go with addresses.
func (c *Credentials) config(m *material, peerUse x509.ExtKeyUsage, check func(Peer) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{m.leaf},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true,
		SessionTicketsDisabled: true, // a CA that is no longer trusted ends with the next connection
		NextProtos:             []string{"h2"},
		VerifyConnection: func(s tls.ConnectionState) error {
			p, err := m.verify(s.PeerCertificates, peerUse, c.now())
			if err == nil && check != nil {
				err = check(p)
			}
			return err
		},
	}
}

// usable says whether a handshake can succeed as far as this end's certificate goes.
func (c *Credentials) usable(m *material) error {
	if _, err := m.verify([]*x509.Certificate{m.leaf.Leaf}, x509.ExtKeyUsageServerAuth, c.now()); err != nil {
		return fmt.Errorf("this process's own %w", err)
	}
	return nil
}

// ClientHandshake implements grpc's interface.
func (t *transport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	m := t.c.current()
	if err := t.c.usable(m); err != nil {
		return nil, nil, err
	}
	cfg := t.c.config(m, x509.ExtKeyUsageServerAuth, t.check)
	conn, auth, err := credentials.NewTLS(cfg).ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to %s: %w", raw.RemoteAddr(), explain(err))
	}
	return m.told(conn), auth, nil
}

// check says whether the server is the one that was meant.
func (t *transport) check(p Peer) error {
	switch {
	case t.name != "" && p.Name != t.name:
		return fmt.Errorf("%s answers where %s was expected: its address is announced by somebody else, or two members share it", p, t.name)
	case len(t.want) > 0 && !p.Has(t.want...):
		return wrongRole(p, "answers here", t.want)
	}
	return nil
}

func wrongRole(p Peer, does string, want []Role) error {
	if len(want) == 0 {
		return fmt.Errorf("%s %s, which nobody may", p, does)
	}
	return fmt.Errorf("%s %s, which needs the role %s: make a certificate of that role with driver certs issue --role", p, does, strings.ReplaceAll(list(want), ", ", " or "))
}

// ServerHandshake implements grpc's interface.
func (t *transport) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	m := t.c.current()
	conn, auth, err := credentials.NewTLS(t.c.config(m, x509.ExtKeyUsageClientAuth, nil)).ServerHandshake(raw)
	if err != nil {
		return nil, nil, t.c.refuse(raw, err)
	}
	l := link{TLSInfo: auth.(credentials.TLSInfo)}
	if l.peer, err = PeerIn(l.State.PeerCertificates[0]); err != nil {
		return nil, nil, errors.Join(t.c.refuse(raw, err), conn.Close())
	}
	return conn, l, nil
}

// refuse logs why a peer is refused: with TLS 1.3 it hears only that it was, and after its own end of the handshake.
func (c *Credentials) refuse(raw net.Conn, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return err // it went away by itself, as port scanners and health checks do
	}
	err = fmt.Errorf("refuse %s: %w", raw.RemoteAddr(), explain(err))
	c.refused.note(c.log, c.now(), err)
	return err
}

// explain says what errors of crypto/tls mean here. They have no types, only texts; one that is not known passes as it is.
func explain(err error) error {
	var record tls.RecordHeaderError
	var remote *net.OpError
	text := err.Error()
	switch {
	case errors.As(err, &record):
		return fmt.Errorf("it does not speak TLS: it was started without certificates, or something else listens there: %w", err)
	case strings.Contains(text, "unsupported versions") || strings.Contains(text, "protocol version not supported"):
		return fmt.Errorf("TLS 1.3 is required, and the other end speaks only older versions: %w", err)
	case strings.Contains(text, "didn't provide a certificate"):
		return fmt.Errorf("no certificate was shown: start it with the files that driver certs issue makes: %w", err)
	case errors.As(err, &remote) && remote.Op == "remote error":
		return fmt.Errorf("the other end refused this one: %w", err)
	}
	return err
}

// told makes a connection that explains why the server hung up, if it did so because of our certificate.
func (m *material) told(conn net.Conn) net.Conn {
	t := &told{Conn: conn, m: m}
	if s, ok := conn.(syscall.Conn); ok {
		return struct {
			*told
			syscall.Conn // grpc sets the socket's timeouts through it
		}{t, s}
	}
	return t
}

type told struct {
	net.Conn
	m     *material
	heard atomic.Bool
}

// Read implements net.Conn. In TLS 1.3 the server judges the client's certificate after the client's handshake has ended, so that
// the verdict comes in place of the first bytes.
func (t *told) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.heard.Store(true)
	}
	return n, t.verdict(err)
}

// Write implements net.Conn. The verdict may be lost when the server hangs up at once.
func (t *told) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	return n, t.verdict(err)
}

func (t *told) verdict(err error) error {
	if err == nil || t.heard.Load() || errors.Is(err, net.ErrClosed) {
		return err
	}
	l := t.m.leaf.Leaf
	who := fmt.Sprintf("the certificate of %s (valid %s to %s, signed by key %s); its log says why", t.m.self, stamp(l.NotBefore), stamp(l.NotAfter), keyID(l.AuthorityKeyId))
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		return fmt.Errorf("%s refused %s: %w", t.RemoteAddr(), who, err)
	}
	return fmt.Errorf("%s hung up without a word; if it refused %s: %w", t.RemoteAddr(), who, err)
}

// Info implements grpc's interface.
func (t *transport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements grpc's interface.
func (t *transport) Clone() credentials.TransportCredentials {
	return &transport{t.c, t.name, slices.Clone(t.want)}
}

// OverrideServerName implements grpc's interface. Names of hosts are not looked at.
func (*transport) OverrideServerName(string) error { return nil }

// loopback carries connections without TLS, within this machine.
type loopback struct {
	credentials.TransportCredentials
}

func newLoopback() credentials.TransportCredentials { return &loopback{insecure.NewCredentials()} }

// ClientHandshake implements grpc's interface.
func (l *loopback) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if !local(raw.RemoteAddr()) {
		return nil, nil, fmt.Errorf("connect to %s: without certificates only this machine is spoken to: give certificates (driver certs init, driver certs issue), or allow it with insecure", raw.RemoteAddr())
	}
	return l.TransportCredentials.ClientHandshake(ctx, authority, raw)
}

// ServerHandshake implements grpc's interface.
func (l *loopback) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if !local(raw.RemoteAddr()) {
		return nil, nil, fmt.Errorf("refuse %s: without certificates only this machine is served", raw.RemoteAddr())
	}
	return l.TransportCredentials.ServerHandshake(raw)
}

// Clone implements grpc's interface.
func (l *loopback) Clone() credentials.TransportCredentials {
	return &loopback{l.TransportCredentials.Clone()}
}

// plain is how connections are made without certificates.
func (c *Credentials) plain() credentials.TransportCredentials {
	if c.Insecure() {
		return insecure.NewCredentials()
	}
	return newLoopback()
}
