package broker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// Query asks for an offset of a partition.
type Query struct {
	Topic     string
	Partition int32
	Leader    int32
	Time      int64 // sarama.OffsetNewest, sarama.OffsetOldest, or ms since 1970: the first record of that time or later

	Offset int64 // the answer; -1 if no record is that late
	Err    error // instead of an answer, explained
}

// Offsets answers queries, each at the leader of its partition, with one request a broker. The newest offset is the one behind the last
// record: with sarama.ReadCommitted behind the last one before any transaction that is open.
func (c *Cluster) Offsets(ctx context.Context, isolation sarama.IsolationLevel, queries []*Query) {
	at := map[int32][]*Query{}
	for _, q := range queries {
		at[q.Leader] = append(at[q.Leader], q)
	}
	leaders := slices.Sorted(maps.Keys(at))
	if len(leaders) == 1 {
		c.offsetsAt(ctx, isolation, leaders[0], at[leaders[0]])
		return
	}
	var g errgroup.Group
	for _, l := range leaders {
		g.Go(func() error { c.offsetsAt(ctx, isolation, l, at[l]); return nil })
	}
	_ = g.Wait() // errors stand in the queries
}

func (c *Cluster) offsetsAt(ctx context.Context, isolation sarama.IsolationLevel, leader int32, queries []*Query) {
	request := sarama.NewOffsetRequest(oldest)
	request.IsolationLevel = isolation
	for _, q := range queries {
		request.AddBlock(q.Topic, q.Partition, q.Time, 1)
	}
	var answer *sarama.OffsetResponse
	addr := c.Address(leader)
	err := error(sarama.ErrLeaderNotAvailable)
	if addr != "" {
		err = c.Ask(ctx, addr, func(b *sarama.Broker) (err error) {
			answer, err = b.GetAvailableOffsets(request)
			return err
		})
	}
	for _, q := range queries {
		q.Offset, q.Err = -1, err
		if err == nil {
			q.Offset, q.Err = q.read(answer.GetBlock(q.Topic, q.Partition), addr)
		} else if addr == "" {
			q.Err = fmt.Errorf("kafka %s/%d: %w", q.Topic, q.Partition, err)
		}
	}
}

func (q *Query) read(b *sarama.OffsetResponseBlock, addr string) (int64, error) {
	switch {
	case b == nil:
		return -1, Explain("kafka "+addr, sarama.ErrIncompleteResponse)
	case b.Err != sarama.ErrNoError:
		return -1, Explain(fmt.Sprintf("kafka %s, %s/%d", addr, q.Topic, q.Partition), b.Err)
	}
	return b.Offset, nil
}
