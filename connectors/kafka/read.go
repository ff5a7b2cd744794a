package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/dstream"
)

// Read puts the records of a split into to.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	topic, partition, _, err := parseSplit(c)
	if err != nil {
		return 0, err
	}
	r := &reading{decoder: s.decoder(), columns: s.columns, topic: topic, partition: partition, out: to}
	_, r.whole = r.decoder.(bytesDecoder)
	if u, ok := r.decoder.(registry.User); ok {
		u.Use(ctx)
	}
	r.to = &dstream.Reader{Builder: to.Builder, Reject: r.reject}
	if len(s.columns.stamps) > 0 {
		to.Stamp = r.stamp
		defer func() { to.Stamp = nil }()
	}
	err = s.batches(ctx, c, r.batch)
	return r.fetched, err
}

// stale is how old what is known about a topic may be, at most, when its records are taken for those of the topic that was planned:
// within this time nobody deletes a topic, makes it again and fills it.
const stale = 100 * time.Millisecond

// batches calls each for the batches of a split that have records to be read, with the offsets between which they are the split's.
// While one answer of the broker is worked on the next one is fetched.
func (s *Source) batches(ctx context.Context, c dstream.Split, each func(b *sarama.RecordBatch, from, to int64) error) error {
	topic, partition, id, err := parseSplit(c)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := prefetch{f: s.fetcher(topic, partition, c.From, c.To)}
	defer p.close()
	for at := c.From; ; {
		b, err := p.next(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if at, err = s.answer(ctx, b, at, c.To, each); err != nil {
			return err
		}
	}
	return s.same(ctx, topic, id)
}

// same makes sure that the topic is the one that was planned.
func (s *Source) same(ctx context.Context, topic string, id topicID) error {
	t, err := s.view.topic(ctx, topic, s.now().Add(-stale))
	if err != nil && passes(err) {
		return nil // the records came from a broker that was there a moment ago
	}
	if err == nil && t.Err == nil && id.differs(topicID(t.ID)) {
		err = dstream.Permanent(fmt.Errorf("kafka %s: the topic was deleted and made again after the batch was planned: it had the id %s and has %s: the next start says what is lost",
			topic, sarama.Uuid(id), t.ID))
	}
	return err
}

// answer passes on the batches of one answer, from offset at on.
func (s *Source) answer(ctx context.Context, b *sarama.FetchResponseBlock, at, to int64, each func(b *sarama.RecordBatch, from, to int64) error) (int64, error) {
	aborted := abortedOf(b, s.isolation)
	for _, set := range b.RecordsSet {
		batch := set.RecordBatch
		if batch == nil || batch.PartialTrailingRecord || batch.FirstOffset >= to {
			continue
		}
		skip := aborted.skips(batch)
		if batch.LastOffset() < at {
			continue
		}
		if err := ctx.Err(); err != nil {
			return at, err
		}
		if !skip {
			if err := each(batch, at, to); err != nil {
				return at, err
			}
		}
		at = batch.LastOffset() + 1
	}
	return at, nil
}

// prefetch fetches ahead, by one answer: so there are two at most, the one that is worked on and the next.
type prefetch struct {
	f       *fetcher
	answers chan answer
	cancel  context.CancelFunc // of the fetch that is under way
}

type answer struct {
	block *sarama.FetchResponseBlock
	err   error
}

// next returns the next answer of the range, nil at its end. The first one is fetched here: most ranges have no other.
func (p *prefetch) next(ctx context.Context) (*sarama.FetchResponseBlock, error) {
	if p.answers != nil {
		got := <-p.answers // closed at the end
		return got.block, got.err
	}
	b, err := p.f.next(ctx)
	if err == nil && p.f.off < p.f.to {
		ctx, p.cancel = context.WithCancel(ctx)
		p.answers = make(chan answer)
		go p.ahead(ctx)
	}
	return b, err
}

// ahead fetches until the end of the range, an error, or close.
func (p *prefetch) ahead(ctx context.Context) {
	defer close(p.answers)
	for {
		b, err := p.f.next(ctx)
		if b == nil && err == nil {
			return
		}
		select {
		case p.answers <- answer{b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// close ends what is under way and waits for it.
func (p *prefetch) close() {
	if p.answers != nil {
		p.cancel()
		for range p.answers { // until ahead has ended
		}
	}
	p.f.close()
}
