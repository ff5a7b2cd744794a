package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// losses is what a plan found gone. The place that it goes on with has no trace of it.
type losses []dstream.Lost

func (l *losses) add(name string, from, to int64, reason string) {
	*l = append(*l, dstream.Lost{Split: name, From: from, To: to, Reason: reason})
}

// topic adds all partitions of a topic, of which nobody knows how much was there.
func (l *losses) topic(name string, t *topicPlace, reason string) {
	for i, next := range t.Next {
		l.add(splitName(name, int32(i)), next, next, reason)
	}
}

// error is nil if nothing is lost; resume is the place that the source would go on at.
func (l losses) error(resume place) error {
	if len(l) == 0 {
		return nil
	}
	to, err := resume.offsets()
	if err != nil {
		return err
	}
	return &dstream.LossError{Lost: l, Resume: to}
}

// settling is how long something has to be gone until it counts: brokers learn of a new or a restarted topic one after the other.
const settling = 2 * time.Second

// compare brings the place in line with the topics that there are: it enters new ones, drops those that the URL does not mean any
// more, and notes those that were deleted or made again.
func (s *Source) compare(ctx context.Context, at *place, topics map[string]broker.Topic, lost *losses) error {
	for _, name := range at.names() {
		if _, ok := topics[name]; ok {
			continue
		}
		if s.pattern == nil || !s.pattern.MatchString(name) {
			delete(at.Topics, name)
			continue
		}
		topics[name] = broker.Topic{Name: name, Err: sarama.ErrUnknownTopicOrPartition}
	}
	for name, t := range topics {
		switch {
		case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
			if err := s.missing(ctx, at, name, lost); err != nil {
				return err
			}
		case t.Err != nil:
			return broker.Explain(fmt.Sprintf("%s, topic %s", s.access, name), t.Err)
		default:
			delete(s.gone, name)
			at.enter(t, lost)
		}
	}
	return nil
}

// missing takes note of a topic that is not there, after a while.
func (s *Source) missing(ctx context.Context, at *place, name string, lost *losses) error {
	since, known := s.gone[name]
	if !known {
		since, s.gone[name] = s.now(), s.now()
	}
	if s.now().Sub(since) < settling {
		return fmt.Errorf("%s: topic %q is not there: %w", s.access, name, sarama.ErrUnknownTopicOrPartition)
	}
	t, read := at.Topics[name]
	if !read {
		return s.view.missing(ctx, name)
	}
	lost.topic(name, t, "the topic was deleted")
	delete(at.Topics, name)
	return nil
}

// enter compares the place in a topic with what the topic is now.
func (p place) enter(t broker.Topic, lost *losses) {
	was, ok := p.Topics[t.Name]
	id := topicID(t.ID)
	switch {
	case !ok:
		p.Topics[t.Name] = &topicPlace{ID: id}
	case was.ID.differs(id):
		lost.topic(t.Name, was, fmt.Sprintf("the topic was deleted and made again: it had the id %s and has %s", sarama.Uuid(was.ID), t.ID))
		p.Topics[t.Name] = &topicPlace{ID: id}
	case len(t.Partitions) < len(was.Next):
		lost.topic(t.Name, was, fmt.Sprintf("the topic was made again: it had %d partitions and has %d", len(was.Next), len(t.Partitions)))
		p.Topics[t.Name] = &topicPlace{ID: id}
	case was.ID == (topicID{}):
		was.ID = id
	}
}

// check compares where partitions go on with where their logs begin and end.
func (s *Source) check(ctx context.Context, at *place, parts []*planned, lost *losses) error {
	if err := s.checkBeginnings(ctx, at, parts, lost); err != nil {
		return err
	}
	return s.checkEnds(ctx, at, parts, lost)
}

// checkBeginnings finds records that were deleted before they were read.
func (s *Source) checkBeginnings(ctx context.Context, at *place, parts []*planned, lost *losses) error {
	var asked []*planned
	var queries []*broker.Query
	for _, p := range parts {
		if p.err == nil && p.end > p.next {
			asked, queries = append(asked, p), append(queries, p.query(sarama.OffsetOldest))
		}
	}
	s.cluster.Offsets(ctx, s.isolation, queries)
	for i, q := range queries {
		p := asked[i]
		if q.Err != nil {
			return q.Err
		}
		if q.Offset > p.next {
			lost.add(p.name(), p.next, q.Offset, fmt.Sprintf("deleted by retention or by hand: the log begins at offset %d", q.Offset))
			p.next = q.Offset
			at.Topics[p.topic].Next[p.number] = q.Offset
		}
	}
	return nil
}

// checkEnds asks for the ends of logs, open transactions included, where that tells something: where a transaction seems to be open
// for long, and where a log ends before the place that it was read to.
func (s *Source) checkEnds(ctx context.Context, at *place, parts []*planned, lost *losses) error {
	var asked []*planned
	var queries []*broker.Query
	for _, p := range parts {
		if p.err == nil && (s.suspect(p) || p.end < p.next) {
			asked, queries = append(asked, p), append(queries, p.query(sarama.OffsetNewest))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	s.cluster.Offsets(ctx, sarama.ReadUncommitted, queries)
	for i, q := range queries {
		if q.Err != nil {
			return q.Err
		}
		if err := s.compareEnd(at, asked[i], q.Offset, lost); err != nil {
			return err
		}
	}
	return nil
}

// compareEnd looks at the end of a log. A leader that has just taken over may not know for a moment how far it goes.
func (s *Source) compareEnd(at *place, p *planned, end int64, lost *losses) error {
	w := s.stalls[p.name()]
	w.open = end > p.end
	if end >= p.next {
		return nil
	}
	if s.now().Sub(w.since) < settling {
		return fmt.Errorf("%s: %s ends at offset %d but was read to %d: %w", s.access, p.name(), end, p.next, sarama.ErrOffsetNotAvailable)
	}
	lost.add(p.name(), end, p.next, fmt.Sprintf("the log was cut off at offset %d: a replica that lagged behind has become its leader, and what was read behind that is not there any more", end))
	at.Topics[p.topic].Next[p.number], p.next = end, end
	return nil
}
