package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/IBM/sarama"
)

// Cluster asks the brokers about topics and offsets. It is safe for concurrent use. Its connections are apart from those that records
// are fetched on, so that a long fetch holds no plan up.
type Cluster struct {
	Access *Access
	pool   *Pool

	mu    sync.Mutex
	known map[int32]string // addresses of brokers, as the cluster names them
}

// Topic is what the cluster says about one.
type Topic struct {
	Name       string
	ID         sarama.Uuid // zero from brokers older than Kafka 2.8. A topic that is made again has another
	Internal   bool        // Kafka's own: consumer offsets, transactions
	Err        error       // sarama.ErrUnknownTopicOrPartition if there is none; nil if it can be used
	Partitions []Partition // by number
}

// Partition is what the cluster says about one.
type Partition struct {
	Leader   int32 // -1 = none
	Replicas int
	InSync   int
}

// NewCluster returns a cluster that nobody has been asked about yet. Close it.
func NewCluster(a *Access) *Cluster {
	return &Cluster{Access: a, pool: NewPool(a), known: map[int32]string{}}
}

// Close closes its connections.
func (c *Cluster) Close() { c.pool.Close() }

// Topics describes topics by name, all that there are if none is named. The error is explained; it is of the last broker asked.
func (c *Cluster) Topics(ctx context.Context, names ...string) (map[string]Topic, error) {
	out := map[string]Topic{}
	err := c.AskAny(ctx, func(b *sarama.Broker) error {
		answer, err := b.GetMetadata(sarama.NewMetadataRequest(oldest, names))
		if err != nil {
			return err
		}
		if len(answer.Brokers) == 0 { // a broker that is starting
			return sarama.ErrIncompleteResponse
		}
		c.learn(answer.Brokers)
		for _, t := range answer.Topics {
			out[t.Name] = topicOf(t)
		}
		return nil
	})
	return out, err
}

func topicOf(t *sarama.TopicMetadata) Topic {
	out := Topic{Name: t.Name, ID: t.Uuid, Internal: t.IsInternal}
	if t.Err != sarama.ErrNoError && t.Err != sarama.ErrLeaderNotAvailable {
		out.Err = t.Err
		return out
	}
	slices.SortFunc(t.Partitions, func(a, b *sarama.PartitionMetadata) int { return cmp.Compare(a.ID, b.ID) })
	for i, p := range t.Partitions {
		if p.ID != int32(i) {
			out.Err = sarama.ErrIncompleteResponse
			return out
		}
		out.Partitions = append(out.Partitions, Partition{Leader: p.Leader, Replicas: len(p.Replicas), InSync: len(p.Isr)})
	}
	return out
}

// learn remembers where brokers are.
func (c *Cluster) learn(brokers []*sarama.Broker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
	for _, b := range brokers {
		c.known[b.ID()] = b.Addr()
	}
}

// Address is where a broker is, "" if that is not known.
func (c *Cluster) Address(id int32) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[id]
}

// Addresses lists the brokers that the cluster has named, by number, and then those of the URL.
func (c *Cluster) Addresses() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, id := range slices.Sorted(maps.Keys(c.known)) {
		out = append(out, c.known[id])
	}
	for _, addr := range c.Access.Brokers {
		if !slices.Contains(out, addr) {
			out = append(out, addr)
		}
	}
	return out
}

// Ask runs a request on the broker at addr. The error is explained.
func (c *Cluster) Ask(ctx context.Context, addr string, request func(*sarama.Broker) error) error {
	l, err := c.pool.Take(ctx, addr)
	if err == nil {
		err = l.Ask(ctx, request)
		c.pool.Give(l)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return Explain("kafka "+addr, err)
}

// AskAny runs a request on any broker: on one after the other until it succeeds, or fails in a way that another broker would not mend.
func (c *Cluster) AskAny(ctx context.Context, request func(*sarama.Broker) error) error {
	var away []string
	for _, addr := range c.Addresses() {
		err := c.Ask(ctx, addr, request)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || KindOf(err) != Away:
			return err
		}
		away = append(away, err.Error())
	}
	return &AwayError{away}
}

// AwayError says that no broker could be reached.
type AwayError struct {
	Reasons []string // one a broker
}

// Error lists the reasons.
func (e *AwayError) Error() string {
	if len(e.Reasons) == 1 {
		return e.Reasons[0]
	}
	return "no broker of Kafka can be reached: " + strings.Join(e.Reasons, "; ")
}

// Is tells that waiting helps.
func (e *AwayError) Is(target error) bool { return target == sarama.ErrOutOfBrokers }

// Coordinator is the address of the broker that keeps a consumer group's offsets.
func (c *Cluster) Coordinator(ctx context.Context, group string) (addr string, err error) {
	err = c.AskAny(ctx, func(b *sarama.Broker) error {
		answer, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorKey: group})
		if err == nil && !errors.Is(answer.Err, sarama.ErrNoError) {
			err = answer.Err
		}
		if err == nil {
			addr = answer.Coordinator.Addr()
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("find the coordinator of group %q: %w", group, err)
	}
	return addr, err
}
