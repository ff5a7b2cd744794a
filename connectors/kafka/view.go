package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// view is what the source knows about topics, each with the time at which it was asked for. It is safe for concurrent use, and
// asks once for all who want to know the same at the same time.
type view struct {
	cluster *broker.Cluster
	now     func() time.Time

	asking chan struct{} // holds one token: who has it asks

	mu     sync.Mutex
	topics map[string]seen
	listed time.Time // when all topics were asked for
}

// seen is what was known about a topic at a time.
type seen struct {
	broker.Topic
	at time.Time
}

func newView(c *broker.Cluster, now func() time.Time) *view {
	return &view{cluster: c, now: now, asking: make(chan struct{}, 1), topics: map[string]seen{}}
}

// topic describes one as it was at some time since. That it is not there is part of the answer.
func (v *view) topic(ctx context.Context, name string, since time.Time) (broker.Topic, error) {
	known := func() bool { return !v.peek(name).at.Before(since) }
	err := v.ask(ctx, known, func() error { return v.fetch(ctx, name) })
	return v.peek(name).Topic, err
}

// some describes topics of these names as they were at some time since.
func (v *view) some(ctx context.Context, names []string, since time.Time) (map[string]broker.Topic, error) {
	known := func() bool {
		return !slices.ContainsFunc(names, func(n string) bool { return v.peek(n).at.Before(since) })
	}
	err := v.ask(ctx, known, func() error { return v.fetch(ctx, names...) })
	out := map[string]broker.Topic{}
	for _, n := range names {
		out[n] = v.peek(n).Topic
	}
	return out, err
}

// all describes all topics as they were at some time since.
func (v *view) all(ctx context.Context, since time.Time) (map[string]broker.Topic, error) {
	known := func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return !v.listed.Before(since)
	}
	err := v.ask(ctx, known, func() error { return v.fetch(ctx) })
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]broker.Topic{}
	for n, t := range v.topics {
		if !errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition) {
			out[n] = t.Topic
		}
	}
	return out, err
}

func (v *view) ask(ctx context.Context, known func() bool, fetch func() error) error {
	if known() {
		return nil
	}
	select {
	case v.asking <- struct{}{}:
		defer func() { <-v.asking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if known() {
		return nil
	}
	return fetch()
}

// fetch asks for topics, all if none is named.
func (v *view) fetch(ctx context.Context, names ...string) error {
	at := v.now()
	got, err := v.cluster.Topics(ctx, names...)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(names) == 0 {
		clear(v.topics)
		v.listed = at
	}
	for _, n := range names {
		if _, ok := got[n]; !ok {
			got[n] = broker.Topic{Name: n, Err: sarama.ErrUnknownTopicOrPartition}
		}
	}
	for n, t := range got {
		v.topics[n] = seen{t, at}
	}
	return nil
}

func (v *view) peek(name string) seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.topics[name]
}

// leader is the address of a partition's leader as far as is known, "" if it is not.
func (v *view) leader(topic string, partition int32) string {
	if t := v.peek(topic); int(partition) < len(t.Partitions) {
		return v.cluster.Address(t.Partitions[partition].Leader)
	}
	return ""
}

// missing says that a topic is not there, and which ones have a name like it.
func (v *view) missing(ctx context.Context, name string) error {
	there, err := v.all(ctx, v.now())
	hint := "create it, or correct the name"
	if near := param.Nearest(name, slices.Sorted(maps.Keys(there))); err == nil && len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "? Else create it"
	}
	return dstream.Permanent(fmt.Errorf("%s: there is no topic %q: %s", v.cluster.Access, name, hint))
}
