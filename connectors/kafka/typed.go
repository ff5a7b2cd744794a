package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Record is a record as an own decoder gets it. Its bytes are never written again: rows may point into them.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // when it was made, or when the broker took it, as the topic is set up; UTC
	Key       []byte    // nil = none
	Value     []byte    // nil = none: a tombstone
	Headers   []Header  // in the order of the record
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Read is a source, for Job.Read, of rows that decode makes of records. The URL is that of a configured source without the format's
// parameters; references to secrets in it are not resolved. Progress is published as a group only with group=. An error of decode fails
// the job, since only a configured source has dead letters: to go on, return a row that says what is wrong.
func Read[T any](url string, decode func(Record) (T, error)) dstream.Source[T] {
	return newTyped(url, func(e dstream.Endpoint) (*Source, error) {
		p := param.Of(e.URL)
		s, err := newSource(e, p)
		if err != nil {
			return nil, err
		}
		if err = p.Err(); err == nil {
			err = s.reach()
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		return s, nil
	}, func(ctx context.Context, s *Source, c dstream.Split, yield func([]T, error) bool) error {
		return decoded(ctx, s, c, decode, yield)
	})
}

// JSON is a source, for Job.Read, of rows that a configured source with format=json would give; a record that cannot be decoded fails
// the job. The URL may have all parameters, also another format.
func JSON[T any](url string) dstream.Source[T] {
	return newTyped(url, openSource, formatted[T])
}

// typed is a source made in code. It is opened when it is first used, since building a job does no I/O.
type typed[T any] struct {
	open func() (*Source, error)
	read func(ctx context.Context, s *Source, c dstream.Split, yield func([]T, error) bool) error

	mu     sync.Mutex
	opened *Source
}

func newTyped[T any](url string, open func(dstream.Endpoint) (*Source, error), read func(context.Context, *Source, dstream.Split, func([]T, error) bool) error) *typed[T] {
	return &typed[T]{read: read, open: func() (*Source, error) {
		u, err := dstream.ParseURL(url)
		if err != nil || u.Scheme != "kafka" {
			return nil, dstream.Permanent(errors.New("kafka: the URL of a source made in code does not parse (it is not shown, since it may hold a secret): write kafka://host:9092/topic"))
		}
		rows, err := codec.Of[T]()
		if err != nil {
			return nil, err
		}
		return open(dstream.Endpoint{URL: u, Rows: rows})
	}}
}

// source opens the source, once.
func (t *typed[T]) source() (*Source, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opened != nil {
		return t.opened, nil
	}
	s, err := t.open()
	if err == nil {
		t.opened = s
	}
	return s, err
}

// Plan is that of Source.
func (t *typed[T]) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	s, err := t.source()
	if err != nil {
		return dstream.Range{}, err
	}
	return s.Plan(ctx, from, limit)
}

// Read yields the rows of a split.
func (t *typed[T]) Read(ctx context.Context, c dstream.Split) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		s, err := t.source()
		if err == nil {
			err = t.read(ctx, s, c, yield)
		}
		if err != nil && !errors.Is(err, rdd.ErrStopped) {
			yield(nil, err)
		}
	}
}

// Places is that of Source.
func (t *typed[T]) Places(c dstream.Split) []string {
	if s, err := t.source(); err == nil {
		return s.Places(c)
	}
	return nil
}

// Committed is that of Source.
func (t *typed[T]) Committed(ctx context.Context, upTo dstream.Offsets) error {
	s, err := t.source()
	if err != nil {
		return err
	}
	return s.Committed(ctx, upTo)
}

// Examine is that of Source.
func (t *typed[T]) Examine(ctx context.Context) []dstream.Finding {
	s, err := t.source()
	if err != nil {
		return []dstream.Finding{{Severity: dstream.Broken, Subject: "kafka", Text: err.Error(), Remedy: "see there"}}
	}
	return s.Examine(ctx)
}

// Close closes the source if it was opened.
func (t *typed[T]) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opened == nil {
		return nil
	}
	s := t.opened
	t.opened = nil
	return s.Close()
}

// typedRows is how many rows of an own decoder are given out at a time.
const typedRows = 4096

// decoded yields what an own decoder makes of the records of a split.
func decoded[T any](ctx context.Context, s *Source, c dstream.Split, decode func(Record) (T, error), yield func([]T, error) bool) error {
	topic, partition, _, err := parseSplit(c)
	if err != nil {
		return err
	}
	rows := make([]T, 0, min(int64(typedRows), c.To-c.From))
	flush := func() error {
		if len(rows) > 0 && !yield(rows, nil) {
			return rdd.ErrStopped
		}
		rows = rows[:0]
		return nil
	}
	err = s.batches(ctx, c, func(b *sarama.RecordBatch, from, to int64) error {
		for _, rec := range b.Records {
			offset := b.FirstOffset + rec.OffsetDelta
			if offset < from || offset >= to {
				continue
			}
			row, err := decode(recordOf(topic, partition, b, rec))
			if err != nil {
				return dstream.Permanent(fmt.Errorf("kafka %s@%d: %w", c.Name, offset, err))
			}
			if rows = append(rows, row); len(rows) == cap(rows) {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func recordOf(topic string, partition int32, b *sarama.RecordBatch, rec *sarama.Record) Record {
	r := Record{
		Topic: topic, Partition: partition, Offset: b.FirstOffset + rec.OffsetDelta, Timestamp: timeOf(b, rec), Key: rec.Key, Value: rec.Value,
	}
	for _, h := range rec.Headers {
		r.Headers = append(r.Headers, Header{text(h.Key), h.Value})
	}
	return r
}

// formatted yields what the format makes of the records of a split.
func formatted[T any](ctx context.Context, s *Source, c dstream.Split, yield func([]T, error) bool) error {
	b, err := rdd.NewBuilder[T](typedRows, func(c rdd.Chunk) bool { return yield(c.(*rdd.Rows[rdd.None, T]).Vals, nil) })
	if err != nil {
		return err
	}
	bad := func(b dstream.BadRecord) error {
		return dstream.Permanent(fmt.Errorf("kafka %s: %s (a source of the configuration can put such records aside, by dead_letters)", b.Position, b.Reason))
	}
	if _, err := s.Read(ctx, c, &dstream.Reader{Builder: b, Reject: bad}); err != nil {
		return err
	}
	return b.Flush()
}
