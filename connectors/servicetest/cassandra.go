package servicetest

import (
	"bytes"
	"context"
	_ "embed" // the packages' names and digests, and the settings
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
)

var (
	//go:embed cassandra/pom.xml
	cassandraPom []byte
	//go:embed cassandra/logback.xml
	cassandraLogging []byte
	//go:embed cassandra/jvm.options
	cassandraJVM string
	//go:embed cassandra/cassandra.yaml
	cassandraYAML string
	//go:embed digests/cassandra-5.0.8.txt
	cassandraDigests string

	cassandraRelease  = release{name: "Cassandra", version: "5.0.8", size: "67 MB", pom: cassandraPom, digests: cassandraDigests}
	cassandraSettings = template.Must(template.New("cassandra.yaml").Parse(cassandraYAML))
)

// CassandraOptions say what cluster to start. Tests with equal options share one.
type CassandraOptions struct {
	Nodes int // 1 (also if 0) to 3, in one rack

	// TLS has clients connect with TLS 1.2 or newer. The certificate is for the nodes' addresses, and for localhost.
	TLS bool
	// ClientAuth, with TLS, demands a certificate of clients too. Certificate has one.
	ClientAuth bool
	// Auth demands a user and password of clients (PasswordAuthenticator), and looks at what a user may do (CassandraAuthorizer).
	// User may do everything but make roles; the superuser cassandra has the password cassandra.
	Auth bool

	// Periodic has nodes acknowledge writes before they are in the commit log, as is the server's default: a node that is killed
	// loses up to 100 ms of what it alone had acknowledged. Without it, nothing.
	Periodic bool

	// Own makes a cluster that no other test gets, for tests that kill or pause nodes while others run.
	Own bool
	// Config are settings in cassandra.yaml, in YAML: "batch_size_fail_threshold": "10KiB". They are added to those in this package's
	// cassandra.yaml, and may not be among them.
	Config map[string]string
	// Heap of a node, in MiB. Default 384.
	Heap int
	// Optimised has the JVMs use their optimising compiler too, for benchmarks: several times the throughput once they are warm, and
	// twice the time to start.
	Optimised bool
	// Progress is told what is done, line by line. Default for StartCassandra: nobody; in tests always the test's log.
	Progress io.Writer
}

