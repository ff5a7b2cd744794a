package servicetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// Config is a client's configuration that fits the cluster: with its CA, user and password (PLAIN) where they are needed.
func (c *KafkaCluster) Config() *sarama.Config {
	s := sarama.NewConfig()
	s.Version = sarama.V4_0_0_0
	s.ClientID = "servicetest"
	s.Net.DialTimeout, s.Net.ReadTimeout, s.Net.WriteTimeout = 5*time.Second, 10*time.Second, 10*time.Second
	if c.options.TLS {
		s.Net.TLS.Enable = true
		s.Net.TLS.Config = c.client.Clone()
	}
	if c.options.SASL {
		s.Net.SASL.Enable = true
		s.Net.SASL.User, s.Net.SASL.Password = c.User(), c.Password()
	}
	return s
}

// Topic creates a topic, replicated to all brokers, and waits until every broker that runs knows a leader of every partition and all its
// replicas are in sync. Settings are written as "retention.ms=1000".
func (c *KafkaCluster) Topic(t testing.TB, name string, partitions int, settings ...string) {
	t.Helper()
	if err := c.CreateTopic(t.Context(), name, partitions, settings...); err != nil {
		t.Fatal(err)
	}
}

// CreateTopic is Topic outside tests.
func (c *KafkaCluster) CreateTopic(ctx context.Context, name string, partitions int, settings ...string) error {
	detail := &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: int16(c.options.Brokers), ConfigEntries: map[string]*string{}}
	for _, s := range settings {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("create topic %s: the setting %q is not written as name=value", name, s)
		}
		detail.ConfigEntries[key] = &value
	}
	admin, err := sarama.NewClusterAdmin(c.running(), c.Config())
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(name, detail, false); err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	for _, i := range c.up() {
		if err := c.awaitTopic(ctx, i, name, partitions); err != nil {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// running are the addresses of the brokers that run.
func (c *KafkaCluster) running() (out []string) {
	for _, i := range c.up() {
		out = append(out, c.Addresses()[i])
	}
	return out
}

// awaitTopic waits until broker i shows the whole topic.
func (c *KafkaCluster) awaitTopic(ctx context.Context, i int, topic string, partitions int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("a minute later it is not complete"))
	defer cancel()
	return poll(ctx, func() error {
		m, err := c.metadata(i)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(m.Topics, func(t *sarama.TopicMetadata) bool { return t.Name == topic })
		if at < 0 || len(m.Topics[at].Partitions) < partitions {
			return fmt.Errorf("broker %d does not know all of topic %s", i, topic)
		}
		for _, p := range m.Topics[at].Partitions {
			if p.Leader < 0 || len(p.Isr) < len(c.up()) {
				return fmt.Errorf("broker %d: partition %d of topic %s has the leader %d and %v in sync", i, p.ID, topic, p.Leader, p.Isr)
			}
		}
		return nil
	})
}

// askBroker tells whether broker i is a full member: it answers clients, knows all that run, and is in sync wherever it has to be.
func (c *KafkaCluster) askBroker(_ context.Context, i int) error {
	m, err := c.metadata(i)
	if err != nil {
		return err
	}
	for _, j := range c.up() {
		if !slices.ContainsFunc(m.Brokers, func(b *sarama.Broker) bool { return b.ID() == int32(j+1) }) {
			return fmt.Errorf("broker %d does not know broker %d", i, j)
		}
	}
	id := int32(i + 1)
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if slices.Contains(p.Replicas, id) && (p.Leader < 0 || !slices.Contains(p.Isr, id)) {
				return fmt.Errorf("broker %d is not in sync in partition %d of topic %s", i, p.ID, t.Name)
			}
		}
	}
	return nil
}

// metadata is what broker i knows of the cluster.
func (c *KafkaCluster) metadata(i int) (*sarama.MetadataResponse, error) {
	b := sarama.NewBroker(c.Addresses()[i])
	config := c.Config()
	if err := b.Open(config); err != nil {
		return nil, err
	}
	defer b.Close()
	if ok, err := b.Connected(); !ok {
		return nil, fmt.Errorf("connect to broker %d: %w", i, err)
	}
	return b.GetMetadata(sarama.NewMetadataRequest(config.Version, nil))
}
