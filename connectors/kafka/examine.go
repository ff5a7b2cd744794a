package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// Examine looks at the brokers and the topics for `driver doctor`.
func (s *Source) Examine(ctx context.Context) []dstream.Finding {
	topics, err := s.cluster.Topics(ctx, s.topics...)
	out := s.access.Examine(ctx, s.cluster)
	told := err != nil && broken(out) && broker.KindOf(err) == broker.Away // by each broker, why it is away
	if x, ok := s.decoder().(dstream.Examined); ok {
		out = append(out, x.Examine(ctx)...)
	}
	if told {
		return out
	}
	if err != nil {
		return append(out, dstream.Finding{Severity: dstream.Broken, Subject: "topics", Text: err.Error(), Remedy: "start the brokers, or correct the URL"})
	}
	if s.pattern != nil {
		maps.DeleteFunc(topics, func(name string, t broker.Topic) bool { return t.Internal || !s.pattern.MatchString(name) })
	}
	if len(topics) == 0 {
		out = append(out, dstream.Finding{Severity: dstream.Doubtful, Subject: "topics", Text: "none matches pattern=" + s.pattern.String(), Remedy: "create one, or correct the pattern"})
	}
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		out = append(out, s.examineTopic(ctx, topics[name])...)
	}
	return out
}

func broken(found []dstream.Finding) bool {
	return slices.ContainsFunc(found, func(f dstream.Finding) bool { return f.Severity == dstream.Broken })
}

func (s *Source) examineTopic(ctx context.Context, t broker.Topic) []dstream.Finding {
	f := dstream.Finding{Subject: "topic " + t.Name}
	switch {
	case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
		f.Severity, f.Text, f.Remedy = dstream.Broken, s.view.missing(ctx, t.Name).Error(), "create the topic, or correct its name"
		return []dstream.Finding{f}
	case t.Err != nil:
		f.Severity, f.Text, f.Remedy = dstream.Broken, broker.Explain("kafka", t.Err).Error(), "see there"
		return []dstream.Finding{f}
	}
	out := []dstream.Finding{s.waiting(ctx, t)}
	for i, p := range t.Partitions {
		subject := "partition " + splitName(t.Name, int32(i))
		switch {
		case p.Leader < 0:
			out = append(out, dstream.Finding{Severity: dstream.Broken, Subject: subject, Text: "has no leader: all brokers that hold it are away", Remedy: "start one of its brokers"})
		case p.InSync < p.Replicas:
			out = append(out, dstream.Finding{Severity: dstream.Doubtful, Subject: subject, Text: fmt.Sprintf("%d of %d replicas are in sync", p.InSync, p.Replicas), Remedy: "look after the brokers that lag behind"})
		}
	}
	return append(out, s.examineSettings(ctx, t)...)
}

// waiting says how many records a topic has.
func (s *Source) waiting(ctx context.Context, t broker.Topic) dstream.Finding {
	f := dstream.Finding{Subject: "topic " + t.Name}
	var newest, oldest []*broker.Query
	for i, p := range t.Partitions {
		q := broker.Query{Topic: t.Name, Partition: int32(i), Leader: p.Leader, Time: sarama.OffsetNewest}
		newest = append(newest, &q)
		first := q
		first.Time = sarama.OffsetOldest
		oldest = append(oldest, &first)
	}
	s.cluster.Offsets(ctx, s.isolation, newest)
	s.cluster.Offsets(ctx, s.isolation, oldest)
	var rows int64
	for i, q := range newest {
		if err := errors.Join(q.Err, oldest[i].Err); err != nil {
			f.Severity, f.Text, f.Remedy = dstream.Broken, err.Error(), "start the broker, or grant the right to read"
			return f
		}
		rows += q.Offset - oldest[i].Offset
	}
	if ahead := s.ahead(ctx, newest); ahead > mostAhead {
		f.Severity, f.Text = dstream.Doubtful, fmt.Sprintf("its newest record is from %s ahead of this machine's clock", ahead.Round(time.Second))
		f.Remedy = "set the clocks of this machine, the brokers and the producers by the same source"
		return f
	}
	f.Text = fmt.Sprintf("%d partitions with %d offsets", len(t.Partitions), rows)
	return f
}

// mostAhead is how far clocks of machines that are looked after differ, at most.
const mostAhead = 2 * time.Second

// ahead is how far the newest records are ahead of the clock, as far as they can be fetched in a moment.
func (s *Source) ahead(ctx context.Context, ends []*broker.Query) (most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, q := range ends {
		if q.Offset <= 0 || ctx.Err() != nil {
			continue
		}
		f := s.fetcher(q.Topic, q.Partition, q.Offset-1, q.Offset)
		b, err := f.next(ctx)
		f.close()
		if err != nil || b == nil {
			continue
		}
		for _, set := range b.RecordsSet {
			if set.RecordBatch != nil {
				most = max(most, set.RecordBatch.MaxTimestamp.Sub(s.now()))
			}
		}
	}
	return most
}

// examineSettings looks at what of a topic's configuration matters to who replays it.
func (s *Source) examineSettings(ctx context.Context, t broker.Topic) []dstream.Finding {
	settings, err := s.settings(ctx, t.Name)
	if err != nil {
		return []dstream.Finding{{Severity: dstream.Doubtful, Subject: "settings of topic " + t.Name, Text: err.Error(), Remedy: "grant DescribeConfigs to have them looked at"}}
	}
	var out []dstream.Finding
	if ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64); err == nil && ms >= 0 && ms < shortRetention.Milliseconds() {
		out = append(out, dstream.Finding{Severity: dstream.Doubtful, Subject: "retention of topic " + t.Name, Text: fmt.Sprintf("records are kept for %s: a job that stands still for longer loses some", time.Duration(ms)*time.Millisecond), Remedy: "raise retention.ms"})
	}
	if policy := settings["cleanup.policy"]; policy == "compact" || policy == "compact,delete" {
		out = append(out, dstream.Finding{Severity: dstream.Doubtful, Subject: "compaction of topic " + t.Name, Text: "records of a range may be compacted away before it is read again: then a batch that is run again has fewer rows", Remedy: "raise min.compaction.lag.ms beyond the longest that a job may stand still"})
	}
	return out
}

// shortRetention is about what a weekend's outage takes.
const shortRetention = 72 * time.Hour

// settings asks for the configuration of a topic.
func (s *Source) settings(ctx context.Context, topic string) (map[string]string, error) {
	out := map[string]string{}
	err := s.cluster.AskAny(ctx, func(b *sarama.Broker) error {
		answer, err := b.DescribeConfigs(&sarama.DescribeConfigsRequest{Version: 2, Resources: []*sarama.ConfigResource{{
			Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms", "cleanup.policy", "min.insync.replicas"},
		}}})
		if err != nil {
			return err
		}
		for _, r := range answer.Resources {
			if r.ErrorCode != 0 {
				return sarama.KError(r.ErrorCode)
			}
			for _, c := range r.Configs {
				out[c.Name] = c.Value
			}
		}
		return nil
	})
	return out, err
}