func (o CassandraOptions) withDefaults() (CassandraOptions, error) {
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.Heap == 0 {
		o.Heap = 384
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	switch {
	case o.Nodes < 1 || o.Nodes > 3:
		return o, fmt.Errorf("%d nodes: 1, 2 or 3 are possible", o.Nodes)
	case o.ClientAuth && !o.TLS:
		return o, errors.New("ClientAuth needs TLS")
	}
	return o, nil
}

// CassandraCluster is a running Cassandra of one to three nodes.
type CassandraCluster struct {
	Nodes
	Secrets
	options CassandraOptions
	port    int
}

// Cassandra returns a cluster for a test: the one that tests with equal options share, all nodes running, or with Own its own. The
// test is skipped if this machine lacks Java or Maven, and fails where CI=true is set.
func Cassandra(t testing.TB, o CassandraOptions) *CassandraCluster {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	o.Progress = nil
	name := fmt.Sprintf("cassandra %+v", o)
	o.Progress = lines{t}
	c := *obtain(t, name, o.Own, func() (*CassandraCluster, error) { return StartCassandra(t.Context(), "", o) }, o.attach)
	c.t = t
	return &c
}

// StartCassandra starts a cluster outside tests, until Close. Its logs and data are in dir, which has to be empty or not there and is
// left behind; "" is a temporary folder that Close removes. The context ends the start only.
func StartCassandra(ctx context.Context, dir string, o CassandraOptions) (*CassandraCluster, error) {
	c, err := o.start(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("start %v: %w", cassandraRelease, err)
	}
	return c, nil
}

func (o CassandraOptions) start(ctx context.Context, dir string) (*CassandraCluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err := cassandraRelease.runnable(ctx, o.Progress)
	if err == nil && !o.Optimised {
		path, err = cassandraRelease.archived(ctx, path, o.Progress, trainCassandra)
	}
	if err != nil {
		return nil, err
	}
	return o.startOn(ctx, dir, path)
}

// trainCassandra starts a node and ends it in order, so that the JVM writes which classes it needed.
func trainCassandra(ctx context.Context, path classPath) error {
	o, err := CassandraOptions{}.withDefaults()
	if err != nil {
		return err
	}
	c, err := o.startOn(ctx, "", path)
	if err != nil {
		return err
	}
	return errors.Join(c.Stop(), c.Close())
}

func (o CassandraOptions) startOn(ctx context.Context, dir string, path classPath) (*CassandraCluster, error) {
	g, err := claimGroup(cassandraRelease, dir, o.Progress)
	if err != nil {
		return nil, err
	}
	c := o.over(g)
	err = c.prepare(path)
	for i := range g.nodes { // one after the other: each joins what is there
		if err == nil {
			err = g.start(ctx, g.progress, []int{i})
		}
	}
	if err == nil && o.Auth {
		err = c.makeUser(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return c, nil
}

// over is a cluster without nodes.
func (o CassandraOptions) over(g *group) *CassandraCluster {
	c := &CassandraCluster{Nodes: Nodes{group: g}, options: o}
	g.noun, g.ready = "node", c.askNode
	return c
}

// attach makes the parent process's cluster usable here.
func (o CassandraOptions) attach(l loan) (*CassandraCluster, error) {
	c := o.over(l.group(cassandraRelease, "node", o.Nodes))
	c.port = l.Ports[0]
	var err error
	c.Secrets, err = l.secrets(o.TLS)
	return c, err
}

func (c *CassandraCluster) loan() loan {
	return loan{Folder: c.dir, Prefix: c.subnet.prefix, Ports: []int{c.port}, User: c.User(), Password: c.Password()}
}

// Hosts are the nodes' addresses, "127.x.y.z", without the port that they share.
func (c *CassandraCluster) Hosts() (out []string) {
	for i := range c.options.Nodes {
		out = append(out, c.subnet.host(i))
	}
	return out
}

// Port is where every node listens for clients.
func (c *CassandraCluster) Port() int { return c.port }

// cassandraNode is what differs in cassandra.yaml from node to node, and from cluster to cluster.
type cassandraNode struct {
	Dir, Host, Seeds              string
	Token                         int64
	Port, StoragePort, SecurePort int
	TLS, ClientAuth, Auth         bool
	Periodic                      bool
	Keystore, CA                  string
	Config                        map[string]string
}

// prepare writes the configuration.
func (c *CassandraCluster) prepare(path classPath) error {
	hosts := c.Hosts()
	n := cassandraNode{Seeds: strings.Join(hosts, ","), Config: c.options.Config,
		TLS: c.options.TLS, ClientAuth: c.options.ClientAuth, Auth: c.options.Auth, Periodic: c.options.Periodic}
	var err1, err2, err3 error
	n.Port, err1 = c.subnet.port(9042, len(hosts))
	n.StoragePort, err2 = c.subnet.port(7000, len(hosts))
	c.Secrets, err3 = makeSecrets(c.dir, c.options.TLS, c.options.Auth, hosts)
	n.SecurePort = n.StoragePort + 1 // has to be set, and is not listened at
	n.Keystore, n.CA = c.keystore, c.CA()
	c.port = n.Port
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	logging := filepath.Join(c.dir, "logback.xml")
	if err := os.WriteFile(logging, cassandraLogging, 0o644); err != nil {
		return err
	}
	for i, host := range hosts {
		n.Dir, n.Host, n.Token = filepath.Join(c.dir, "node-"+strconv.Itoa(i)), host, token(i, len(hosts))
		if err := c.addNode(n, path, logging); err != nil {
			return err
		}
	}
	return nil
}

func (c *CassandraCluster) addNode(n cassandraNode, path classPath, logging string) error {
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := cassandraSettings.Execute(&b, n); err != nil {
		return err
	}
	config := filepath.Join(n.Dir, "cassandra.yaml")
	heap, replicas := fmt.Sprintf("%dm", c.options.Heap), strconv.Itoa(c.options.Nodes)
	c.nodes = append(c.nodes, newNode(n.Dir, path.Java, append(slices.Concat(path.node(c.options.Optimised), optionsOf(cassandraJVM)), "-Xms"+heap, "-Xmx"+heap,
		"-Dcassandra.config=file://"+config, "-Dlogback.configurationFile=file://"+logging,
		"-Dcassandra.storagedir="+n.Dir, "-Dcassandra.logdir="+n.Dir, "-Dcassandra-pidfile="+filepath.Join(n.Dir, "pid"),
		"-Dcassandra.system_auth.default_rf="+replicas, "-Dcassandra.system_distributed.default_rf="+replicas, "-Dcassandra.system_traces.default_rf=1",
		"-cp", path.Jars, "org.apache.cassandra.service.CassandraDaemon")))
	return os.WriteFile(config, b.Bytes(), 0o600)
}

// token is where node i of n begins its part of the ring of 2^64 tokens: in the middle of the i-th of n equal parts, from the lowest on.
func token(i, n int) int64 {
	half := uint64(1) << 63 / uint64(n)
	return int64(1<<63 + uint64(2*i+1)*half)
}

// optionsOf are the lines of a file of JVM options but for comments.
func optionsOf(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
