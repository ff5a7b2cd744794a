package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSink("kafka", func(e dstream.Endpoint) (dstream.RecordSink, error) { return openSink(e) })
}

// FencedError says that a newer driver has written to the topic since: whoever sent this write is not in charge any more.
type FencedError = transact.FencedError

// Sink writes rows to a topic, each partition of a batch in a transaction of its own. It is safe for concurrent use.
type Sink struct {
	endpoint dstream.Endpoint
	topic    string
	exact    bool // transactions with a marker
	whole    bool // a batch is one transaction
	codec    sarama.CompressionCodec
	timeout  time.Duration
	hold     int // as in transact.Options
	batch    int // bytes of records that are handed on together
	layout   *layout
	access   *broker.Access
	cluster  *broker.Cluster

	mu      sync.Mutex
	writers map[string]*sinkWriter // by transactional id
}

// sinkWriter is what one partition of a sink writes with, kept over batches.
type sinkWriter struct {
	turn chan struct{} // holds a token while nobody writes
	*transact.Writer
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
	"snappy": sarama.CompressionSnappy, "gzip": sarama.CompressionGZIP,
}

// openSink reads the URL; Start and Write connect.
func openSink(e dstream.Endpoint) (*Sink, error) {
	p := param.Of(e.URL)
	access, err := broker.Of(e, p)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		endpoint: e,
		exact:    p.OneOf("guarantee", "exactly_once", "at_least_once") == "exactly_once",
		whole:    p.Bool("one_transaction", false),
		codec:    codecs[p.OneOf("compression", "none", "lz4", "zstd", "snappy", "gzip")],
		timeout:  p.Duration("transaction_timeout", time.Minute, time.Second),
		batch:    batchBytes,
		access:   access,
		cluster:  broker.NewCluster(access),
		writers:  map[string]*sinkWriter{},
	}
	key := p.String("key_column", "")
	if err := p.Bad(); err != nil {
		return nil, err
	}
	if s.topic = strings.Trim(e.URL.Path, "/"); !validTopic(s.topic) {
		return nil, fmt.Errorf("%s: a sink writes to one topic: write kafka://host:9092/topic", e.URL.Redacted())
	}
	if s.layout, err = newLayout(e, key, p.Names()); err != nil {
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	return s, nil
}

// Guarantee is ExactlyOnce for read-committed readers, AtLeastOnce with guarantee=at_least_once.
func (s *Sink) Guarantee() dstream.Guarantee {
	if s.exact {
		return dstream.ExactlyOnce
	}
	return dstream.AtLeastOnce
}

// Partitions is 1 with one_transaction=true, so that a batch comes as a whole, and for rows that replace each other by a key that the
// engine cannot move them by; else 0.
func (s *Sink) Partitions() int {
	if s.whole || s.layout.alone {
		return 1
	}
	return 0
}

// By names the columns of the key of rows that replace or delete each other: those must come from one partition in order.
func (s *Sink) By() []string { return s.layout.by }

// Close closes the connections.
func (s *Sink) Close() error {
	s.cluster.Close()
	return nil
}

// writer returns the writer of a partition. It is the caller's until it calls done.
func (s *Sink) writer(ctx context.Context, id dstream.WriteID) (w *sinkWriter, done func(), err error) {
	name := nameOf(id)
	s.mu.Lock()
	w = s.writers[name]
	if w == nil {
		w = &sinkWriter{make(chan struct{}, 1), transact.New(s.options(name))}
		w.turn <- struct{}{}
		s.writers[name] = w
	}
	s.mu.Unlock()
	select {
	case <-w.turn:
		return w, func() { w.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// nameOf is the transactional id of a partition of a sink, and the group of its marker.
func nameOf(id dstream.WriteID) string { return fmt.Sprintf("%s/%s/%d", id.Job, id.Sink, id.Partition) }

func (s *Sink) options(name string) transact.Options {
	if !s.exact {
		name = ""
	}
	return transact.Options{Cluster: s.cluster, Topic: s.topic, ID: name, Codec: s.codec, Timeout: s.timeout, Hold: s.hold}
}

// Write makes the rows of a partition of a batch visible in one transaction, or finds out that they are.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	w, done, err := s.writer(ctx, id)
	if err != nil {
		return dstream.Receipt{}, err
	}
	defer done()
	n, err := s.write(ctx, w.Writer, id, rows)
	if err != nil {
		w.Abort()
		return dstream.Receipt{}, err
	}
	return dstream.Receipt{Rows: n}, nil
}

func (s *Sink) write(ctx context.Context, w *transact.Writer, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (int64, error) {
	written, err := w.Begin(ctx, transact.Marker{Epoch: id.Epoch, Batch: id.Batch, Timestamp: id.Timestamp, Partitions: id.Partitions})
	if err != nil {
		return 0, s.explain(err)
	}
	p := newPacker(s, w, id)
	for out, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		if written {
			p.rows += out.Record.NumRows()
		} else if err := p.pack(ctx, out); err != nil {
			return 0, s.explain(err)
		}
	}
	if written {
		return p.rows, nil
	}
	if err := p.flush(ctx); err != nil {
		return 0, s.explain(err)
	}
	return p.rows, s.explain(w.Commit(ctx))
}

func (s *Sink) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("kafka topic %s: %w", s.topic, err)
}
