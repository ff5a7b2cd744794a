package kafka

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fakeKafka starts pretend brokers with a topic "out" of four partitions.
func fakeKafka(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "out")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sinkFor opens a sink of rows of T.
func sinkFor[T any](t testing.TB, addrs []string, path string) *Sink {
	t.Helper()
	s, err := trySink[T](addrs, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func trySink[T any](addrs []string, path string) (*Sink, error) {
	c, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	hosts := ""
	for i, a := range addrs {
		if i > 0 {
			hosts += ","
		}
		hosts += a
	}
	u, err := dstream.ParseURL("kafka://" + hosts + "/" + path)
	if err != nil {
		return nil, err
	}
	return openSink(dstream.Endpoint{Job: "job", Name: "sink", URL: u, Rows: c})
}

// stream makes a sink send each row at once, in a transaction that is open while further rows come.
func (s *Sink) stream() { s.hold, s.batch = 1, 1 }

// batchOf is a write of rows as batch n of epoch e.
func batchOf(e, n int64) dstream.WriteID {
	return dstream.WriteID{Job: "job", Sink: "sink", Epoch: e, Batch: n, Partitions: 1, Timestamp: 1_700_000_000_000_000 + 1000*n}
}

// rowsOf yields rows in chunks of a thousand.
func rowsOf[T any](rows ...T) iter.Seq2[dstream.Output, error] { return outputs(rows, nil) }

func outputs[T any](rows []T, deleted []bool) iter.Seq2[dstream.Output, error] {
	return func(yield func(dstream.Output, error) bool) {
		c, err := codec.Of[T]()
		for len(rows) > 0 && err == nil {
			n := min(1000, len(rows))
			var out dstream.Output
			out.Record, err = codec.Encode(c, rows[:n])
			if deleted != nil {
				out.Deleted, deleted = deleted[:n], deleted[n:]
			}
			if rows = rows[n:]; !yield(out, err) {
				return
			}
		}
		if err != nil {
			yield(dstream.Output{}, err)
		}
	}
}

// readTopic is what a read-committed reader of another client sees, by partition and offset.
func readTopic(addrs []string, topic string) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	if err := ended(ctx, admin); err != nil {
		return nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	todo := map[int32]int64{} // markers are kept, so that the last offset always comes
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			todo[o.Partition] = o.Offset
		}
	})
	var out []*kgo.Record
	for len(todo) > 0 {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		f.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if end, ok := todo[r.Partition]; ok && r.Offset >= end-1 {
				delete(todo, r.Partition)
			}
		})
	}
	slices.SortFunc(out, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out, nil
}

// ended waits until transactions that were committed can be seen: a coordinator answers before it has told the partitions.
func ended(ctx context.Context, admin *kadm.Client) error {
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		open, err := admin.ListTransactions(ctx, nil, []string{"PrepareCommit", "PrepareAbort"})
		if err != nil || len(open) == 0 {
			return err
		}
		<-pause.C
	}
}

func mustRead(t testing.TB, c *kfake.Cluster) []*kgo.Record {
	t.Helper()
	out, err := readTopic(c.ListenAddrs(), "out")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// values are the records' values, sorted.
func values(records []*kgo.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = string(r.Value)
	}
	slices.Sort(out)
	return out
}
