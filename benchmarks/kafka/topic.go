package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/connectors/generate"
)

// Load says what to fill a topic with.
type Load struct {
	Events     int           // default 4,000,000
	Partitions int           // default 4; event n is in partition n mod Partitions
	Spacing    time.Duration // event time between two events; default 0.1 ms
}

func (l Load) withDefaults() (Load, error) {
	if l.Events == 0 {
		l.Events = 4_000_000
	}
	if l.Partitions == 0 {
		l.Partitions = 4
	}
	if l.Events < 1 || l.Partitions < 1 || l.Partitions > 1000 || l.Spacing < 0 {
		return l, fmt.Errorf("%d events %v apart in %d partitions: want positive numbers, and at most 1,000 partitions", l.Events, l.Spacing, l.Partitions)
	}
	return l, nil
}

// Topic is a topic that was filled, and that nobody writes to any more.
type Topic struct {
	Load
	Brokers   []string
	Name      string
	Values    int64 // bytes of all values
	Campaigns []ysb.Campaign
	Want      map[ysb.Cell]int64 // the job's right result

	ends []int64 // by partition: the offset behind its last record
}

// recordsOfBatch is how many records the producer sends in one batch: what a busy producer comes to.
const recordsOfBatch = 1000

// Fill makes a topic and fills it. Batches are not compressed, and have about 1,000 records.
func Fill(ctx context.Context, brokers []string, name string, l Load) (*Topic, error) {
	l, err := l.withDefaults()
	if err != nil {
		return nil, err
	}
	events, err := ysb.Make(ysb.Shape{Events: l.Events, Spacing: l.Spacing})
	if err != nil {
		return nil, err
	}
	l.Spacing = events.Shape.Spacing
	t := &Topic{Load: l, Brokers: brokers, Name: name, Campaigns: events.Campaigns, Want: events.Want(), ends: make([]int64, l.Partitions)}
	stream, err := generate.NewAdStream(generate.Ads{Seed: events.Shape.Seed, Spacing: l.Spacing})
	if err != nil {
		return nil, err
	}
	if err := t.create(); err != nil {
		return nil, fmt.Errorf("make the topic: %w", err)
	}
	if err := t.send(ctx, stream); err != nil {
		return nil, fmt.Errorf("fill the topic: %w", err)
	}
	return t, t.checkEnds()
}

func saramaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "tidemill-benchmarks"
	c.Version = sarama.V3_0_0_0
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Flush.Messages, c.Producer.Flush.Frequency = recordsOfBatch, 100*time.Millisecond
	c.ChannelBufferSize = 4 * recordsOfBatch
	return c
}

func (t *Topic) create() error {
	admin, err := sarama.NewClusterAdmin(t.Brokers, saramaConfig())
	if err != nil {
		return err
	}
	return errors.Join(admin.CreateTopic(t.Name, &sarama.TopicDetail{NumPartitions: int32(t.Partitions), ReplicationFactor: 1}, false), admin.Close())
}

func (t *Topic) send(ctx context.Context, events *generate.AdStream) error {
	p, err := sarama.NewAsyncProducer(t.Brokers, saramaConfig())
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		var first error
		for e := range p.Errors() {
			if first == nil {
				first = e.Err
			}
		}
		failed <- first
	}()
	for n := 0; n < t.Events && ctx.Err() == nil; n++ {
		value := events.AppendJSON(make([]byte, 0, 280), int64(n))
		t.Values += int64(len(value))
		to := n % t.Partitions
		t.ends[to]++
		p.Input() <- &sarama.ProducerMessage{Topic: t.Name, Partition: int32(to), Value: sarama.ByteEncoder(value)}
	}
	p.AsyncClose()
	return errors.Join(<-failed, ctx.Err())
}

// checkEnds makes sure that nothing was lost or sent twice.
func (t *Topic) checkEnds() error {
	c, err := sarama.NewClient(t.Brokers, saramaConfig())
	if err != nil {
		return err
	}
	defer c.Close()
	for p, want := range t.ends {
		end, err := c.GetOffset(t.Name, int32(p), sarama.OffsetNewest)
		if err != nil {
			return fmt.Errorf("ask for the end of partition %d: %w", p, err)
		}
		if end != want {
			return fmt.Errorf("partition %d ends at %d, %d records were sent: run it again", p, end, want)
		}
	}
	return nil
}

// Tally is what a reader saw of a topic.
type Tally struct {
	Records int64 `col:"records"`
	Bytes   int64 `col:"bytes"` // of values
}

func (t *Tally) add(o Tally) {
	t.Records += o.Records
	t.Bytes += o.Bytes
}

func (t *Topic) check(got Tally) error {
	if want := (Tally{int64(t.Events), t.Values}); got != want {
		return fmt.Errorf("read %d records with %d bytes, %d with %d are in the topic", got.Records, got.Bytes, want.Records, want.Bytes)
	}
	return nil
}
