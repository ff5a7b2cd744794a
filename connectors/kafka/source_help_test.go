package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// brokers starts pretend brokers with a topic "in".
func brokers(t testing.TB, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, "in")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sourceURL is that of a source; path holds topics and parameters.
func sourceURL(addrs []string, path string) string {
	return "kafka://" + strings.Join(addrs, ",") + "/" + path
}

func trySource[T any](url string) (*Source, error) {
	rows, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	u, err := dstream.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return openSource(dstream.Endpoint{Job: "job", Name: "in", URL: u, Rows: rows})
}

// source opens a source of rows of T until the test ends.
func source[T any](t testing.TB, addrs []string, path string) *Source {
	t.Helper()
	s, err := trySource[T](sourceURL(addrs, path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// producer writes records whose partition is given.
func producer(t testing.TB, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func put(t testing.TB, c *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	// Not a context that ends: the client takes that of a record for those of requests that follow.
	if err := c.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// texts are records of partition p with these values, made at a fixed time.
func texts(topic string, p int32, values ...string) []*kgo.Record {
	var out []*kgo.Record
	for _, v := range values {
		out = append(out, &kgo.Record{Topic: topic, Partition: p, Value: []byte(v), Timestamp: time.UnixMilli(1_700_000_000_000)})
	}
	return out
}

// got is what was read of splits.
type got[T any] struct {
	rows    []T
	bad     []string
	fetched int64
}

func readSplits[T any](s dstream.Connector, splits []dstream.Split) (got[T], error) {
	var out got[T]
	b, err := rdd.NewBuilder[T](3, func(c rdd.Chunk) bool {
		out.rows = append(out.rows, c.Keep().(*rdd.Rows[rdd.None, T]).Vals...)
		return true
	})
	if err != nil {
		return out, err
	}
	to := &dstream.Reader{Builder: b, Reject: func(bad dstream.BadRecord) error {
		out.bad = append(out.bad, fmt.Sprintf("%s %s %s", bad.Position, bad.Bytes, bad.Reason))
		return nil
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, c := range splits {
		n, err := s.Read(ctx, c, to)
		out.fetched += n
		if err != nil {
			return out, err
		}
	}
	if err := b.Flush(); err != nil {
		return out, err
	}
	if out.fetched != int64(len(out.rows)+len(out.bad)) {
		return out, fmt.Errorf("fetched %d, %d rows, %d bad", out.fetched, len(out.rows), len(out.bad))
	}
	return out, nil
}

// batch plans one and reads it.
func batch[T any](s dstream.Connector, from dstream.Offsets, limit dstream.Limit) (got[T], dstream.Range, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := s.Plan(ctx, from, limit)
	if err != nil {
		return got[T]{}, r, err
	}
	out, err := readSplits[T](s, r.Splits)
	return out, r, err
}

// must plans and reads a batch that cannot fail.
func must[T any](t testing.TB, s dstream.Connector, from dstream.Offsets) (got[T], dstream.Range) {
	t.Helper()
	out, r, err := batch[T](s, from, dstream.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	return out, r
}

// wantError fails the test unless err has all these words, and is permanent if it should be.
func wantError(t testing.TB, err error, permanent bool, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q has no %q", err, w)
		}
	}
	if permanent != errors.Is(err, dstream.ErrPermanent) {
		t.Errorf("error %q: permanent: %v", err, !permanent)
	}
}

// transaction writes records in one.
func transaction(t testing.TB, c *kgo.Client, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	put(t, c, records...)
	if err := c.EndTransaction(context.Background(), end); err != nil {
		t.Fatal(err)
	}
}

// grow gives a topic more partitions.
func grow(t testing.TB, c *kgo.Client, topic string, partitions int) {
	t.Helper()
	if _, err := kadm.NewClient(c).UpdatePartitions(context.Background(), partitions, topic); err != nil {
		t.Fatal(err)
	}
}
