package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// planner is what Plan remembers between its calls, of which there is one at a time. A plan does not depend on it, but for what
// must not be asked twice: where latest was.
type planner struct {
	since  time.Time            // what is known about topics must not be older
	begun  map[string]int64     // where partitions begin that have no offsets yet, by their key
	until  map[string][]int64   // bounded: where topics end, until offsets say so
	gone   map[string]time.Time // topics that are not there, since when
	stalls map[string]*stall    // by split name
	width  rowWidth
}

func newPlanner() planner {
	return planner{begun: map[string]int64{}, gone: map[string]time.Time{}, stalls: map[string]*stall{}}
}

// Plan takes what there is, as far as the limit goes. It waits for brokers that are away.
func (s *Source) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at, err := parsePlace(from)
	if err != nil {
		return dstream.Range{}, err
	}
	var wait broker.Patience
	defer wait.Over()
	for {
		r, err := s.plan(ctx, at, len(from) == 0, limit)
		if err == nil || !passes(err) {
			return r, err
		}
		s.since = s.now()
		if err := wait.Wait(ctx, err); err != nil {
			return r, err
		}
	}
}

// passes tells errors that pass by waiting.
func passes(err error) bool {
	k := broker.KindOf(err)
	return (k == broker.Away || k == broker.Moved) && !errors.Is(err, dstream.ErrPermanent)
}

// planned is a partition while a batch is planned.
type planned struct {
	topic  string
	number int32
	id     topicID
	leader int32
	next   int64 // the first offset that no batch has read; -1 = it is new
	end    int64 // behind the last record that may be read
	err    error // why nothing is known about it
}

func (p *planned) name() string { return splitName(p.topic, p.number) }

// key tells the partition also from one of an earlier topic of the name.
func (p *planned) key() string { return sarama.Uuid(p.id).String() + p.name() }

func (p *planned) query(time int64) *broker.Query {
	return &broker.Query{Topic: p.topic, Partition: p.number, Leader: p.leader, Time: time}
}

func (s *Source) plan(ctx context.Context, at place, first bool, limit dstream.Limit) (dstream.Range, error) {
	topics, err := s.subscribed(ctx)
	if err != nil {
		return dstream.Range{}, err
	}
	var lost losses
	at = at.clone()
	if err := s.compare(ctx, &at, topics, &lost); err != nil {
		return dstream.Range{}, err
	}
	parts := partsOf(at, topics)
	if err := s.ends(ctx, parts, first); err != nil {
		return dstream.Range{}, err
	}
	if err := s.begin(ctx, parts, first); err != nil {
		return dstream.Range{}, err
	}
	parts = at.settle(parts)
	if s.bounded {
		s.bound(&at, parts)
	}
	if err := s.check(ctx, &at, parts, &lost); err != nil {
		return dstream.Range{}, err
	}
	if err := lost.error(at); err != nil {
		return dstream.Range{}, err
	}
	return s.take(ctx, at, parts, limit)
}

// subscribed describes the topics that the URL means.
func (s *Source) subscribed(ctx context.Context) (map[string]broker.Topic, error) {
	since := s.now().Add(-s.refresh)
	if since.Before(s.since) {
		since = s.since
	}
	if s.pattern == nil {
		return s.view.some(ctx, s.topics, since)
	}
	there, err := s.view.all(ctx, since)
	for name, t := range there {
		if t.Internal || !s.pattern.MatchString(name) {
			delete(there, name)
		}
	}
	return there, err
}

// partsOf lists the partitions of all topics that can be used, in their order.
func partsOf(at place, topics map[string]broker.Topic) []*planned {
	var out []*planned
	for _, name := range at.names() {
		next := at.Topics[name].Next
		for i, p := range topics[name].Partitions {
			q := &planned{topic: name, number: int32(i), id: at.Topics[name].ID, leader: p.Leader, next: -1}
			if i < len(next) {
				q.next = next[i]
			}
			out = append(out, q)
		}
	}
	return out
}

// ends finds out how far partitions may be read. One whose leader is away is left for later, unless all are, or it is the first plan.
func (s *Source) ends(ctx context.Context, parts []*planned, first bool) error {
	queries := make([]*broker.Query, len(parts))
	for i, p := range parts {
		queries[i] = p.query(sarama.OffsetNewest)
	}
	s.cluster.Offsets(ctx, s.isolation, queries)
	answered := 0
	var failed error
	for i, q := range queries {
		parts[i].end, parts[i].err = q.Offset, q.Err
		switch {
		case q.Err == nil:
			answered++
		case ctx.Err() != nil || !passes(q.Err):
			return q.Err
		default:
			failed, s.since = q.Err, s.now()
		}
	}
	if failed != nil && (first || answered == 0) {
		return failed
	}
	return nil
}

