package servicetest

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func TestMain(m *testing.M) { Main(m) }

// produce sends records with keys 0, 1, … and is done when all are acknowledged by all replicas in sync.
func produce(t *testing.T, c *KafkaCluster, topic string, from, to int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addresses()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, kgo.KeyStringRecord(fmt.Sprint(i), "v"))
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatalf("produce %d to %d to topic %s: %v", from, to, topic, err)
	}
}

// keysOf are the keys of a topic, which has to have them once each.
func keysOf(t *testing.T, c *KafkaCluster, topic string, n int) {
	t.Helper()
	var got, want []string
	for _, r := range Consume(t, c, topic, ReadUncommitted) {
		got = append(got, r.Key)
	}
	for i := range n {
		want = append(want, fmt.Sprint(i))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("topic %s has %d records, want %d: %.200v", topic, len(got), n, got)
	}
}

func TestConsumed(t *testing.T) {
	c := Kafka(t, KafkaOptions{})
	c.Topic(t, "consumed", 3)
	config := c.Config()
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	p, err := sarama.NewSyncProducer(c.Addresses(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.SendMessages([]*sarama.ProducerMessage{
		{Topic: "consumed", Partition: 2, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("two\nlines")},
		{Topic: "consumed", Partition: 0, Value: sarama.StringEncoder("x")},
		{Topic: "consumed", Partition: 2, Key: sarama.StringEncoder("")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Consumed{{0, 0, Null, "x"}, {2, 0, "k", "two\nlines"}, {2, 1, "", Null}}
	if got := Consume(t, c, "consumed", ReadCommitted); !slices.Equal(got, want) {
		t.Errorf("got %#v", got)
	}
}

// A topic that ends with what nobody sees is read to its end all the same.
func TestConsumedTransactions(t *testing.T) {
	c := Kafka(t, KafkaOptions{})
	c.Topic(t, "transactions", 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addresses()...), kgo.DefaultProduceTopic("transactions"), kgo.TransactionalID("servicetest"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, s := range []struct {
		value string
		end   kgo.TransactionEndTry
	}{{"kept", kgo.TryCommit}, {"dropped", kgo.TryAbort}} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(s.value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), s.end); err != nil {
			t.Fatal(err)
		}
	}
	kept, dropped := Consumed{0, 0, Null, "kept"}, Consumed{0, 2, Null, "dropped"}
	if got := Consume(t, c, "transactions", ReadCommitted); !slices.Equal(got, []Consumed{kept}) {
		t.Errorf("committed: %#v", got)
	}
	if got := Consume(t, c, "transactions", ReadUncommitted); !slices.Equal(got, []Consumed{kept, dropped}) {
		t.Errorf("all: %#v", got)
	}
}

func TestOneBroker(t *testing.T) {
	c := Kafka(t, KafkaOptions{})
	c.Topic(t, "one", 4)
	produce(t, c, "one", 0, 1000)
	pid := c.Pid(0)
	c.Kill(0)
	if c.Pid(0) != 0 || alive(pid) {
		t.Error("it lives on")
	}
	c.Start(0)
	produce(t, c, "one", 1000, 1100)
	c.Stop(0)
	c.Start()
	keysOf(t, c, "one", 1100)

	c.Pause(0)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addresses()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := client.Ping(ctx); err == nil {
		t.Error("a paused broker answers")
	}
	c.Resume(0)
	if err := client.Ping(t.Context()); err != nil {
		t.Errorf("resumed: %v", err)
	}
}

// The next test finds a shared cluster running, whatever this one does to it.
func TestSharedIsRevived(t *testing.T) {
	var first *KafkaCluster
	for _, end := range []func(...int) error{nil, Kafka(t, KafkaOptions{}).Kill, Kafka(t, KafkaOptions{Brokers: 1}).Pause} {
		if end != nil {
			end(0)
		}
		c := Kafka(t, KafkaOptions{})
		if first == nil {
			first = c
		}
		if !slices.Equal(c.Addresses(), first.Addresses()) {
			t.Error("it is another one")
		}
		if err := c.askBroker(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestThreeBrokers(t *testing.T) {
	c := Kafka(t, KafkaOptions{Brokers: 3, Own: true})
	c.Topic(t, "three", 3, "retention.ms=-1")
	produce(t, c, "three", 0, 100)
	c.Kill(1)
	produce(t, c, "three", 100, 200)
	c.Start(1)
	c.Kill(2)
	produce(t, c, "three", 200, 300)
	c.Kill()
	c.Start()
	keysOf(t, c, "three", 300)
	dir := c.dir
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left := processesIn(dir); left != nil {
		t.Errorf("left running: %v", left)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}

func TestKafkaSecurity(t *testing.T) {
	c := Kafka(t, KafkaOptions{TLS: true, SASL: true})
	c.Topic(t, "secure", 1)
	plain := c.Config
	for _, s := range []struct {
		name, want string // want "" is that it works
		change     func(*sarama.Config)
	}{
		{"as it should be", "", func(*sarama.Config) {}},
		{"no TLS", "EOF", func(s *sarama.Config) { s.Net.TLS.Enable = false }},
		{"system's CAs", "unknown authority", func(s *sarama.Config) { s.Net.TLS.Config.RootCAs = nil }},
		{"another name", "certificate is valid for", func(s *sarama.Config) { s.Net.TLS.Config.ServerName = "example.org" }},
		{"localhost", "", func(s *sarama.Config) { s.Net.TLS.Config.ServerName = "localhost" }},
		{"no certificate of its own", "", func(s *sarama.Config) { s.Net.TLS.Config.Certificates = nil }},
		{"no password", "EOF", func(s *sarama.Config) { s.Net.SASL.Enable = false }},
		{"wrong password", "Authentication failed", func(s *sarama.Config) { s.Net.SASL.Password += "x" }},
	} {
		config := plain()
		config.Metadata.Retry.Max = 0
		s.change(config)
		expect(t, s.name, s.want, func() error { return ping(c, config) })
	}
	for _, m := range []scram.Auth{{User: c.User(), Pass: c.Password()}, {User: c.User(), Pass: c.Password() + "x"}} {
		want := ""
		if m.Pass != c.Password() {
			want = "SASL_AUTHENTICATION_FAILED"
		}
		expect(t, "SCRAM-SHA-256", want, func() error { return pingSCRAM(t, c, kgo.SASL(m.AsSha256Mechanism())) })
		expect(t, "SCRAM-SHA-512", want, func() error { return pingSCRAM(t, c, kgo.SASL(m.AsSha512Mechanism())) })
	}
}

func TestKafkaClientAuth(t *testing.T) {
	c := Kafka(t, KafkaOptions{TLS: true, ClientAuth: true})
	expect(t, "with a certificate", "", func() error { return ping(c, c.Config()) })
	config := c.Config()
	config.Metadata.Retry.Max = 0
	config.Net.TLS.Config.Certificates = nil
	expect(t, "without", "tls: ", func() error { return ping(c, config) })
	cert, key := c.Certificate()
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		t.Error(err)
	}
}

func ping(c *KafkaCluster, config *sarama.Config) error {
	client, err := sarama.NewClient(c.Addresses(), config)
	if err != nil {
		return err
	}
	return client.Close()
}

func pingSCRAM(t *testing.T, c *KafkaCluster, auth kgo.Opt) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addresses()...), kgo.DialTLSConfig(c.client.Clone()), auth)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(t.Context())
}

// expect compares an error with a part of what it should say, "" for none.
func expect(t *testing.T, name, want string, try func() error) {
	t.Helper()
	err := try()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && err == nil:
		t.Errorf("%s: no error", name)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("%s: %v, expected %q", name, err, want)
	}
}
