package servicetest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gocql/gocql"
)

var keyspaces atomic.Int64 // made by this process

// Keyspace makes a keyspace that no other test has, replicated to all nodes, and returns its name. It goes away with the cluster.
func (c *CassandraCluster) Keyspace(t testing.TB) string {
	t.Helper()
	name, err := c.CreateKeyspace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// CreateKeyspace is Keyspace outside tests.
func (c *CassandraCluster) CreateKeyspace(ctx context.Context) (string, error) {
	// The process is in the name since those that it starts may use the cluster too.
	name := fmt.Sprintf("ks_%d_%d", os.Getpid(), keyspaces.Add(1))
	s, err := c.connect(c.Config())
	if err == nil {
		defer s.Close()
		err = s.Query(fmt.Sprintf("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}", name, c.options.Nodes)).
			WithContext(ctx).Exec()
	}
	if err != nil {
		return "", fmt.Errorf("create keyspace %s: %w", name, err)
	}
	return name, nil
}

// Session is a client of its own for a test, with the keyspace as default unless it is "". It is closed when the test ends.
func (c *CassandraCluster) Session(t testing.TB, keyspace string) *gocql.Session {
	t.Helper()
	config := c.Config()
	config.Keyspace = keyspace
	s, err := c.connect(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Config is a client's configuration that fits the cluster: with its CA, user and password where they are needed.
func (c *CassandraCluster) Config() *gocql.ClusterConfig {
	config := gocql.NewCluster(c.Hosts()...)
	config.Port = c.port
	config.Consistency = gocql.Quorum
	config.Timeout, config.ConnectTimeout = 20*time.Second, 10*time.Second
	config.Logger = quiet{}
	if c.options.TLS {
		config.SslOpts = &gocql.SslOptions{Config: c.client.Clone(), EnableHostVerification: true}
	}
	if c.options.Auth {
		config.Authenticator = gocql.PasswordAuthenticator{Username: c.User(), Password: c.Password()}
	}
	return config
}

func (c *CassandraCluster) connect(config *gocql.ClusterConfig) (*gocql.Session, error) {
	s, err := config.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w", cassandraRelease, err)
	}
	return s, nil
}

// quiet drops what the driver prints about nodes that are down, which here is meant.
type quiet struct{}

func (quiet) Print(...any)          {}
func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// superuser is the one that every new cluster has.
var superuser = gocql.PasswordAuthenticator{Username: "cassandra", Password: "cassandra"}

// makeUser makes the User, as the superuser that every new cluster has. The server makes that one a moment after it answers.
func (c *CassandraCluster) makeUser(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("the superuser is not there after %v", startLimit))
	defer cancel()
	config := c.Config()
	config.Authenticator = superuser
	var s *gocql.Session
	err := poll(ctx, func() (err error) {
		s, err = c.connect(config)
		return err
	})
	if err != nil {
		return err
	}
	defer s.Close()
	for _, q := range []string{
		fmt.Sprintf("CREATE ROLE IF NOT EXISTS %s WITH PASSWORD = '%s' AND LOGIN = true", c.User(), c.Password()),
		fmt.Sprintf("GRANT ALL PERMISSIONS ON ALL KEYSPACES TO %s", c.User()),
	} {
		if err := s.Query(q).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("make user %s: %w", c.User(), err)
		}
	}
	return nil
}

// askNode tells whether node i is a full member: it answers clients, it and the others that run take each
// other for up, and they have one schema.
func (c *CassandraCluster) askNode(ctx context.Context, i int) error {
	if err := c.askSupported(ctx, i); err != nil {
		return err
	}
	for _, j := range c.up() {
		if i == j {
			continue
		}
		for _, pair := range [2][2]int{{i, j}, {j, i}} {
			if err := c.sees(pair[0], pair[1]); err != nil {
				return err
			}
		}
	}
	if c.options.Nodes == 1 {
		return nil
	}
	return c.agrees(ctx, i)
}

// askSupported sends an OPTIONS frame to node i and wants a SUPPORTED frame back: native protocol v4, sections 2 and 4. A node opens
// this port last.
func (c *CassandraCluster) askSupported(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var dial interface {
		DialContext(context.Context, string, string) (net.Conn, error)
	} = &net.Dialer{}
	if c.options.TLS {
		dial = &tls.Dialer{Config: c.client.Clone()}
	}
	conn, err := dial.DialContext(ctx, "tcp", net.JoinHostPort(c.subnet.host(i), strconv.Itoa(c.port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	const version, options, supported = 4, 5, 6
	var header [9]byte // version, flags, stream (2), opcode, length (4)
	_, err = conn.Write([]byte{version, 0, 0, 0, options, 0, 0, 0, 0})
	err = errors.Join(conn.SetDeadline(deadline), err)
	if err == nil {
		_, err = io.ReadFull(conn, header[:])
	}
	if err == nil && (header[0] != 0x80|version || header[4] != supported) {
		err = fmt.Errorf("it answered OPTIONS with % x", header)
	}
	return err
}

// sees tells whether node i takes node j for up. No table says so, but its log does, at every change.
func (c *CassandraCluster) sees(i, j int) error {
	log, err := c.logged(i, j)
	if err != nil {
		return err
	}
	said := regexp.MustCompile(regexp.QuoteMeta("/"+c.subnet.host(j))+`:\d+ is now (UP|DOWN)`).FindAllSubmatch(log, -1)
	if len(said) == 0 || string(said[len(said)-1][1]) != "UP" {
		return fmt.Errorf("node %d does not see node %d", i, j)
	}
	return nil
}
