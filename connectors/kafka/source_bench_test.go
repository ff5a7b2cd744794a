package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ad is an event of the demo's job.
type ad struct {
	User  string `col:"user_id"`
	Page  string `col:"page_id"`
	Ad    string `col:"ad_id"`
	Kind  string `col:"ad_type"`
	Event string `col:"event_type"`
	Time  string `col:"event_time"`
	IP    string `col:"ip_address"`
}

// adsBatch is a batch of 500 events of about 250 bytes, as a producer makes it: 128 KiB.
func adsBatch() []byte {
	var records []byte
	const n = 500
	for i := range n {
		value := fmt.Appendf(nil, `{"user_id": "%08x-1f6c-4c4f-9d2e-%012x", "page_id": "%08x-77aa-4bd2-8c11-%012x", "ad_id": "%08x-0b3e-4b5a-a6d4-%012x", "ad_type": "%s", "event_type": "%s", "event_time": "%d", "ip_address": "1.2.3.4"}`,
			i*7919, i, i*104729, i, i*31, i, []string{"banner", "modal", "sponsored-search", "mail", "mobile"}[i%5], []string{"view", "click", "purchase"}[i%3], 1700000000000+i)
		r := kmsg.Record{OffsetDelta: int32(i), Value: value}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // of a length of one byte
		records = r.AppendTo(records)
	}
	b := kmsg.RecordBatch{
		Magic: 2, LastOffsetDelta: n - 1, FirstTimestamp: 1700000000000, MaxTimestamp: 1700000000000,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: n, Records: records,
	}
	raw := b.AppendTo(nil)
	b.Length = int32(len(raw) - 12)
	raw = b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

const benchRows = 500_000

// BenchmarkRead compares reading a range with the loop that one would write by hand, which decodes nothing. All fetch from the same pretend
// broker, in the same process, whose work is in the figures of all.
func BenchmarkRead(b *testing.B) {
	c := brokers(b, 1, kfake.SyntheticFetch(kfake.SyntheticBatch{Batch: adsBatch()}))
	b.Run("by hand", func(b *testing.B) { perRow(b, func() int64 { return byHand(b, c.ListenAddrs()) }) })
	b.Run("bytes", func(b *testing.B) { benchRead[[]byte](b, c, "in?format=bytes&isolation=uncommitted") })
	b.Run("json", func(b *testing.B) { benchRead[ad](b, c, "in?isolation=uncommitted") })
	b.Run("json and offset", func(b *testing.B) {
		benchRead[struct {
			ad
			Offset int64 `kafka:"offset"`
		}](b, c, "in?isolation=uncommitted")
	})
	b.Run("own decoder", func(b *testing.B) {
		s := Read(sourceURL(c.ListenAddrs(), "in"), func(r Record) (int64, error) { return r.Offset, nil })
		perRow(b, func() (n int64) {
			for rows, err := range s.Read(context.Background(), dstream.Split{Name: "in/0", To: benchRows}) {
				if err != nil {
					b.Fatal(err)
				}
				n += int64(len(rows))
			}
			return n
		})
	})
}

func perRow(b *testing.B, read func() int64) {
	b.Helper()
	b.ReportAllocs()
	var rows int64
	began, busy := time.Now(), cpu()
	for b.Loop() {
		n := read()
		if n != benchRows {
			b.Fatalf("%d rows", n)
		}
		rows += n
	}
	b.ReportMetric(float64(rows)/time.Since(began).Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64((cpu()-busy).Nanoseconds())/float64(rows), "cpu-ns/row")
}

// cpu is what the process has used: other processes' work does not disturb it as it does the time that passes.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchRead[T any](b *testing.B, c *kfake.Cluster, path string) {
	s := source[T](b, c.ListenAddrs(), path)
	builder, err := rdd.NewBuilder[T](4096, func(rdd.Chunk) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	to := &dstream.Reader{Builder: builder, Reject: func(bad dstream.BadRecord) error { return fmt.Errorf("%s: %s", bad.Position, bad.Reason) }}
	perRow(b, func() int64 {
		n, err := s.Read(context.Background(), dstream.Split{Name: "in/0", To: benchRows}, to)
		if err != nil {
			b.Fatal(err)
		}
		return n
	})
}

// byHand is the loop that one would write by hand.
func byHand(b *testing.B, addrs []string) (rows int64) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	client, err := sarama.NewClient(addrs, config)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for off := int64(0); off < benchRows; {
		leader, err := client.Leader("in", 0)
		if err != nil {
			b.Fatal(err)
		}
		req := &sarama.FetchRequest{Version: 11, MinBytes: 1, MaxWaitTime: 500, MaxBytes: broker.MaxResponse, SessionEpoch: -1}
		req.AddBlock("in", 0, off, 1<<20, -1)
		resp, err := leader.Fetch(req)
		if err != nil {
			b.Fatal(err)
		}
		for _, set := range resp.GetBlock("in", 0).RecordsSet {
			for _, r := range set.RecordBatch.Records {
				if o := set.RecordBatch.FirstOffset + r.OffsetDelta; o >= off && o < benchRows && len(r.Value) > 0 {
					rows++
				}
			}
			off = max(off, set.RecordBatch.LastOffset()+1)
		}
	}
	return rows
}
