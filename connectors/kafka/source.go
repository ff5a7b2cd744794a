package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSource("kafka", func(e dstream.Endpoint) (dstream.Connector, error) { return openSource(e) })
}

// Source reads topics. Read is safe for concurrent use.
type Source struct {
	sourceOptions
	name     string
	access   *broker.Access
	cluster  *broker.Cluster
	pool     *broker.Pool // of the connections that records are fetched on
	view     *view
	decoder  func() recordDecoder
	columns  columns
	progress *publisher
	now      func() time.Time

	planner // what Plan remembers
}

// openSource opens an endpoint. If no broker can be reached it opens all the same, and Plan waits.
func openSource(e dstream.Endpoint) (*Source, error) {
	plain := e
	plain.URL = registry.Hide(e.URL) // its errors show the parameters, which may hold a registry's password
	p := param.Of(plain.URL)
	s, err := newSource(plain, p)
	if err != nil {
		return nil, err
	}
	if s.columns, err = columnsOf(e.Rows); err == nil {
		s.decoder, err = decoderOf(e, s.columns, p)
	}
	if err == nil {
		err = s.reach()
	}
	if err == nil {
		err = s.checkFormat()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newSource reads what e says beside the format. It does no I/O.
func newSource(e dstream.Endpoint, p *param.Set) (*Source, error) {
	o, access, err := parseSource(e, p)
	if err != nil {
		return nil, err
	}
	s := &Source{sourceOptions: o, name: e.Name, access: access, now: time.Now}
	s.cluster, s.pool = broker.NewCluster(access), broker.NewPool(access)
	s.view = newView(s.cluster, func() time.Time { return s.now() })
	s.progress = newPublisher(s.cluster, o.group)
	s.planner = newPlanner()
	return s, nil
}

// checkFormat asks what a format can tell at once: whether a registry lets us in.
func (s *Source) checkFormat() error {
	c, ok := s.decoder().(registry.Checker)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	return c.Check(ctx)
}

// Bounds of what opening waits for: an answer at all, and a topic that was made a moment ago and that not every broker knows yet.
const (
	openPatience  = 5 * time.Second
	topicPatience = 500 * time.Millisecond
)

// reach says what can be told at once: that the login is refused, or that there is no such topic.
func (s *Source) reach() error {
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	var wait broker.Patience
	for began := s.now(); ; {
		missing, err := s.unknown(ctx)
		switch {
		case err != nil && (ctx.Err() != nil || broker.KindOf(err) == broker.Away):
			return nil // Plan waits for them
		case err != nil:
			return err
		case missing == "":
			return nil
		case s.now().Sub(began) > topicPatience:
			return s.view.missing(ctx, missing)
		}
		if err := wait.Wait(ctx, sarama.ErrUnknownTopicOrPartition); err != nil {
			return nil
		}
	}
}

// unknown is the first topic of the URL that is not there.
func (s *Source) unknown(ctx context.Context) (string, error) {
	if s.pattern != nil {
		_, err := s.view.all(ctx, s.now())
		return "", err
	}
	there, err := s.view.some(ctx, s.topics, s.now())
	if err != nil {
		return "", err
	}
	for _, n := range s.topics {
		err := there[n].Err
		switch {
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			return n, nil
		case err != nil && broker.KindOf(err) == broker.Hopeless:
			return "", broker.Explain(fmt.Sprintf("%s, topic %s", s.access, n), err)
		}
	}
	return "", nil
}

// Places are the hosts of the leader of a split's partition.
func (s *Source) Places(c dstream.Split) []string {
	topic, partition, _, err := parseSplit(c)
	if err != nil {
		return nil
	}
	host, _, err := net.SplitHostPort(s.view.leader(topic, partition))
	if err != nil {
		return nil
	}
	return []string{host}
}

// Committed publishes how far the job is, for tools that show lag. It does not wait; see Range.Note for what goes wrong.
func (s *Source) Committed(_ context.Context, upTo dstream.Offsets) error {
	at, err := parsePlace(upTo)
	if err == nil {
		s.progress.publish(at)
	}
	return err
}

// Close closes the connections. Nothing may be read any more.
func (s *Source) Close() error {
	s.progress.close()
	s.pool.Close()
	s.cluster.Close()
	return nil
}
