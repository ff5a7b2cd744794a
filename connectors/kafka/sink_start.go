package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/dstream"
)

// Start checks that the topic is there, and that this run's writes come behind those that the markers tell of.
func (s *Sink) Start(ctx context.Context, id dstream.WriteID) error {
	_, err := transact.New(s.options(nameOf(id))).Learn(ctx)
	switch {
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return newView(s.cluster, time.Now).missing(ctx, s.topic)
	case err != nil:
		return s.explain(err)
	}
	if !s.exact {
		return nil
	}
	for id.Partition, id.Partitions = 0, 1; id.Partition < id.Partitions; id.Partition++ {
		last, err := transact.New(s.options(nameOf(id))).Last(ctx)
		if err != nil {
			return s.explain(err)
		}
		now := transact.Marker{Epoch: id.Epoch, Batch: id.Batch, Timestamp: id.Timestamp}
		switch {
		case last.Epoch > id.Epoch:
			return s.explain(&transact.FencedError{ID: nameOf(id), Epoch: id.Epoch, Newer: last.Epoch})
		case last.Timestamp > id.Timestamp:
			return s.explain(&transact.ClockError{ID: nameOf(id), Write: now, Last: last})
		}
		id.Partitions = max(id.Partitions, last.Partitions)
	}
	return nil
}

// Examine looks at the brokers, the topic and its partitions, and whether there is a coordinator for transactions.
func (s *Sink) Examine(ctx context.Context) []dstream.Finding {
	topics, err := s.cluster.Topics(ctx, s.topic)
	out := s.access.Examine(ctx, s.cluster)
	if err != nil {
		return out
	}
	subject, t := "topic "+s.topic, topics[s.topic]
	switch {
	case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition) || t.Err == nil && len(t.Partitions) == 0:
		err := newView(s.cluster, time.Now).missing(ctx, s.topic)
		return append(out, dstream.Finding{Severity: dstream.Broken, Subject: subject, Text: err.Error(), Remedy: "create the topic, or correct its name"})
	case t.Err != nil:
		return append(out, dstream.Finding{Severity: dstream.Broken, Subject: subject, Text: broker.Explain(subject, t.Err).Error(), Remedy: "see there"})
	}
	out = append(out, examinePartitions(subject, t))
	if s.exact {
		out = append(out, s.examineCoordinator(ctx))
	}
	return out
}

func examinePartitions(subject string, t broker.Topic) dstream.Finding {
	leaderless, behind := 0, 0
	for _, p := range t.Partitions {
		if p.Leader < 0 {
			leaderless++
		}
		if p.InSync < p.Replicas {
			behind++
		}
	}
	f := dstream.Finding{Subject: subject, Text: fmt.Sprintf("%d partitions", len(t.Partitions))}
	switch {
	case leaderless > 0:
		f.Severity, f.Text, f.Remedy = dstream.Broken, fmt.Sprintf("%d of %d partitions have no leader", leaderless, len(t.Partitions)), "start the brokers that lead them"
	case behind > 0:
		f.Severity, f.Text = dstream.Doubtful, fmt.Sprintf("%d of %d partitions have replicas that are not in sync", behind, len(t.Partitions))
		f.Remedy = "start the brokers that are down: writes wait where fewer than min.insync.replicas are left"
	}
	return f
}

func (s *Sink) examineCoordinator(ctx context.Context) dstream.Finding {
	id := nameOf(dstream.WriteID{Job: s.endpoint.Job, Sink: s.endpoint.Name})
	err := s.cluster.AskAny(ctx, func(b *sarama.Broker) error {
		r, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorKey: id, CoordinatorType: sarama.CoordinatorTransaction})
		if err == nil && r.Err != sarama.ErrNoError {
			err = r.Err
		}
		return err
	})
	if err != nil {
		return dstream.Finding{Severity: dstream.Broken, Subject: "transactional id " + id, Text: err.Error(),
			Remedy: "grant the user Write and Describe on transactional ids that begin with " + s.endpoint.Job + "/, or write with guarantee=at_least_once"}
	}
	return dstream.Finding{Subject: "transactional id " + id, Text: "has a coordinator"}
}
