package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/dstream"
)

// batchBytes is how large a batch of records grows before it is handed on. Topics take 1 MiB by default (max.message.bytes), after
// compression; a batch that a topic does not take is halved.
const batchBytes = 512 << 10

// mostWaiting bounds the bytes of the batches that are not full, of which a topic of many partitions has many.
const mostWaiting = 16 << 20

// packer makes records of the rows of one write, in batches by partition of the topic.
type packer struct {
	*layout
	limit      int // bytes of a batch
	to         *transact.Writer
	id         dstream.WriteID
	partitions int
	batches    []*transact.Batch // by partition, nil where there is none
	waiting    int               // bytes in them
	rows       int64
	room       int // of the last chunk's values
}

func newPacker(s *Sink, to *transact.Writer, id dstream.WriteID) *packer {
	return &packer{layout: s.layout, limit: s.batch, to: to, id: id, partitions: to.Partitions(), batches: make([]*transact.Batch, to.Partitions())}
}

// chunk is the columns of a chunk of rows, as far as records are made of them.
type chunk struct {
	keys, lines [][]byte // by row
	deleted     []bool
	headers     headersOf
	partition   arrow.Array
	timestamp   *array.Timestamp
	tombstone   *array.Boolean
}

// pack makes records of a chunk, whose memory it does not keep.
func (p *packer) pack(ctx context.Context, out dstream.Output) error {
	c, err := p.open(out)
	if err != nil {
		return p.hopeless(err)
	}
	for i := range int(out.Record.NumRows()) {
		r, to, err := p.record(c, i)
		if err != nil {
			return p.hopeless(err)
		}
		if err := p.add(ctx, to, r); err != nil {
			return err
		}
	}
	return nil
}

// add puts a record into the batch of its partition, and hands on what is full.
func (p *packer) add(ctx context.Context, to int32, r transact.Record) error {
	b := p.batches[to]
	if b == nil {
		b = transact.NewBatch(to)
		p.batches[to] = b
	}
	before := b.Bytes()
	b.Add(r)
	p.rows++
	p.waiting += b.Bytes() - before
	switch {
	case b.Bytes() >= p.limit:
		p.batches[to], p.waiting = nil, p.waiting-b.Bytes()
		return p.to.Add(ctx, b)
	case p.waiting >= mostWaiting:
		return p.flush(ctx)
	}
	return nil
}

// hopeless is an error that the same rows will always give.
func (p *packer) hopeless(err error) error {
	return dstream.Permanent(fmt.Errorf("row %d: %w", p.rows, err))
}

