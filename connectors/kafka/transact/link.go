package transact

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
)

// link knows which brokers to ask about one topic and one transactional id. It asks once: patience is its caller's.
type link struct {
	o            Options
	leaders      []int32                           // broker ids, by partition of the topic
	learned      time.Time                         // when they were asked for; zero = ask again
	coordinators map[sarama.CoordinatorType]string // addresses
}

// learn asks for the leaders of the topic's partitions.
func (l *link) learn(ctx context.Context) error {
	topics, err := l.o.Cluster.Topics(ctx, l.o.Topic)
	if err != nil {
		return fmt.Errorf("ask for topic %s: %w", l.o.Topic, err)
	}
	t, ok := topics[l.o.Topic]
	switch {
	case !ok:
		return fmt.Errorf("topic %s: %w", l.o.Topic, sarama.ErrUnknownTopicOrPartition)
	case t.Err != nil:
		return fmt.Errorf("topic %s: %w", l.o.Topic, t.Err)
	case len(t.Partitions) == 0:
		return fmt.Errorf("topic %s: %w", l.o.Topic, sarama.ErrLeaderNotAvailable)
	}
	l.leaders = l.leaders[:0]
	for _, p := range t.Partitions {
		l.leaders = append(l.leaders, p.Leader)
	}
	l.learned = time.Now()
	return nil
}

// leader is the address of the broker that leads a partition.
func (l *link) leader(partition int32) (string, error) {
	if int(partition) >= len(l.leaders) {
		return "", fmt.Errorf("topic %s, partition %d: %w", l.o.Topic, partition, sarama.ErrUnknownTopicOrPartition)
	}
	addr := l.o.Cluster.Address(l.leaders[partition])
	if addr == "" {
		return "", fmt.Errorf("topic %s, partition %d: %w", l.o.Topic, partition, sarama.ErrLeaderNotAvailable)
	}
	return addr, nil
}

// coordinator is the address of the broker that keeps the transactional id or the group.
func (l *link) coordinator(ctx context.Context, kind sarama.CoordinatorType) (string, error) {
	if addr := l.coordinators[kind]; addr != "" {
		return addr, nil
	}
	var r *sarama.FindCoordinatorResponse
	err := l.o.Cluster.AskAny(ctx, func(b *sarama.Broker) (err error) {
		r, err = b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorKey: l.o.ID, CoordinatorType: kind})
		return err
	})
	if err == nil && r.Err != sarama.ErrNoError {
		err = r.Err
	}
	if err != nil {
		return "", &unasked{fmt.Errorf("find the coordinator of %s: %w", l.o.ID, err)}
	}
	l.coordinators[kind] = r.Coordinator.Addr()
	return l.coordinators[kind], nil
}

// once sends a request to a coordinator, or to any broker if there is no transactional id, and makes an error of what it answers.
func (l *link) once(ctx context.Context, kind sarama.CoordinatorType, what string, request func(b *sarama.Broker) (sarama.KError, error)) error {
	var answer sarama.KError
	asked := func(b *sarama.Broker) (err error) { answer, err = request(b); return err }
	err := error(nil)
	if l.o.ID == "" {
		err = l.o.Cluster.AskAny(ctx, asked)
	} else {
		var addr string
		if addr, err = l.coordinator(ctx, kind); err == nil {
			err = l.o.Cluster.Ask(ctx, addr, asked)
		}
	}
	if err == nil && answer != sarama.ErrNoError {
		err = answer
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// forget makes the link ask again who coordinates and leads.
func (l *link) forget() {
	clear(l.coordinators)
	l.learned = time.Time{}
}

// unasked is an error before a request was sent.
type unasked struct{ err error }

func (e *unasked) Error() string { return e.err.Error() }
func (e *unasked) Unwrap() error { return e.err }

// isUnasked reports whether nothing was sent that could have had an effect.
func isUnasked(err error) bool {
	return errors.As(err, new(*unasked)) || errors.As(err, new(*broker.AwayError))
}
