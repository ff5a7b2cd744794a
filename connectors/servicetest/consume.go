package servicetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Isolation is which records of transactions a consumer sees.
type Isolation string

const (
	ReadCommitted   Isolation = "read_committed"   // those of committed ones, up to the first that is still open
	ReadUncommitted Isolation = "read_uncommitted" // all, also of those that were aborted
)

// Null is how Consume shows a key or value that is null.
const Null = "\x1dnull"

// Consumed is a record as Kafka's own consumer printed it.
type Consumed struct {
	Partition  int
	Offset     int64
	Key, Value string
}

// The printed fields and records end with what records in tests do not contain.
const (
	fieldEnd  = "\x1f"
	recordEnd = "\x1e\n"
)

// Consume reads a topic from its beginning to where it ends now with Kafka's own console consumer, which shares no code with the
// clients that are tested, and returns the records in the order of partitions and offsets. It takes a second or two.
func Consume(t testing.TB, c *KafkaCluster, topic string, isolation Isolation) []Consumed {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), startLimit, fmt.Errorf("not done after %v", startLimit))
	defer cancel()
	out, err := c.consume(ctx, topic, isolation)
	if err != nil {
		t.Fatalf("consume topic %s: %v", topic, err)
	}
	return out
}

// consume runs the consumer until it is at the end. A consumer does not say where it is, and a topic may end with what is never
// printed, as markers and aborted records. But it commits, in every poll, how far it was in the poll before.
func (c *KafkaCluster) consume(ctx context.Context, topic string, isolation Isolation) ([]Consumed, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addresses(c.ports.broker)...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := endsOf(ctx, admin, topic, isolation)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(c.dir, "consumer.properties")
	if err := os.WriteFile(config, []byte("auto.commit.interval.ms=50\n"), 0o644); err != nil {
		return nil, err
	}
	group := fmt.Sprintf("servicetest-%s-%d", topic, time.Now().UnixNano())
	done := make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		failed = poll(ctx, func() error { return reached(ctx, admin, group, topic, ends) })
	}()
	out, err := c.tool(ctx, done, "org.apache.kafka.tools.consumer.ConsoleConsumer",
		"--bootstrap-server", strings.Join(c.addresses(c.ports.broker), ","), "--topic", topic, "--from-beginning",
		"--group", group, "--isolation-level", string(isolation), "--command-config", config,
		"--formatter-property", "print.partition=true", "--formatter-property", "print.offset=true", "--formatter-property", "print.key=true",
		"--formatter-property", "key.separator="+fieldEnd, "--formatter-property", "line.separator="+recordEnd, "--formatter-property", "null.literal="+Null)
	if err != nil {
		return nil, err
	}
	<-done
	if failed != nil {
		return nil, failed
	}
	return parseConsumed(string(out))
}

// endsOf are the offsets after the last record that a consumer can see.
func endsOf(ctx context.Context, admin *kadm.Client, topic string, isolation Isolation) (map[int32]int64, error) {
	list := admin.ListEndOffsets
	if isolation == ReadCommitted {
		list = admin.ListCommittedOffsets
	}
	listed, err := list(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends, err
}

// reached is nil when the group is at the ends.
func reached(ctx context.Context, admin *kadm.Client, group, topic string, ends map[int32]int64) error {
	at, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return err
	}
	for p, end := range ends {
		if o, ok := at.Lookup(topic, p); end > 0 && (!ok || o.At < end) {
			return fmt.Errorf("partition %d is read to %d of %d", p, o.At, end)
		}
	}
	return nil
}

// parseConsumed reads what the console consumer printed: "Partition:0<f>Offset:7<f>key<f>value<r>".
func parseConsumed(text string) ([]Consumed, error) {
	var out []Consumed
	for text != "" {
		record, rest, ok := strings.Cut(text, recordEnd)
		f := strings.SplitN(record, fieldEnd, 4)
		if !ok || len(f) != 4 {
			return nil, fmt.Errorf("the console consumer printed %q", record)
		}
		r := Consumed{Key: f[2], Value: f[3]}
		var err1, err2 error
		r.Partition, err1 = strconv.Atoi(strings.TrimPrefix(f[0], "Partition:"))
		r.Offset, err2 = strconv.ParseInt(strings.TrimPrefix(f[1], "Offset:"), 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("the console consumer printed %q: %w", record, err)
		}
		out, text = append(out, r), rest
	}
	slices.SortFunc(out, func(a, b Consumed) int {
		if a.Partition != b.Partition {
			return a.Partition - b.Partition
		}
		return int(a.Offset - b.Offset)
	})
	return out, nil
}
