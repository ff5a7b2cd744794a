package servicetest

import (
	"context"
	_ "embed" // the packages' names and digests
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"
)

var (
	//go:embed kafka/pom.xml
	kafkaPom []byte
	//go:embed kafka/log4j2.properties
	kafkaLogging []byte
	//go:embed digests/kafka-4.3.1.txt
	kafkaDigests string

	kafkaRelease = release{name: "Kafka", version: "4.3.1", size: "45 MB", pom: kafkaPom, digests: kafkaDigests}
)

// KafkaOptions say what cluster to start. Tests with equal options share one.
type KafkaOptions struct {
	Brokers int // 1 (also if 0) or 3. Each is also a controller.

	// TLS has clients connect with TLS 1.2 or newer. The certificate is for the brokers' addresses, and for localhost.
	TLS bool
	// ClientAuth, with TLS, demands a certificate of clients too. Certificate has one.
	ClientAuth bool
	// SASL demands a user and password of clients, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	SASL bool

	// Own makes a cluster that no other test gets, for tests that kill or pause brokers while others run.
	Own bool
	// Config are settings of the brokers, beside and instead of those in brokerConfig.
	Config map[string]string
	// Heap of a broker, in MiB. Default 320.
	Heap int
	// Optimised has the JVMs use their optimising compiler too, for benchmarks: several times the throughput once they are warm, and
	// twice the time to start.
	Optimised bool
	// Progress is told what is done, line by line. Default for StartKafka: nobody; in tests always the test's log.
	Progress io.Writer
}