// flush hands on what is left.
func (p *packer) flush(ctx context.Context) error {
	p.waiting = 0
	for to, b := range p.batches {
		if b == nil {
			continue
		}
		p.batches[to] = nil
		if err := p.to.Add(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) open(out dstream.Output) (c chunk, err error) {
	rec := out.Record
	c.deleted = out.Deleted
	if c.keys, err = p.keys(rec); err != nil {
		return c, err
	}
	if c.lines, err = p.lines(rec); err != nil {
		return c, err
	}
	if p.headers >= 0 {
		c.headers = newHeaders(rec.Column(p.headers).(*array.Map))
	}
	if p.partition >= 0 {
		c.partition = rec.Column(p.partition)
	}
	if p.timestamp >= 0 {
		c.timestamp = rec.Column(p.timestamp).(*array.Timestamp)
	}
	if p.tombstone >= 0 {
		c.tombstone = rec.Column(p.tombstone).(*array.Boolean)
	}
	return c, nil
}

// gone reports whether row i is to be a record without a value.
func (c chunk) gone(i int) bool {
	return i < len(c.deleted) && c.deleted[i] || c.tombstone != nil && c.tombstone.IsValid(i) && c.tombstone.Value(i)
}

// record makes the record of row i, and says which partition it goes to.
func (p *packer) record(c chunk, i int) (r transact.Record, to int32, err error) {
	if c.keys != nil {
		r.Key = c.keys[i]
	}
	if c.gone(i) {
		if r.Key == nil {
			return r, 0, errors.New("it is to be deleted, but it has no key: tag the key's field kafka:\"key\", or its columns col:\"name,key\"")
		}
	} else {
		r.Value = c.lines[i]
	}
	r.Timestamp = p.id.Timestamp / 1000
	if t := c.timestamp; t != nil && t.IsValid(i) && t.Value(i) >= 0 {
		r.Timestamp = int64(t.Value(i)) / 1000
	}
	r.Headers = c.headers.of(i)
	to, err = p.choose(c, i, r.Key)
	return r, to, err
}

// choose is the partition of row i: the one that it names, else that of its key, else the next one.
func (p *packer) choose(c chunk, i int, key []byte) (int32, error) {
	switch {
	case c.partition != nil && c.partition.IsValid(i):
		n, err := wholeOf(c.partition, i)
		if err == nil && (n < 0 || n >= int64(p.partitions)) {
			err = fmt.Errorf("it names partition %d of a topic that has %d", n, p.partitions)
		}
		return int32(n), err
	case key != nil:
		return partitionOf(key, p.partitions), nil
	}
	return partitionOfRow(p.id.Batch, int64(p.id.Partition), p.rows, p.partitions), nil
}

// lines encodes the values of a chunk into memory of its own.
func (p *packer) lines(rec arrow.Record) ([][]byte, error) {
	rows := int(rec.NumRows())
	if p.raw {
		return rawValues(rec.Column(p.value[0])), nil
	}
	buf, err := p.encoder.Append(make([]byte, 0, p.room+p.room/8), p.values(rec), nil)
	if err != nil {
		return nil, err
	}
	p.room = len(buf)
	out := make([][]byte, 0, rows)
	for len(buf) > 0 {
		n := lineEnd(buf, p.quoted)
		if n < 0 {
			break
		}
		out, buf = append(out, buf[:n:n]), buf[n+1:]
	}
	if len(out) != rows {
		return nil, fmt.Errorf("bug: %d rows were encoded as %d lines", rows, len(out))
	}
	return out, nil
}

// lineEnd is where the first line ends; -1 if it does not. In CSV line ends stand in quotes too: behind an odd number of them.
func lineEnd(b []byte, quoted bool) int {
	quotes := 0
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], '\n')
		if n < 0 || !quoted {
			return n
		}
		quotes += bytes.Count(b[from:from+n], []byte{'"'})
		if from += n; quotes%2 == 0 {
			return from
		}
		from++
	}
}

// rawValues copies the values of a column of text or bytes; null is nil.
func rawValues(a arrow.Array) [][]byte {
	out := make([][]byte, a.Len())
	var buf []byte
	for i := range out {
		if a.IsNull(i) {
			continue
		}
		from := len(buf)
		switch a := a.(type) {
		case *array.String:
			buf = append(buf, a.Value(i)...)
		case *array.Binary:
			buf = append(buf, a.Value(i)...)
		}
		out[i] = buf[from:len(buf):len(buf)]
		if out[i] == nil {
			out[i] = []byte{}
		}
	}
	return out
}

// headersOf is a column of headers. Its zero value has none.
type headersOf struct {
	column *array.Map
	values [][]byte // of all entries
	keys   *array.String
}

func newHeaders(m *array.Map) headersOf {
	return headersOf{m, rawValues(m.Items()), m.Keys().(*array.String)}
}

func (h headersOf) of(i int) []*sarama.RecordHeader {
	if h.column == nil || h.column.IsNull(i) {
		return nil
	}
	from, to := h.column.ValueOffsets(i)
	out := make([]*sarama.RecordHeader, 0, to-from)
	for k := int(from); k < int(to); k++ {
		out = append(out, &sarama.RecordHeader{Key: []byte(h.keys.Value(k)), Value: h.values[k]})
	}
	return out
}
