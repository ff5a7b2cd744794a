package transact

import (
	"fmt"
	"math"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/dstream"
)

// Record is what a batch is made of. Its bytes must not change until the write has ended.
type Record struct {
	Key, Value []byte // nil is null
	Headers    []*sarama.RecordHeader
	Timestamp  int64 // ms since 1970
}

// overhead is about what a record takes beside its key, value and headers.
const overhead = 12

// Batch collects records for one partition of the topic. Brokers take it or refuse it as a whole.
type Batch struct {
	partition   int32
	records     []*sarama.Record
	slab        []sarama.Record // the next records
	first, last int64           // ms: timestamp of the first record, and the latest
	bytes       int

	encoded *sarama.RecordBatch // kept, since it holds the compressed records once it was sent
}

// NewBatch returns a batch for a partition.
func NewBatch(partition int32) *Batch { return &Batch{partition: partition, last: math.MinInt64} }

// Bytes is about how many bytes the records have, before they are compressed.
func (b *Batch) Bytes() int { return b.bytes }

// Add adds a record behind those that are there.
func (b *Batch) Add(r Record) {
	if len(b.records) == 0 {
		b.first = r.Timestamp
	}
	b.last = max(b.last, r.Timestamp)
	if len(b.slab) == 0 {
		b.slab = make([]sarama.Record, min(1024, max(16, len(b.records))))
	}
	to := &b.slab[0]
	b.slab = b.slab[1:]
	to.Key, to.Value, to.Headers = r.Key, r.Value, r.Headers
	to.OffsetDelta = int64(len(b.records))
	to.TimestampDelta = time.Duration(r.Timestamp-b.first) * time.Millisecond
	b.records = append(b.records, to)
	b.bytes += size(to)
}

func size(r *sarama.Record) int {
	n := overhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 2
	}
	return n
}

// split returns the two halves of a batch.
func (b *Batch) split() [2]*Batch {
	out := [2]*Batch{NewBatch(b.partition), NewBatch(b.partition)}
	for i, r := range b.records {
		out[2*i/len(b.records)].Add(Record{r.Key, r.Value, r.Headers, b.first + r.TimestampDelta.Milliseconds()})
	}
	return out
}

// encode returns the batch as a producer sends it.
func (b *Batch) encode(o Options, p producer) *sarama.RecordBatch {
	if b.encoded == nil {
		b.encoded = &sarama.RecordBatch{
			Version: 2, Codec: o.Codec, CompressionLevel: sarama.CompressionLevelDefault, Records: b.records,
			LastOffsetDelta: int32(len(b.records) - 1), IsTransactional: o.ID != "",
			FirstTimestamp: time.UnixMilli(b.first), MaxTimestamp: time.UnixMilli(b.last),
		}
	}
	b.encoded.ProducerID, b.encoded.ProducerEpoch, b.encoded.FirstSequence = p.id, p.epoch, p.sequences[b.partition]
	return b.encoded
}

// advance counts records that were appended. Sequence numbers begin at 0 again behind the largest.
func (p producer) advance(b *Batch) {
	p.sequences[b.partition] = int32((int64(p.sequences[b.partition]) + int64(len(b.records))) & math.MaxInt32)
}

// tooLarge is the error of a batch of one record that is refused for its size.
func (b *Batch) tooLarge(topic string, k sarama.KError) error {
	r := b.records[0]
	return dstream.Permanent(fmt.Errorf("a record of %d bytes, its key has %d of them: %w: raise max.message.bytes of topic %s, or write smaller rows",
		size(r), len(r.Key), k, topic))
}
