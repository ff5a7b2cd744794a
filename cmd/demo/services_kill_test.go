package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/build"
)

var (
	serviceKills = flag.Int("service-kills", 12, "how often the job on services is killed; Cassandra and Kafka are killed a quarter as often each")
	serviceSeed  = flag.Uint64("service-seed", 1, "decides when")
)

const (
	serviceEvents  = 600_000
	servicePerPlan = 1_500 // rows of a batch, 15 s of event time: every batch closes a window
	serviceSpacing = 10 * time.Millisecond
	atLeastInside  = 0.75 // of the kills have to fall between PLAN and COMMIT
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// onBoth is the job with Kafka in, and Cassandra and Kafka out.
type onBoth struct {
	killed
	kafka     *servicetest.KafkaCluster
	cassandra *servicetest.CassandraCluster
	session   *gocql.Session
	keyspace  string
	want      map[cell]int64
}

// TestKillOnServices kills the job, Cassandra and Kafka with SIGKILL at seeded moments, starts them again each time, and finds what a run
// without failures would have left: in the table every row, in the topic every row once for a read-committed reader. A quarter of the
// kills of Cassandra are followed by one of the job while it waits: the topic has the batch then, and the table has not.
func TestKillOnServices(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a job, a node and a broker for two minutes")
	}
	b := newOnBoth(t)
	inside, n := 0, 0
	for ; n < *serviceKills || float64(inside) < atLeastInside*float64(*serviceKills) && n < 2**serviceKills; n++ {
		last := b.runUntilKilled(n)
		if b.open() > 0 {
			inside++
		}
		if n%10 == 9 {
			b.compareBoth(fmt.Sprintf("kill %d of the job, after batch %d", n, last), false)
		}
	}
	half, torn := b.killServices(max(*serviceKills/4, 1))
	b.runToEnd()
	b.compareBoth("at the end", true)
	batches, rows := b.committed()
	t.Logf("%d kills of the job, %d of them between PLAN and COMMIT; %d of Cassandra, %d of them with the batch in the topic only; %d of Kafka; %d batches, %d rows read",
		n, inside, half, torn, half, batches, rows)
	if float64(inside) < atLeastInside*float64(*serviceKills) {
		t.Errorf("%d of %d kills fell between PLAN and COMMIT", inside, n)
	}
	if torn == 0 {
		t.Error("no kill came while one sink had a batch and the other had not")
	}
	if rows != serviceEvents {
		t.Errorf("%d rows in committed batches, the input has %d", rows, serviceEvents)
	}
}

func newOnBoth(t *testing.T) *onBoth {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b := &onBoth{kafka: servicetest.Kafka(t, servicetest.KafkaOptions{Own: true}), cassandra: servicetest.Cassandra(t, servicetest.CassandraOptions{Own: true})}
	binary, err := build.Job(ctx, []string{"testdata/twosinks/twosinks.go"}, build.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := size{events: serviceEvents, spacing: serviceSpacing}
	if err := fill(b.kafka.Addresses(), "ads", 4, s); err != nil {
		t.Fatal(err)
	}
	b.kafka.Topic(t, "views", 3)
	b.keyspace, b.want = b.cassandra.Keyspace(t), truth(s)
	if b.session, err = keyspace(b.cassandra.Hosts(), b.cassandra.Port()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.session.Close)
	dir := t.TempDir()
	b.killed = killed{
		t: t, binary: binary.Path, checkpoint: filepath.Join(dir, "checkpoint"), config: filepath.Join(dir, "tidemill.yaml"),
		r: rand.New(rand.NewPCG(*serviceSeed, 2)), moment: 30 * time.Millisecond,
	}
	brokers := strings.Join(b.kafka.Addresses(), ",")
	text := fmt.Sprintf(`interval: 20ms
ui: "off"
checkpoint: %s
sources: {ads: "kafka://%s/ads?format=json&bounded=true"}
tables: {campaigns: "generate://campaigns?seed=1"}
sinks:
  table: "cassandra://%s:%d/%s.views?create=true"
  topic: "kafka://%s/views?format=json"
limits: {rows_per_batch: %d}
rate: {control: false}
scratch: %s
`, b.checkpoint, brokers, strings.Join(b.cassandra.Hosts(), ","), b.cassandra.Port(), b.keyspace, brokers, servicePerPlan, dir)
	if err := os.WriteFile(b.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// killServices kills Cassandra and Kafka in turn, n times each, while the job runs on, and starts them again. torn counts those that the
// job did not survive either, with its batch in one sink only.
func (b *onBoth) killServices(n int) (killed, torn int) {
	cmd := b.start()
	ended := make(chan error, 1)
	wait := func() { go func() { ended <- cmd.Wait() }() }
	wait()
	for i := range n {
		b.more(ended, 3)
		b.cassandra.Kill(0)
		if i%4 == 0 {
			if b.publishedInTopicOnly() {
				torn++
			}
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				b.t.Fatalf("round %d: the job did not wait for Cassandra: %v", i, err)
			}
			<-ended
		}
		b.cassandra.Start(0)
		if i%4 == 0 {
			cmd = b.start()
			wait()
		}
		b.more(ended, 3)
		b.kafka.Kill(0)
		b.kafka.Start(0)
		killed++
	}
	b.more(ended, 1)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		b.t.Fatal(err)
	}
	<-ended
	return killed, torn
}

// more waits until the job has committed n batches more.
func (b *onBoth) more(ended <-chan error, n int64) {
	b.t.Helper()
	until := b.lastBatch() + n
	for deadline := time.Now().Add(3 * time.Minute); b.lastBatch() < until; {
		select {
		case err := <-ended:
			b.t.Fatalf("the job ended after batch %d: %v", b.lastBatch(), err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the job has not committed batch %d within three minutes", until)
		}
	}
}

// planned is the batch that is under way; 0 if there is none.
func (b *onBoth) planned() int64 {
	rec, ok := b.read()
	if !ok || len(rec.Open) == 0 {
		return 0
	}
	return int64(rec.Open[0].Batch)
}

// publishedInTopicOnly waits, while Cassandra is away, for the open batch to stand in the topic: its marker is part of the transaction.
func (b *onBoth) publishedInTopicOnly() bool {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		planned := b.planned()
		if planned == 0 {
			continue
		}
		if b.marked(planned) {
			return true
		}
	}
	return false
}

// marked tells whether a partition of the topic sink has committed that batch.
func (b *onBoth) marked(batch int64) bool {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Addresses()...))
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return false
	}
	for _, group := range groups.Groups() {
		offsets, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			continue
		}
		found := false
		offsets.Each(func(o kadm.OffsetResponse) {
			found = found || strings.Contains(o.Metadata, fmt.Sprintf(`"batch":%d`, batch))
		})
		if found {
			return true
		}
	}
	return false
}

