package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// fetchBytes is how much a request asks for: what the Kafka source asks for by default.
const fetchBytes = 1 << 20

// ByHand reads the topic with plain sarama, on so many connections to the first broker, each of which reads one partition after the
// other. It knows that records have no holes between them, and copes with no leader that moves.
func (t *Topic) ByHand(connections int) (Tally, error) {
	partitions := make(chan int32, t.Partitions)
	for p := range t.Partitions {
		partitions <- int32(p)
	}
	close(partitions)
	tallies := make([]Tally, connections)
	var all errgroup.Group
	for i := range connections {
		all.Go(func() (err error) {
			b := sarama.NewBroker(t.Brokers[0])
			if err := b.Open(saramaConfig()); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			for p := range partitions {
				if err := t.fetch(b, p, &tallies[i]); err != nil {
					return fmt.Errorf("partition %d: %w", p, err)
				}
			}
			return nil
		})
	}
	err := all.Wait()
	var sum Tally
	for _, one := range tallies {
		sum.add(one)
	}
	return sum, err
}

func (t *Topic) fetch(b *sarama.Broker, partition int32, sum *Tally) error {
	for at := int64(0); at < t.ends[partition]; {
		r := &sarama.FetchRequest{Version: 11, MaxWaitTime: 500, MinBytes: 1, MaxBytes: fetchBytes, Isolation: sarama.ReadCommitted, SessionEpoch: -1}
		r.AddBlock(t.Name, partition, at, fetchBytes, -1)
		answer, err := b.Fetch(r)
		if err != nil {
			return fmt.Errorf("fetch from offset %d: %w", at, err)
		}
		block := answer.GetBlock(t.Name, partition)
		if block == nil {
			return fmt.Errorf("fetch from offset %d: the partition is not in the answer", at)
		}
		next, err := sum.take(block, at)
		if err == nil && next == at {
			err = errors.New("no records came")
		}
		if err != nil {
			return fmt.Errorf("fetch from offset %d: %w", at, err)
		}
		at = next
	}
	return nil
}

// take counts the records of an answer from offset at on, and returns the offset behind the last.
func (t *Tally) take(block *sarama.FetchResponseBlock, at int64) (int64, error) {
	if !errors.Is(block.Err, sarama.ErrNoError) {
		return at, block.Err
	}
	if len(block.AbortedTransactions) > 0 {
		return at, errors.New("a transaction was aborted: only what was committed can be counted here")
	}
	for _, set := range block.RecordsSet {
		batch := set.RecordBatch
		if batch == nil {
			return at, errors.New("records of a format older than Kafka 0.11")
		}
		for _, r := range batch.Records {
			if batch.Control || batch.FirstOffset+r.OffsetDelta < at {
				continue
			}
			t.Records++
			t.Bytes += int64(len(r.Value))
		}
		at = max(at, batch.LastOffset()+1)
	}
	return at, nil
}
