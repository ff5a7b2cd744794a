package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/twmb/franz-go/pkg/kfake"
)

// shared is brokers that outlive a check, so that a child process that is killed can write to them. The folder of a check holds where
// they are, and the name of a topic of its own.
type shared struct {
	start  func() (addrs []string, create func(topic string, partitions int32) error, err error)
	stream bool
	n      int
}

type outlet struct {
	Addrs []string
	Topic string
}

func (s *shared) of(dir string) (o outlet, err error) {
	file := filepath.Join(dir, "outlet")
	text, err := os.ReadFile(file)
	if err == nil {
		return o, json.Unmarshal(text, &o)
	}
	addrs, create, err := s.start()
	if err != nil {
		return o, err
	}
	s.n++
	o = outlet{addrs, fmt.Sprintf("conformance-%v-%d", s.stream, s.n)}
	if err := create(o.Topic, 3); err != nil {
		return o, err
	}
	text, err = json.Marshal(o)
	return o, errors.Join(err, os.WriteFile(file, text, 0o600))
}

func (s *shared) open(dir string) (dstream.RecordSink, error) {
	o, err := s.of(dir)
	if err != nil {
		return nil, err
	}
	sink, err := trySink[conformance.Row](o.Addrs, o.Topic)
	if err == nil && s.stream {
		sink.stream()
	}
	return sink, err
}

// table is what somebody sees who keeps the last record of each key, as Kafka does for a compacted topic.
func (s *shared) table(dir string) ([]conformance.Row, error) {
	o, err := s.of(dir)
	if err != nil {
		return nil, err
	}
	records, err := readTopic(o.Addrs, o.Topic)
	if err != nil {
		return nil, err
	}
	rows := map[string]conformance.Row{}
	for _, r := range records {
		if r.Value == nil {
			delete(rows, string(r.Key))
			continue
		}
		var row struct {
			ID, Text string
			N        int64
		}
		if err := json.Unmarshal(r.Value, &row); err != nil {
			return nil, err
		}
		rows[string(r.Key)] = conformance.Row(row)
	}
	var out []conformance.Row
	for _, r := range rows {
		out = append(out, r)
	}
	return out, nil
}

func TestSinkConformance(t *testing.T) { suite(t, fakes(t), false) }

// TestSinkConformanceStreamed has transactions that are open while rows still come.
func TestSinkConformanceStreamed(t *testing.T) { suite(t, fakes(t), true) }

// fakes starts pretend brokers when they are first needed, which is never in a child.
func fakes(t *testing.T) func() ([]string, func(string, int32) error, error) {
	start := sync.OnceValue(func() *kfake.Cluster { return fakeKafka(t, kfake.NumBrokers(2)) })
	return func() ([]string, func(string, int32) error, error) {
		c := start()
		return c.ListenAddrs(), func(topic string, n int32) error { return c.CreateTopic(topic, n, nil) }, nil
	}
}

func suite(t *testing.T, start func() ([]string, func(string, int32) error, error), stream bool) {
	s := &shared{stream: stream, start: start}
	conformance.Sink(t, conformance.Outlet[conformance.Row]{
		Open: s.open, Row: conformance.NewRow, Read: s.table,
		Same: func(i int) conformance.Row {
			r := conformance.NewRow(i)
			r.Text, r.N = r.Text+"!", 99
			return r
		},
	})
}

func TestKinds(t *testing.T) {
	c := fakeKafka(t)
	conformance.Kinds(t, func(_ string, rows *codec.Codec) (dstream.RecordSink, error) {
		u, err := dstream.ParseURL("kafka://" + c.ListenAddrs()[0] + "/out")
		if err != nil {
			return nil, err
		}
		return openSink(dstream.Endpoint{Job: "job", Name: rows.Type.String(), URL: u, Rows: rows})
	})
}