// compareBoth checks what the sinks hold; all: nothing may be missing.
func (b *onBoth) compareBoth(when string, all bool) {
	b.t.Helper()
	table, err := readViews(b.session, b.keyspace)
	if err != nil {
		b.t.Fatalf("%s: read the table: %v", when, err)
	}
	topic := b.readTopic(when)
	for name, got := range map[string]map[cell]int64{"table": table, "topic": topic} {
		for c, views := range got {
			if b.want[c] != views {
				b.t.Fatalf("%s: in the %s, campaign %s, window %d: %d views, %d are right", when, name, c.campaign, c.window, views, b.want[c])
			}
		}
		if all {
			if err := compare(got, b.want); err != nil {
				b.t.Errorf("%s: the %s is not right: %v", when, name, err)
			}
		}
	}
}

// readTopic reads the topic as a read-committed consumer, with a client that is not the engine's, up to where it ends now. A row that
// comes twice fails the test.
func (b *onBoth) readTopic(when string) map[cell]int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Addresses()...), kgo.ConsumeTopics("views"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords()) // markers tell that a partition is read to its end
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	left := b.ends(ctx, kadm.NewClient(client), when)
	out := map[cell]int64{}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			b.t.Fatalf("%s: read the topic, of which partitions %v are not at their end: %v", when, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				b.take(when, out, r)
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

// ends is where the committed records of each partition end, once what was committed can be seen: a coordinator answers before it has told
// the partitions.
func (b *onBoth) ends(ctx context.Context, admin *kadm.Client, when string) map[int32]int64 {
	b.t.Helper()
	for {
		open, err := admin.ListTransactions(ctx, nil, []string{"PrepareCommit", "PrepareAbort"})
		if err != nil {
			b.t.Fatalf("%s: %v", when, err)
		}
		if len(open) == 0 {
			break
		}
	}
	ends, err := admin.ListCommittedOffsets(ctx, "views")
	if err != nil {
		b.t.Fatalf("%s: %v", when, err)
	}
	out := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			out[o.Partition] = o.Offset
		}
	})
	return out
}

func (b *onBoth) take(when string, out map[cell]int64, r *kgo.Record) {
	var row struct {
		Campaign string    `json:"campaign_id"`
		Window   time.Time `json:"window"`
		Views    int64     `json:"views"`
	}
	if err := json.Unmarshal(r.Value, &row); err != nil {
		b.t.Fatalf("%s: %v in %q", when, err, r.Value)
	}
	c := cell{row.Campaign, row.Window.UnixMilli()}
	if _, twice := out[c]; twice {
		b.t.Fatalf("%s: the topic has campaign %s, window %d twice", when, c.campaign, c.window)
	}
	out[c] = row.Views
}
