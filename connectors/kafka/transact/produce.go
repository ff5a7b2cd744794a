package transact

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
)

// requestBytes bounds a request, beside one batch that is larger: brokers take 100 MiB (socket.request.max.bytes).
const requestBytes = 8 << 20

// ackTimeout is how long a leader waits for its replicas before it answers.
const ackTimeout = broker.AnswerTimeout / 3

// lanes is what is to be sent to each partition, in order.
type lanes map[int32][]*Batch

// send sends batches, those of a partition one after the other, and waits until all are acknowledged.
func (w *Writer) send(ctx context.Context, batches []*Batch) error {
	todo := lanes{}
	for _, b := range batches {
		todo[b.partition] = append(todo[b.partition], b)
	}
	if len(todo) == 0 {
		return nil
	}
	if w.o.ID != "" {
		if err := w.join(ctx, slices.Sorted(maps.Keys(todo))); err != nil {
			return err
		}
	}
	return w.persist(ctx, func() error {
		for len(todo) > 0 {
			if err := w.round(ctx, todo); err != nil {
				return err
			}
		}
		return nil
	})
}

// round sends the first batches of some partitions, to all their leaders at once, and takes those that arrived off todo.
func (w *Writer) round(ctx context.Context, todo lanes) error {
	if w.link.learned.IsZero() {
		if err := w.link.learn(ctx); err != nil {
			return err
		}
	}
	requests := map[string][]*Batch{}
	sizes := map[string]int{}
	for _, p := range slices.Sorted(maps.Keys(todo)) {
		leader, err := w.link.leader(p)
		if err != nil {
			return err
		}
		if first := todo[p][0]; sizes[leader] == 0 || sizes[leader]+first.bytes <= requestBytes {
			requests[leader] = append(requests[leader], first)
			sizes[leader] += first.bytes
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[*Batch]error{}
	for leader, batches := range requests {
		wg.Go(func() {
			errs := w.produce(ctx, leader, batches)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(outcomes, errs)
		})
	}
	wg.Wait()
	return w.settle(todo, outcomes)
}

// produce sends one request, and says what became of each of its batches.
func (w *Writer) produce(ctx context.Context, leader string, batches []*Batch) map[*Batch]error {
	req := &sarama.ProduceRequest{Version: 9, RequiredAcks: sarama.WaitForAll, Timeout: int32(ackTimeout.Milliseconds())}
	if w.o.ID != "" {
		req.TransactionalID = &w.o.ID
	}
	for _, b := range batches {
		req.AddBatch(w.o.Topic, b.partition, b.encode(w.o, w.producer))
	}
	var r *sarama.ProduceResponse
	err := w.o.Cluster.Ask(ctx, leader, func(b *sarama.Broker) (err error) { r, err = b.Produce(req); return err })
	out := map[*Batch]error{}
	for _, b := range batches {
		out[b] = err
		if err != nil {
			continue
		}
		out[b] = sarama.ErrNetworkException // an answer without the partition
		if block := r.GetBlock(w.o.Topic, b.partition); block != nil {
			out[b] = block.Err
		}
	}
	return out
}

// settle takes batches that arrived off todo, splits those that were too large, and returns the error that says most of the rest.
func (w *Writer) settle(todo lanes, outcomes map[*Batch]error) error {
	var worst error
	for _, p := range slices.Sorted(maps.Keys(todo)) {
		b, rest := todo[p][0], todo[p][1:]
		err, sent := outcomes[b]
		if !sent {
			continue
		}
		switch err {
		case nil, sarama.ErrNoError, sarama.ErrDuplicateSequenceNumber:
			w.producer.advance(b)
		case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
			if len(b.records) == 1 {
				return b.tooLarge(w.o.Topic, err.(sarama.KError))
			}
			half := b.split()
			rest = append(half[:], rest...)
		default:
			err = fmt.Errorf("topic %s, partition %d: %w", w.o.Topic, p, err)
			w.suspect = w.suspect || classOf(err) == lost
			if worst == nil || classOf(err) > classOf(worst) {
				worst = err
			}
			continue
		}
		if todo[p] = rest; len(rest) == 0 {
			delete(todo, p)
		}
	}
	return worst
}
