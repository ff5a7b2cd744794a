package kafka

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// fetcher fetches a range of a partition, one answer after the other, and survives that leaders move and brokers go away. One
// goroutine at a time uses it.
type fetcher struct {
	s         *Source
	topic     string
	partition int32
	off, to   int64 // what is left of the range
	ask       int32 // bytes of the next request
	link      *broker.Link
	beyond    int // answers in a row that the range is not there
}

func (s *Source) fetcher(topic string, partition int32, from, to int64) *fetcher {
	return &fetcher{s: s, topic: topic, partition: partition, off: from, to: to, ask: s.fetchBytes}
}

// close gives the connection back.
func (f *fetcher) close() {
	if f.link != nil {
		f.s.pool.Give(f.link)
		f.link = nil
	}
}

func (f *fetcher) where() string { return splitName(f.topic, f.partition) }

// next returns the next answer with batches of the range; nil at its end. It waits as long as ctx lets it.
func (f *fetcher) next(ctx context.Context) (*sarama.FetchResponseBlock, error) {
	var wait broker.Patience
	defer wait.Over()
	for f.off < f.to {
		b, err := f.fetch(ctx)
		if err == nil {
			got, err := f.advance(b)
			if got || err != nil {
				return b, err
			}
			if f.off >= f.to {
				break
			}
			if b.Partial || f.partial(b) {
				continue // with room for more
			}
			err = fmt.Errorf("kafka %s: offset %d is not there yet, the log may be read to %d: %w", f.where(), f.off, f.stable(b), sarama.ErrOffsetNotAvailable)
			if err := wait.Wait(ctx, err); err != nil {
				return nil, err
			}
			continue
		}
		f.close()
		if err = f.judge(ctx, err); err != nil && !passes(err) {
			return nil, err
		}
		if err := wait.Wait(ctx, err); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// judge says what an error of a fetch means, after the leader was asked for again where that may be the reason.
func (f *fetcher) judge(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return f.gone(ctx, err)
	}
	if passes(err) {
		if _, unknown := f.s.view.topic(ctx, f.topic, f.s.now()); unknown != nil {
			return unknown
		}
	}
	return err
}

// mostBeyond is how many times in a row a broker may say that it does not have the range, until that is believed: a leader that
// has just taken over learns how far it goes.
const mostBeyond = 6

// gone tells a range that was deleted from one that a new leader does not know yet.
func (f *fetcher) gone(ctx context.Context, err error) error {
	t, unknown := f.s.view.topic(ctx, f.topic, f.s.now())
	if unknown != nil {
		return unknown
	}
	if int(f.partition) >= len(t.Partitions) {
		return fmt.Errorf("kafka %s: %w", f.where(), sarama.ErrUnknownTopicOrPartition)
	}
	q := &broker.Query{Topic: f.topic, Partition: f.partition, Leader: t.Partitions[f.partition].Leader, Time: sarama.OffsetOldest}
	f.s.cluster.Offsets(ctx, f.s.isolation, []*broker.Query{q})
	if q.Err != nil {
		return q.Err
	}
	if f.beyond++; q.Offset <= f.off && f.beyond < mostBeyond {
		return fmt.Errorf("kafka %s: offset %d is out of range: %w", f.where(), f.off, sarama.ErrOffsetNotAvailable)
	}
	return dstream.Permanent(fmt.Errorf("kafka %s: offsets [%d, %d) were planned but are gone, the log begins at %d: the next start says what is lost: %w",
		f.where(), f.off, f.to, q.Offset, err))
}

// fetch asks the leader once.
func (f *fetcher) fetch(ctx context.Context) (*sarama.FetchResponseBlock, error) {
	if err := f.connect(ctx); err != nil {
		return nil, err
	}
	request := &sarama.FetchRequest{ // of one partition, whose bound of bytes counts
		Version: 11, MinBytes: 1, MaxWaitTime: 500, MaxBytes: broker.MaxResponse, SessionEpoch: -1, Isolation: f.s.isolation,
	}
	request.AddBlock(f.topic, f.partition, f.off, f.ask, -1)
	var answer *sarama.FetchResponse
	err := f.link.Ask(ctx, func(b *sarama.Broker) (err error) {
		answer, err = b.Fetch(request)
		return err
	})
	if err != nil {
		return nil, broker.Explain("kafka "+f.link.Addr+", "+f.where(), err)
	}
	block := answer.GetBlock(f.topic, f.partition)
	switch {
	case answer.ErrorCode != 0:
		err = sarama.KError(answer.ErrorCode)
	case block == nil:
		err = sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		err = block.Err
	}
	return block, broker.Explain("kafka "+f.link.Addr+", "+f.where(), err)
}

// connect takes a connection to the leader.
func (f *fetcher) connect(ctx context.Context) error {
	if f.link != nil {
		return nil
	}
	addr := f.s.view.leader(f.topic, f.partition)
	if addr == "" {
		if _, err := f.s.view.topic(ctx, f.topic, f.s.now()); err != nil {
			return err
		}
		if addr = f.s.view.leader(f.topic, f.partition); addr == "" {
			return fmt.Errorf("kafka %s has no leader: %w", f.where(), sarama.ErrLeaderNotAvailable)
		}
	}
	l, err := f.s.pool.Take(ctx, addr)
	if err != nil {
		return broker.Explain("kafka "+addr, err)
	}
	f.link = l
	return nil
}

// advance moves on behind what an answer holds, and tells whether there may be records of the range in it. Offsets go on behind the
// last offset of a batch, not behind its last record: compaction and aborted transactions leave holes.
func (f *fetcher) advance(b *sarama.FetchResponseBlock) (got bool, err error) {
	next := f.off
	for _, set := range b.RecordsSet {
		switch {
		case set.MsgSet != nil && len(set.MsgSet.Messages) > 0:
			return false, dstream.Permanent(fmt.Errorf("kafka %s: offset %d is in the message format of Kafka 0.10 and older, which is not read", f.where(), f.off))
		case set.RecordBatch != nil && !set.RecordBatch.PartialTrailingRecord:
			next = max(next, set.RecordBatch.LastOffset()+1)
		}
	}
	got = next > f.off
	switch {
	case got:
		f.ask, f.beyond = f.s.fetchBytes, 0
	case b.Partial || f.partial(b):
		return false, f.grow()
	default:
		// Batches that compaction emptied, or nothing at all up to where everything is decided: the rest is a hole.
		if next = max(next, behindEmpty(b)); next == f.off && f.stable(b) >= f.to {
			next = f.to
		}
	}
	f.off = next
	return got, nil
}

// partial tells whether the answer is the beginning of one batch.
func (f *fetcher) partial(b *sarama.FetchResponseBlock) bool {
	return len(b.RecordsSet) == 1 && b.RecordsSet[0].RecordBatch != nil && b.RecordsSet[0].RecordBatch.PartialTrailingRecord
}

// grow asks for twice as much, since a batch did not fit.
func (f *fetcher) grow() error {
	if f.ask >= broker.MaxResponse/2 {
		return dstream.Permanent(fmt.Errorf("kafka %s: the batch of records at offset %d has more than %d MiB: let producers write smaller ones",
			f.where(), f.off, f.ask>>20))
	}
	f.ask *= 2
	return nil
}

// stable is behind the last offset that may be read.
func (f *fetcher) stable(b *sarama.FetchResponseBlock) int64 {
	if f.s.isolation == sarama.ReadCommitted {
		return b.LastStableOffset
	}
	return b.HighWaterMarkOffset
}

// behindEmpty is the offset behind the last batch of an answer, also if that has no records: compaction keeps such batches. Sarama
// leaves them out of RecordsSet and keeps the offset to itself. 0 if there is none.
func behindEmpty(b *sarama.FetchResponseBlock) int64 {
	if p := reflect.ValueOf(b).Elem().FieldByName("recordsNextOffset"); p.Kind() == reflect.Pointer && !p.IsNil() {
		return p.Elem().Int()
	}
	return 0
}
