package cql

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gocql/gocql"
)

// dialer makes the connections of one gocql session. Ended, it breaks them all, so that whatever gocql waits for ends too: gocql takes no
// context for opening a session.
type dialer struct {
	tls     *tls.Config
	timeout time.Duration
	names   map[netip.Addr]string // of contact points, for their certificates

	ctx context.Context
	end context.CancelFunc

	mu    sync.Mutex
	conns map[*conn]bool   // guarded by mu
	last  map[string]error // what became of the last attempt, by address; guarded by mu
}

func newDialer(o Options, contacts []contact) *dialer {
	d := &dialer{tls: o.TLS, timeout: o.ConnectTimeout, names: map[netip.Addr]string{}, conns: map[*conn]bool{}, last: map[string]error{}}
	d.ctx, d.end = context.WithCancel(context.Background())
	for _, c := range contacts {
		d.names[c.address.Addr()] = c.name
	}
	return d
}

// close breaks every connection, and all that will be asked for.
func (d *dialer) close() {
	d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		_ = c.Conn.Close()
	}
}

// DialHost connects to a host, and shakes hands if it is to be TLS.
func (d *dialer) DialHost(ctx context.Context, host *gocql.HostInfo) (*gocql.DialedHost, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	address := host.ConnectAddressAndPort()
	raw, err := (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if d.tls != nil {
		c := tls.Client(raw, d.configFor(host))
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		raw = c
	}
	c := &conn{Conn: raw, d: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ctx.Err(); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	d.conns[c] = true
	return &gocql.DialedHost{Conn: c, DisableCoalesce: true}, nil
}

// configFor verifies the host: by server_name, else the name of the contact point, else the address.
func (d *dialer) configFor(host *gocql.HostInfo) *tls.Config {
	c := d.tls.Clone()
	c.InsecureSkipVerify = false
	if c.ServerName == "" {
		c.ServerName = host.ConnectAddress().String()
		if a, ok := netip.AddrFromSlice(host.ConnectAddress()); ok && d.names[a.Unmap()] != "" {
			c.ServerName = d.names[a.Unmap()]
		}
	}
	return c
}

// ObserveConnect is told by gocql what became of a connection: typed, which the errors of its NewSession are not.
func (d *dialer) ObserveConnect(o gocql.ObservedConnect) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[o.Host.ConnectAddressAndPort()] = o.Err
}

// failure is what the last attempt at an address failed of; nil if it did not.
func (d *dialer) failure(address string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[address]
}

// conn is a connection that its dialer can break.
type conn struct {
	net.Conn
	d *dialer
}

// Close closes it for good.
func (c *conn) Close() error {
	c.d.mu.Lock()
	delete(c.d.conns, c)
	c.d.mu.Unlock()
	return c.Conn.Close()
}
