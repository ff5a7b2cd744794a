package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gocql/gocql"

	"github.com/tidemill/tidemill/connectors/generate"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/store"
)

// killAfter is the batch after which the demo kills its job: late enough that there is something to lose.
const killAfter = 5

// services runs the demo's job on real Kafka and real Cassandra, kills it once on the way, and checks the table by CQL.
func services(bin, job, dir string, s size) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "tidemill-services-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	k, err := servicetest.StartKafka(ctx, filepath.Join(dir, "kafka"), servicetest.KafkaOptions{Progress: os.Stdout})
	if err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	defer k.Close()
	c, err := servicetest.StartCassandra(ctx, filepath.Join(dir, "cassandra"), servicetest.CassandraOptions{Progress: os.Stdout})
	if err != nil {
		return fmt.Errorf("start Cassandra: %w", err)
	}
	defer c.Close()
	if err := fill(k.Addresses(), "ads", 4, s); err != nil {
		return fmt.Errorf("fill the topic: %w", err)
	}
	session, err := keyspace(c.Hosts(), c.Port())
	if err != nil {
		return fmt.Errorf("make the keyspace: %w", err)
	}
	defer session.Close()
	return onServices(ctx, bin, job, dir, s, k, c, session)
}

func onServices(ctx context.Context, bin, job, dir string, s size, k *servicetest.KafkaCluster, c *servicetest.CassandraCluster, session *gocql.Session) error {
	config, err := configureServices(dir, s, k.Addresses(), c.Hosts(), c.Port())
	if err != nil {
		return err
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	fmt.Printf("demo-services: %s with this configuration:\n\n%s\n", job, text)
	checkpoint := filepath.Join(dir, "checkpoint")
	cmd := exec.CommandContext(ctx, bin, "run", "--config", config, "--checkpoint", checkpoint, job)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	at, err := killOnce(checkpoint, ended)
	if err != nil {
		return err
	}
	fmt.Printf("demo-services: killed the job after batch %d; its supervisor starts it again\n", at)
	if err := <-ended; err != nil {
		return fmt.Errorf("%s run: %w", bin, err)
	}
	want := truth(s)
	got, err := readViews(session, "analytics")
	if err != nil {
		return err
	}
	if err := compare(got, want); err != nil {
		return err
	}
	took, err := tookFor(checkpoint)
	if err != nil {
		return err
	}
	printTop(os.Stdout, got, 5)
	fmt.Printf("demo-services: ok: %d events from Kafka to Cassandra in %.1f s, a kill -9 and the start after it included; %d rows, every one right\n",
		s.events, took.Seconds(), len(got))
	return nil
}

// killOnce kills the process that holds the checkpoint once it has committed a few batches, and returns the last of them.
func killOnce(checkpoint string, ended <-chan error) (int64, error) {
	for {
		select {
		case err := <-ended:
			return 0, errors.Join(errors.New("the job ended before it could be killed"), err)
		case <-time.After(10 * time.Millisecond):
		}
		batch, ok := driver.LastBatch(checkpoint)
		if !ok || batch < killAfter {
			continue
		}
		st, err := store.OpenDir(checkpoint, store.DirOptions{ReadOnly: true})
		if err != nil {
			return 0, err
		}
		holder, err := store.Latest(st)
		st.Close()
		if err != nil {
			return 0, err
		}
		p, err := os.FindProcess(holder.Pid)
		if err != nil {
			return 0, err
		}
		return batch, p.Kill()
	}
}

// configureServices writes the configuration: the whole difference between the demo on its own and on services.
func configureServices(dir string, s size, brokers, nodes []string, port int) (string, error) {
	file := filepath.Join(dir, "tidemill.yaml")
	text := fmt.Sprintf(`interval: 100ms
ui: 127.0.0.1:4040
sources:
  ads: "kafka://%s/ads?format=json&bounded=true"
tables:
  campaigns: "generate://campaigns?seed=1"
sinks:
  views: "cassandra://%s:%d/analytics.views?create=true"
limits:
  rows_per_batch: %d
`, strings.Join(brokers, ","), strings.Join(nodes, ","), port, s.batch)
	return file, os.WriteFile(file, []byte(text), 0o644)
}

// fill writes the events as JSON into a topic, in order of time over its partitions.
func fill(brokers []string, topic string, partitions int32, s size) error {
	config := sarama.NewConfig()
	config.Version = sarama.V3_0_0_0
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Flush.Messages, config.Producer.Flush.Frequency = 2000, 10*time.Millisecond
	config.ChannelBufferSize = 8192
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	stream, err := generate.NewAdStream(generate.Ads{Seed: 1, Spacing: s.spacing})
	if err != nil {
		return err
	}
	p, err := sarama.NewAsyncProducer(brokers, config)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		var first error
		for e := range p.Errors() {
			first = errors.Join(first, e.Err)
			break
		}
		for range p.Errors() {
		}
		failed <- first
	}()
	began := time.Now()
	for n := range s.events {
		p.Input() <- &sarama.ProducerMessage{Topic: topic, Partition: int32(n % int64(partitions)), Value: sarama.ByteEncoder(stream.AppendJSON(nil, n))}
		if n%1_000_000 == 999_999 {
			fmt.Printf("demo-services: %d events are in the topic, after %.1f s\n", n+1, time.Since(began).Seconds())
		}
	}
	p.AsyncClose()
	return <-failed
}

// keyspace makes the keyspace: how it is replicated is its operator's to decide, so the sink does not.
func keyspace(hosts []string, port int) (*gocql.Session, error) {
	config := gocql.NewCluster(hosts...)
	config.Port, config.Timeout, config.ConnectTimeout = port, 30*time.Second, 30*time.Second
	session, err := config.CreateSession()
	if err != nil {
		return nil, err
	}
	err = session.Query(`CREATE KEYSPACE IF NOT EXISTS analytics WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`).Exec()
	if err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
}

// readViews reads what the job wrote, by CQL.
func readViews(session *gocql.Session, keyspace string) (map[cell]int64, error) {
	out := map[cell]int64{}
	rows := session.Query(`SELECT campaign_id, window, views FROM ` + keyspace + `.views`).Iter()
	var campaign string
	var window time.Time
	var views int64
	for rows.Scan(&campaign, &window, &views) {
		out[cell{campaign, window.UnixMilli()}] = views
	}
	return out, rows.Close()
}
