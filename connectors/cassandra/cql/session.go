package cql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/rdd/ring"
)

// Session is a connection to a cluster. It is safe for concurrent use.
type Session struct {
	o       Options
	ring    atomic.Pointer[Ring]
	live    atomic.Pointer[live]
	changed chan struct{} // of one: the ring is to be read again
	health  health
	turn    atomic.Uint64

	end  context.CancelFunc
	done sync.WaitGroup // the watch
}

// live is the gocql session of the moment.
type live struct {
	*gocql.Session
	policy *policy
	dialer *dialer
}

func (l *live) close() {
	l.dialer.close() // before gocql's own, which waits for answers
	l.Session.Close()
}

// Open connects, and reads the ring. It ends with its context. Close the session.
func Open(ctx context.Context, o Options) (*Session, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Session{o: o, changed: make(chan struct{}, 1)}
	l, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	s.live.Store(l)
	if err := errors.Join(s.readRing(ctx), s.checkKeyspace()); err != nil {
		l.close()
		return nil, err
	}
	watched, end := context.WithCancel(context.Background())
	s.end = end
	s.done.Go(func() { s.watch(watched) })
	return s, nil
}

// Close ends the session. Statements that are under way fail.
func (s *Session) Close() {
	s.end()
	s.done.Wait()
	s.live.Load().close()
}

// connect opens a gocql session with whichever contact point answers, or node that is known from before.
func (s *Session) connect(ctx context.Context) (*live, error) {
	contacts, err := s.o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	l := &live{policy: newPolicy(s.localDC, s.askRing), dialer: newDialer(s.o, contacts)}
	patient := context.AfterFunc(ctx, l.dialer.close)
	l.Session, err = s.config(contacts, l).CreateSession()
	if stopped := patient(); err == nil && stopped {
		return l, nil
	}
	l.dialer.close()
	if err == nil {
		l.Session.Close()
	}
	if errors.Is(ctx.Err(), context.Canceled) { // nobody wants to know more
		return nil, fmt.Errorf("connect to cassandra %s: %w", strings.Join(s.o.Hosts, ","), context.Canceled)
	}
	for _, c := range contacts { // the first that says more than gocql's text
		if why := l.dialer.failure(c.address.String()); why != nil {
			return nil, explain(c.address.String(), s.o, why)
		}
	}
	return nil, fmt.Errorf("connect to cassandra %s: %w", strings.Join(s.o.Hosts, ","), err)
}

// config is that of gocql 1.7. Its notes on what goes wrong there: the 10 s that it waits before it uses a node that came back are
// those of the server's status events, so we do without them and try nodes that are down every second instead.
func (s *Session) config(contacts []contact, l *live) *gocql.ClusterConfig {
	c := gocql.NewCluster()
	for _, a := range contacts {
		c.Hosts = append(c.Hosts, a.address.String())
	}
	c.Port, c.NumConns = s.o.Port, s.o.Connections
	c.Timeout, c.ConnectTimeout = s.o.Timeout, s.o.ConnectTimeout
	c.Consistency, c.DefaultIdempotence = s.o.Consistency, true
	c.ProtoVersion = 4
	c.WriteCoalesceWaitTime = 0 // a timer a frame costs more than it saves: what we send is batches already
	c.ReconnectInterval = time.Second
	c.ReconnectionPolicy = &gocql.ConstantReconnectionPolicy{MaxRetries: 1}
	c.MaxWaitSchemaAgreement = 10 * time.Second
	c.Events.DisableNodeStatusEvents = true
	c.PoolConfig.HostSelectionPolicy = l.policy
	c.HostDialer, c.ConnectObserver = l.dialer, l.dialer
	c.Logger = silent{}
	if s.o.User != "" {
		c.Authenticator = gocql.PasswordAuthenticator{Username: s.o.User, Password: s.o.Password}
	}
	return c
}

// silent drops what gocql logs: errors reach who waits for them.
type silent struct{}

// Print drops.
func (silent) Print(...any) {}

// Printf drops.
func (silent) Printf(string, ...any) {}

// Println drops.
func (silent) Println(...any) {}

// Query is a statement. Its consistency is the session's until it is told another.
func (s *Session) Query(ctx context.Context, text string, values ...any) *gocql.Query {
	return s.live.Load().Query(text, values...).WithContext(ctx)
}

// Batch is an unlogged batch without statements; append to its Entries, and give it to ExecuteBatch soon.
func (s *Session) Batch(ctx context.Context) *gocql.Batch {
	return s.live.Load().NewBatch(gocql.UnloggedBatch).WithContext(ctx)
}

// ExecuteBatch sends a batch.
func (s *Session) ExecuteBatch(b *gocql.Batch) error { return s.live.Load().ExecuteBatch(b) }

// ExecuteBatchCAS sends a batch with conditions, all on one partition, and tells whether they held: then all of it was applied, and else
// nothing. After an error it may have been.
func (s *Session) ExecuteBatchCAS(b *gocql.Batch) (applied bool, err error) {
	applied, rows, err := s.live.Load().MapExecuteBatchCAS(b, map[string]any{})
	if rows != nil {
		err = errors.Join(err, rows.Close())
	}
	return applied && err == nil, err
}

// DDL runs a statement that changes the schema, and waits until all nodes have it. A node that is away keeps the others waiting for 10 s.
func (s *Session) DDL(ctx context.Context, text string) error {
	err := s.Query(ctx, text).Exec() // gocql waits
	var answer gocql.RequestError
	if errors.As(err, &answer) && answer.Code() == gocql.ErrCodeUnauthorized {
		return permanent(err, "user %q may not change the schema; have somebody who may type: %s", s.o.User, text)
	}
	return err
}

// Ring is the cluster as it was last seen: at most a minute ago, or a second after it changed.
func (s *Session) Ring() *Ring { return s.ring.Load() }

// Route returns a context whose statements go to a replica of a token in the local data centre that is up, in turn; if none is connected,
// to another node of it.
func (s *Session) Route(ctx context.Context, keyspace string, t ring.Token) context.Context {
	r := s.Ring()
	var up, rest []string
	for _, n := range r.Replicas(keyspace, t) {
		if node := r.Nodes[n]; node.DC == r.DC && s.Up(node.ID) {
			up = append(up, node.ID)
		}
	}
	for _, node := range r.Nodes {
		if node.DC == r.DC && !slices.Contains(up, node.ID) {
			rest = append(rest, node.ID)
		}
	}
	if len(up) > 1 {
		first := int(s.turn.Add(1) % uint64(len(up)))
		up = append(up[first:len(up):len(up)], up[:first]...)
	}
	return On(ctx, append(up, rest...)...)
}

func (s *Session) localDC() string {
	if r := s.ring.Load(); r != nil {
		return r.DC
	}
	return s.o.DC
}

func (s *Session) askRing() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