// begin finds out where partitions begin that are new.
func (s *Source) begin(ctx context.Context, parts []*planned, first bool) error {
	if err := s.explicit(parts, first); err != nil {
		return err
	}
	var asked []*planned
	var queries []*broker.Query
	for _, p := range parts {
		if p.next >= 0 || p.err != nil {
			continue
		}
		if begun, ok := s.begun[p.key()]; ok {
			p.next = begun
			continue
		}
		from := sarama.OffsetOldest
		if first {
			from = s.start.time
		}
		asked, queries = append(asked, p), append(queries, p.query(from))
	}
	if len(asked) == 0 {
		return nil
	}
	s.cluster.Offsets(ctx, s.isolation, queries)
	for i, q := range queries {
		if q.Err != nil {
			return q.Err
		}
		if q.Offset < 0 { // no record is that late
			q.Offset = asked[i].end
		}
		asked[i].next = q.Offset
		s.begun[asked[i].key()] = q.Offset
	}
	return nil
}

// explicit takes the first offsets of partitions from start_offsets.
func (s *Source) explicit(parts []*planned, first bool) error {
	if !first || s.start.offsets == nil {
		return nil
	}
	for n := range s.start.offsets {
		if int(n) >= len(parts) {
			return dstream.Permanent(fmt.Errorf("%s: start_offsets: topic %s has no partition %d, only %d", s.access, s.topics[0], n, len(parts)))
		}
	}
	for _, p := range parts {
		offset, ok := s.start.offsets[p.number]
		if !ok || p.err != nil {
			continue
		}
		if offset > p.end {
			return dstream.Permanent(fmt.Errorf("%s: start_offsets: %s ends at offset %d, before %d", s.access, p.name(), p.end, offset))
		}
		p.next = offset
	}
	return nil
}

// settle enters where partitions begin, and returns those that something is known about. Behind a new partition of which nothing is
// known no other of its topic can be entered.
func (p place) settle(parts []*planned) []*planned {
	var out []*planned
	for _, x := range parts {
		t := p.Topics[x.topic]
		if int(x.number) == len(t.Next) && x.next >= 0 {
			t.Next = append(t.Next, x.next)
		}
		if int(x.number) < len(t.Next) {
			out = append(out, x)
		}
	}
	return out
}

// bound ends partitions where the first plan found their ends.
func (s *Source) bound(at *place, parts []*planned) {
	if at.Until == nil && s.until == nil {
		s.until = map[string][]int64{}
		for _, p := range parts {
			s.until[p.topic] = append(s.until[p.topic], max(p.end, p.next))
		}
	}
	if at.Until == nil {
		at.Until = s.until
	}
	for _, p := range parts {
		until := int64(0) // of a topic or partition that came later
		if ends := at.Until[p.topic]; int(p.number) < len(ends) {
			until = ends[p.number]
		}
		p.end = min(p.end, max(until, p.next))
	}
}

// take makes splits of what there is, within the limit, and moves at behind them.
func (s *Source) take(ctx context.Context, at place, parts []*planned, limit dstream.Limit) (dstream.Range, error) {
	lags := make([]int64, len(parts))
	var notes []string
	for i, p := range parts {
		if p.err != nil {
			notes = append(notes, p.err.Error())
			continue
		}
		lags[i] = max(p.end-p.next, 0)
	}
	rows, err := s.rows(ctx, limit, parts, lags)
	if err != nil {
		return dstream.Range{}, err
	}
	var r dstream.Range
	done := s.bounded
	for i, n := range shares(rows, lags) {
		p := parts[i]
		r.Splits = append(r.Splits, p.cut(n, s.split)...)
		at.Topics[p.topic].Next[p.number] += n
		r.Lag += lags[i] - n
		done = done && p.err == nil && lags[i] == n && p.next+n >= at.end(p)
	}
	r.Ended = done
	r.Note = s.note(at, notes)
	r.To, err = at.offsets()
	return r, err
}

// end is where a bounded source ends a partition; 0 for one that it does not read.
func (p place) end(x *planned) int64 {
	if ends := p.Until[x.topic]; int(x.number) < len(ends) {
		return ends[x.number]
	}
	return 0
}

// note is what a person should know, at most a few lines of it.
func (s *Source) note(at place, notes []string) string {
	notes = append(notes, s.open()...)
	if s.pattern != nil && len(at.Topics) == 0 {
		notes = append(notes, "no topic matches pattern="+s.pattern.String())
	}
	if failed := s.progress.failure(); failed != "" {
		notes = append(notes, failed)
	}
	slices.Sort(notes)
	if n := len(notes); n > 3 {
		notes = append(notes[:3], fmt.Sprintf("and %d more", n-3))
	}
	return strings.Join(notes, "; ")
}
