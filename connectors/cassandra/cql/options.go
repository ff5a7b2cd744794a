package cql

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/gocql/gocql"
)

// Options says what to connect to. The zero value of every field but Hosts is useful.
type Options struct {
	Hosts          []string          // contact points, host or host:port; one that answers is enough
	Port           int               // of hosts that name none; 0 = 9042
	Keyspace       string            // must be there when the session is opened; statements name it in full all the same. Empty = not looked for
	DC             string            // the local data centre; empty = that of the contact points, which must then be in one
	User, Password string            // of a PasswordAuthenticator; no user = none
	TLS            *tls.Config       // nil = plain. Without a ServerName the certificate must be for the contact point's name or the node's address
	Consistency    gocql.Consistency // of statements that say nothing; 0 = LOCAL_QUORUM
	Timeout        time.Duration     // of one statement; 0 = 6 s. Shorter than the server's own 2 s (writes) and 5 s (reads) it repeats what still runs
	ConnectTimeout time.Duration     // of each step of a connection; 0 = 5 s
	Connections    int               // to each node; 0 = 2
	Patience       time.Duration     // without a node that answers, before a new session is tried; 0 = 3 s
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Hosts) == 0 {
		return o, permanent(nil, "no host is named: use cassandra://host[:9042][,host2]/keyspace.table")
	}
	if o.User == "" && o.Password != "" {
		return o, permanent(nil, "a password without a user")
	}
	def(&o.Port, 9042)
	def(&o.Consistency, gocql.LocalQuorum)
	def(&o.Timeout, 6*time.Second)
	def(&o.ConnectTimeout, 5*time.Second)
	def(&o.Connections, 2)
	def(&o.Patience, 3*time.Second)
	return o, nil
}

func def[V comparable](v *V, to V) {
	var zero V
	if *v == zero {
		*v = to
	}
}

// contact is a contact point: an address, and the name that it was found under.
type contact struct {
	address netip.AddrPort
	name    string
}

// resolve looks the contact points up. It fails only if none has an address.
func (o Options) resolve(ctx context.Context) ([]contact, error) {
	var out []contact
	var first error
	for _, h := range o.Hosts {
		name, port := h, o.Port
		if host, p, err := net.SplitHostPort(h); err == nil {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return nil, permanent(err, "host %q: the port is no number up to 65535", h)
			}
			name, port = host, int(n)
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err != nil && first == nil {
			first = fmt.Errorf("host %q cannot be found: check the name: %w", name, err)
		}
		for _, ip := range found {
			out = append(out, contact{netip.AddrPortFrom(ip.Unmap(), uint16(port)), name})
		}
	}
	if len(out) == 0 {
		return nil, first
	}
	return out, nil
}
