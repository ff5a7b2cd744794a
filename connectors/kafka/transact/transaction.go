package transact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// transaction is a write between Begin and Commit.
type transaction struct {
	marker  Marker
	written bool // another attempt has made this write

	queue    []*Batch // not sent yet, or kept to be sent again
	held     int      // bytes in queue
	streamed bool     // some were sent and are not kept

	open   bool           // at the coordinator
	joined map[int32]bool // partitions that are part of it there
}

// again forgets what a producer that is gone has done.
func (t *transaction) again() {
	t.open = false
	clear(t.joined)
}

// Add adds records to the write. They belong to it until Commit or Abort.
func (w *Writer) Add(ctx context.Context, b *Batch) error {
	t := w.txn
	if t.written || len(b.records) == 0 {
		return nil
	}
	t.queue, t.held = append(t.queue, b), t.held+b.bytes
	if t.held < w.o.Hold {
		return nil
	}
	if err := w.run(ctx, func() error { return w.send(ctx, t.queue) }); err != nil {
		return w.final(ctx, err)
	}
	t.streamed, t.queue, t.held = w.o.ID != "", nil, 0 // too large to be kept
	return nil
}

// order sends a request to a coordinator until it is carried out.
func (w *Writer) order(ctx context.Context, kind sarama.CoordinatorType, what string, request func(b *sarama.Broker) (sarama.KError, error)) error {
	return w.persist(ctx, func() error { return w.link.once(ctx, kind, what, request) })
}

// init takes the transactional id over and reads the marker.
func (w *Writer) init(ctx context.Context) error {
	w.producing = false
	if err := w.persist(ctx, func() error { return w.takeOver(ctx) }); err != nil {
		return err
	}
	if w.o.ID != "" {
		if err := w.persist(ctx, func() (err error) { w.last, err = w.readMarker(ctx, true); return err }); err != nil {
			return err
		}
	}
	w.producing, w.suspect = true, false
	return nil
}

// takeOver asks for a producer. The coordinator finishes or aborts what the last owner of the id had open, and fences it.
func (w *Writer) takeOver(ctx context.Context) error {
	w.producing = false
	return w.link.once(ctx, sarama.CoordinatorTransaction, "take over the transactional id "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		req := &sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1, TransactionTimeout: w.o.Timeout}
		if w.o.ID != "" {
			req.TransactionalID = &w.o.ID
		}
		r, err := b.InitProducerID(req)
		if err != nil {
			return 0, err
		}
		w.producer = producer{r.ProducerID, r.ProducerEpoch, map[int32]int32{}}
		return r.Err, nil
	})
}

// readMarker asks for the marker of the last transaction that was committed. stable: one that is open or being committed is waited for.
func (w *Writer) readMarker(ctx context.Context, stable bool) (m Marker, err error) {
	err = w.link.once(ctx, sarama.CoordinatorGroup, "read the marker of "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		req := sarama.NewOffsetFetchRequest(sarama.V2_5_0_0, w.o.ID, map[string][]int32{w.o.Topic: {0}})
		req.RequireStable = stable
		r, err := b.FetchOffset(req)
		if err != nil {
			return 0, err
		}
		block := r.GetBlock(w.o.Topic, 0)
		switch {
		case r.Err == sarama.ErrGroupIDNotFound:
			return 0, nil
		case r.Err != sarama.ErrNoError:
			return r.Err, nil
		case block == nil || block.Err != sarama.ErrNoError:
			return blockErr(block), nil
		case block.Offset < 0:
			return 0, nil
		}
		m, err = parseMarker(w.o.ID, block.Metadata)
		return 0, err
	})
	return m, err
}

func blockErr(b *sarama.OffsetFetchResponseBlock) sarama.KError {
	if b == nil || b.Err == sarama.ErrUnknownTopicOrPartition {
		return sarama.ErrNoError
	}
	return b.Err
}

// join makes partitions part of the transaction.
func (w *Writer) join(ctx context.Context, partitions []int32) error {
	partitions = slices.DeleteFunc(slices.Clone(partitions), func(p int32) bool { return w.txn.joined[p] })
	if len(partitions) == 0 {
		return nil
	}
	w.txn.open = true
	err := w.order(ctx, sarama.CoordinatorTransaction, "add partitions to a transaction of "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: w.o.ID, ProducerID: w.producer.id, ProducerEpoch: w.producer.epoch,
			TopicPartitions: map[string][]int32{w.o.Topic: partitions},
		})
		if err != nil {
			return 0, err
		}
		return firstOf(r.Errors[w.o.Topic]), nil
	})
	for _, p := range partitions {
		w.txn.joined[p] = w.txn.joined[p] || err == nil
	}
	return err
}

// firstOf is the error that tells most: of some partitions only that they were not tried.
func firstOf(errs []*sarama.PartitionError) sarama.KError {
	out := sarama.ErrNoError
	for _, e := range errs {
		if e.Err != sarama.ErrNoError && (out == sarama.ErrNoError || out == sarama.ErrOperationNotAttempted) {
			out = e.Err
		}
	}
	return out
}

// end puts a marker into the transaction and commits it.
func (w *Writer) end(ctx context.Context, m Marker) error {
	w.txn.open = true
	err := w.order(ctx, sarama.CoordinatorTransaction, "add the marker to a transaction of "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.AddOffsetsToTxn(&sarama.AddOffsetsToTxnRequest{
			Version: 3, TransactionalID: w.o.ID, ProducerID: w.producer.id, ProducerEpoch: w.producer.epoch, GroupID: w.o.ID,
		})
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
	if err != nil {
		return err
	}
	text := m.text()
	err = w.order(ctx, sarama.CoordinatorGroup, "write the marker of "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.TxnOffsetCommit(&sarama.TxnOffsetCommitRequest{
			Version: 3, TransactionalID: w.o.ID, GroupID: w.o.ID, ProducerID: w.producer.id, ProducerEpoch: w.producer.epoch, GenerationID: -1,
			Topics: map[string][]*sarama.PartitionOffsetMetadata{w.o.Topic: {{Offset: m.Batch, LeaderEpoch: -1, Metadata: &text}}},
		})
		if err != nil {
			return 0, err
		}
		return firstOf(r.Topics[w.o.Topic]), nil
	})
	if err != nil {
		return err
	}
	return w.persist(ctx, func() error { return w.endTxn(ctx, true) })
}

// endTxn commits or aborts. It is asked again only if it was not carried out for certain: whoever does not know has to begin anew.
func (w *Writer) endTxn(ctx context.Context, commit bool) error {
	err := w.link.once(ctx, sarama.CoordinatorTransaction, "end a transaction of "+w.o.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.EndTxn(&sarama.EndTxnRequest{
			Version: 3, TransactionalID: w.o.ID, ProducerID: w.producer.id, ProducerEpoch: w.producer.epoch, TransactionResult: commit,
		})
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
	if err == nil {
		if w.txn != nil {
			w.txn.again()
		}
		return nil
	}
	// A coordinator answers that it is not available also when it failed to log the end of the transaction, for now.
	if classOf(err) == lost || errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable) && !isUnasked(err) {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}