func (o KafkaOptions) withDefaults() (KafkaOptions, error) {
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.Heap == 0 {
		o.Heap = 320
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	switch {
	case o.Brokers != 1 && o.Brokers != 3:
		return o, fmt.Errorf("%d brokers: 1 or 3 make a quorum", o.Brokers)
	case o.ClientAuth && !o.TLS:
		return o, errors.New("ClientAuth needs TLS")
	}
	return o, nil
}

// KafkaCluster is a running Kafka of one or three brokers, with replication to all of them, and two in sync needed of three.
// Topics are not created by themselves.
type KafkaCluster struct {
	Nodes
	Secrets
	options KafkaOptions
	ports   kafkaPorts
	path    classPath
	logging string // path of the configuration
}

// clusterID is the same for all: clusters never meet. Kafka wants 16 bytes in base64.
const clusterID = "tidemill-test-0000000w"

// kafkaPorts are the ports of every broker: clients come to the first; the other two are without TLS and SASL.
type kafkaPorts struct{ client, broker, controller int }

// Kafka returns a cluster for a test: the one that tests with equal options share, all brokers running, or with Own its own.
// The test is skipped if this machine lacks Java or Maven, and fails where CI=true is set.
func Kafka(t testing.TB, o KafkaOptions) *KafkaCluster {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	o.Progress = nil
	name := fmt.Sprintf("kafka %+v", o)
	o.Progress = lines{t}
	c := *obtain(t, name, o.Own, func() (*KafkaCluster, error) { return StartKafka(t.Context(), "", o) }, o.attach)
	c.t = t
	return &c
}

// StartKafka starts a cluster outside tests, until Close. Its logs and data are in dir, which has to be empty or not there and is
// left behind; "" is a temporary folder that Close removes. The context ends the start only.
func StartKafka(ctx context.Context, dir string, o KafkaOptions) (*KafkaCluster, error) {
	c, err := o.start(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("start %v: %w", kafkaRelease, err)
	}
	return c, nil
}

func (o KafkaOptions) start(ctx context.Context, dir string) (*KafkaCluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err := kafkaRelease.runnable(ctx, o.Progress)
	if err == nil && !o.Optimised {
		path, err = kafkaRelease.archived(ctx, path, o.Progress, trainKafka)
	}
	if err != nil {
		return nil, err
	}
	return o.startOn(ctx, dir, path)
}

// trainKafka starts a broker and ends it in order, so that the JVM writes which classes it needed.
func trainKafka(ctx context.Context, path classPath) error {
	o, err := KafkaOptions{}.withDefaults()
	if err != nil {
		return err
	}
	c, err := o.startOn(ctx, "", path)
	if err != nil {
		return err
	}
	return errors.Join(c.Stop(), c.Close())
}

func (o KafkaOptions) startOn(ctx context.Context, dir string, path classPath) (*KafkaCluster, error) {
	g, err := claimGroup(kafkaRelease, dir, o.Progress)
	if err != nil {
		return nil, err
	}
	c := o.over(g, path)
	err = c.prepare(ctx)
	if err == nil {
		err = g.start(ctx, g.progress, nil)
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return c, nil
}

// over is a cluster without nodes.
func (o KafkaOptions) over(g *group, path classPath) *KafkaCluster {
	c := &KafkaCluster{Nodes: Nodes{group: g}, options: o, path: path}
	g.noun, g.ready = "broker", c.askBroker
	c.logging = filepath.Join(g.dir, "log4j2.properties")
	return c
}

// attach makes the parent process's cluster usable here.
func (o KafkaOptions) attach(l loan) (*KafkaCluster, error) {
	c := o.over(l.group(kafkaRelease, "broker", o.Brokers), l.Path)
	c.ports = kafkaPorts{l.Ports[0], l.Ports[1], l.Ports[2]}
	var err error
	c.Secrets, err = l.secrets(o.TLS)
	return c, err
}

func (c *KafkaCluster) loan() loan {
	return loan{
		Folder: c.dir, Prefix: c.subnet.prefix, Ports: []int{c.ports.client, c.ports.broker, c.ports.controller},
		User: c.User(), Password: c.Password(), Path: c.path,
	}
}

// Addresses are where clients find the brokers, as "127.x.y.z:port".
func (c *KafkaCluster) Addresses() []string { return c.addresses(c.ports.client) }

func (c *KafkaCluster) addresses(port int) (out []string) {
	for i := range c.options.Brokers {
		out = append(out, net.JoinHostPort(c.subnet.host(i), strconv.Itoa(port)))
	}
	return out
}

// prepare writes the configuration and formats the brokers' folders.
func (c *KafkaCluster) prepare(ctx context.Context) error {
	n := c.options.Brokers
	for _, p := range []struct {
		port *int
		want int
	}{{&c.ports.client, 9092}, {&c.ports.controller, 9093}, {&c.ports.broker, 9094}} {
		var err error
		if *p.port, err = c.subnet.port(p.want, n); err != nil {
			return err
		}
	}
	hosts := make([]string, n)
	for i := range n {
		hosts[i] = c.subnet.host(i)
	}
	var err error
	if c.Secrets, err = makeSecrets(c.dir, c.options.TLS, c.options.SASL, hosts); err != nil {
		return err
	}
	if err := os.WriteFile(c.logging, kafkaLogging, 0o644); err != nil {
		return err
	}
	for i := range n {
		if err := c.addBroker(i); err != nil {
			return err
		}
	}
	var all errgroup.Group
	for i := range n {
		all.Go(func() error { return c.format(ctx, i) })
	}
	return all.Wait()
}

func (c *KafkaCluster) addBroker(i int) error {
	dir := filepath.Join(c.dir, "broker-"+strconv.Itoa(i))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	heap := fmt.Sprintf("%dm", c.options.Heap)
	c.nodes = append(c.nodes, newNode(dir, c.path.Java, append(c.path.node(c.options.Optimised),
		"-Xms"+heap, "-Xmx"+heap, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:+PerfDisableSharedMem",
		"-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true", "-Dlog4j2.configurationFile=file:"+c.logging, "-Dkafka.logs.dir="+dir,
		"-cp", c.path.Jars, "kafka.Kafka", c.configFile(i))))
	return os.WriteFile(c.configFile(i), c.brokerConfig(i), 0o600)
}

func (c *KafkaCluster) configFile(i int) string {
	return filepath.Join(c.dir, fmt.Sprintf("broker-%d.properties", i))
}

// format makes a broker's folder one of this cluster, and writes the user's SCRAM credentials.
func (c *KafkaCluster) format(ctx context.Context, i int) error {
	args := []string{"kafka.tools.StorageTool", "format", "-t", clusterID, "-c", c.configFile(i)}
	if c.options.SASL {
		for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", m, c.User(), c.Password()))
		}
	}
	_, err := c.tool(ctx, nil, args...)
	return err
}

// tool runs a class of Kafka's to its end and returns what it printed. When stop is closed it is asked to end.
func (c *KafkaCluster) tool(ctx context.Context, stop <-chan struct{}, args ...string) ([]byte, error) {
	all := append(c.path.tool(), "-Xmx192m", "-XX:+UseSerialGC", "-XX:+PerfDisableSharedMem",
		"-Dlog4j2.configurationFile=file:"+c.logging, "-cp", c.path.Jars)
	out, err := run(ctx, stop, c.path.Java, append(all, args...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return out, nil
}
