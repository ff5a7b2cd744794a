package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
)

// publisher commits offsets to a consumer group that nobody joins, so that tools that show lag see how far the job is. Nothing reads
// them for recovery, and nothing waits for them: the last one counts, once a second at most.
type publisher struct {
	cluster *broker.Cluster
	name    string // of the group; "" = publish nothing

	ctx    context.Context // of tries
	cancel context.CancelFunc
	stop   chan struct{} // closed by close
	done   sync.WaitGroup

	mu      sync.Mutex
	next    *place // not published yet
	running bool
	closed  bool
	err     error // of the last try
}

const (
	publishEvery    = time.Second
	publishPatience = 5 * time.Second // for one try
	closePatience   = time.Second     // for what is left at the end
)

func newPublisher(c *broker.Cluster, group string) *publisher {
	p := &publisher{cluster: c, name: group, stop: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// publish takes note of how far the job is.
func (p *publisher) publish(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.name == "" || p.closed {
		return
	}
	p.next = &at
	if !p.running {
		p.running = true
		p.done.Go(p.run)
	}
}

// run publishes until there is nothing left to.
func (p *publisher) run() {
	for {
		at := p.take()
		if at == nil {
			return
		}
		p.try(at)
		t := time.NewTimer(publishEvery)
		select {
		case <-t.C:
		case <-p.stop: // what is left comes at once
			t.Stop()
		}
	}
}

func (p *publisher) take() *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.next
	p.next, p.running = nil, at != nil
	return at
}

func (p *publisher) try(at *place) {
	ctx, cancel := context.WithTimeout(p.ctx, publishPatience)
	defer cancel()
	err := p.commit(ctx, at)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *publisher) commit(ctx context.Context, at *place) error {
	addr, err := p.cluster.Coordinator(ctx, p.name)
	if err != nil {
		return err
	}
	request := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: p.name, ConsumerGroupGeneration: sarama.GroupGenerationUndefined}
	for topic, t := range at.Topics {
		for i, next := range t.Next {
			request.AddBlockWithLeaderEpoch(topic, int32(i), next, -1, 0, "")
		}
	}
	return p.cluster.Ask(ctx, addr, func(b *sarama.Broker) error {
		answer, err := b.CommitOffset(request)
		if err != nil {
			return err
		}
		for _, partitions := range answer.Errors {
			for _, code := range partitions {
				if code != sarama.ErrNoError {
					return code
				}
			}
		}
		return nil
	})
}

// failure says what went wrong with the last try, "" if nothing did.
func (p *publisher) failure() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || errors.Is(p.err, context.Canceled) {
		return ""
	}
	hint := "use group= or group=none"
	if errors.Is(p.err, sarama.ErrUnknownMemberId) {
		hint = "somebody else consumes as this group: give another by group="
	}
	return fmt.Sprintf("progress is not published as group %s: %v: %s", p.name, p.err, hint)
}

// close publishes what is left, for a moment, and ends. Only the first call does anything.
func (p *publisher) close() {
	p.mu.Lock()
	was := p.closed
	p.closed = true
	p.mu.Unlock()
	if was {
		return
	}
	close(p.stop)
	enough := time.AfterFunc(closePatience, p.cancel)
	p.done.Wait()
	enough.Stop()
	p.cancel()
}
