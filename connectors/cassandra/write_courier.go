package cassandra

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// courier delivers statements: to a replica, within its window, again if need be. All statements that it gets are idempotent. It is safe
// for concurrent use.
type courier struct {
	session         *cql.Session
	keyspace, table string

	mu     sync.Mutex
	gates  map[string]*gate // by node; guarded by mu
	budget budget           // guarded by mu
	stalls map[any]*stall   // of writes that wait, by the channel of their context; guarded by mu
}

func newCourier(s *cql.Session, keyspace, table string) *courier {
	return &courier{session: s, keyspace: keyspace, table: table, gates: map[string]*gate{}, budget: fullBudget, stalls: map[any]*stall{}}
}

// parcel is a statement, or a batch of one partition.
type parcel struct {
	token ring.Token
	bytes int
	// send sends it to the node that its context names. It may be called again.
	send func(ctx context.Context) error
}

// Attempts: the back-off doubles from the least to the most. After patientAttempts, or with the budget used up, we say that we wait; what the
// server failed of is given up then.
const (
	leastPause      = 50 * time.Millisecond
	mostPause       = 2 * time.Second
	patientAttempts = 4
)

// deliver sends a parcel until it has arrived. It returns an error only if the context ends, no retry mends it, or the server fails of it
// again and again. A cluster that is away or overloaded is waited for.
func (c *courier) deliver(ctx context.Context, p parcel) error {
	var tried []string
	var waits func()
	defer func() {
		if waits != nil {
			waits()
		}
	}()
	for attempt := 0; ; {
		node, class, err := c.attempt(ctx, p, tried)
		switch {
		case class == cql.Done:
			c.earn()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case class == cql.Ended && err == nil: // the node failed while we waited for a place
			continue
		case class == cql.Lasting:
			return lasting(err)
		case class == cql.Failed && attempt >= patientAttempts:
			return err
		}
		attempt++
		fresh := !slices.Contains(tried, node)
		tried = append(slices.DeleteFunc(tried, func(n string) bool { return n == node }), node)
		patient := c.spend() && attempt < patientAttempts
		if !patient && waits == nil {
			waits = c.tell(ctx, c.reason(node, class, err))
		}
		if patient && class == cql.Away && fresh && c.another(p.token, tried) {
			continue
		}
		if err := pause(ctx, attempt, patient); err != nil {
			return err
		}
	}
}

// attempt sends a parcel once.
func (c *courier) attempt(ctx context.Context, p parcel, tried []string) (string, cql.Class, error) {
	node := c.choose(p.token, tried)
	g := c.gate(node)
	number, err := g.enter(ctx, p.bytes)
	if err != nil || number == 0 {
		return node, cql.Ended, err
	}
	began := time.Now()
	err = p.send(cql.On(ctx, node))
	class := cql.Classify(err)
	if class == cql.Ended && ctx.Err() == nil {
		class = cql.Slow
	}
	g.leave(number, p.bytes, class, time.Since(began))
	return node, class, err
}

// choose is the node that a parcel goes to: of the replicas in the data centre that are up and were not tried yet the one with the least to
// do; else another node that is up; else any.
func (c *courier) choose(t ring.Token, tried []string) string {
	r := c.session.Ring()
	best, least := "", 0.0
	consider := func(n ring.Node, rank float64) {
		if n.DC != r.DC {
			return
		}
		if !c.session.Up(n.ID) {
			rank += 1e6
		}
		if i := slices.Index(tried, n.ID); i >= 0 {
			rank += 1e4 * float64(1+i) // again, first the one that was tried first
		}
		if rank += c.gate(n.ID).load(); best == "" || rank < least {
			best, least = n.ID, rank
		}
	}
	replicas := r.Replicas(c.keyspace, t)
	for _, i := range replicas {
		consider(r.Nodes[i], 0)
	}
	if best == "" || least >= 1e4 {
		for _, n := range r.Nodes {
			consider(n, 1e3)
		}
	}
	return best
}

// another tells whether there is a node that is up and was not tried.
func (c *courier) another(t ring.Token, tried []string) bool {
	node := c.choose(t, tried)
	return c.session.Up(node) && !slices.Contains(tried, node)
}

func (c *courier) gate(node string) *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.gates[node]
	if g == nil {
		g = newGate()
		c.gates[node] = g
	}
	return g
}

// pause sleeps before a next attempt, between half and all of the back-off.
func pause(ctx context.Context, attempt int, patient bool) error {
	d := mostPause
	if patient {
		d = min(leastPause<<(attempt-1), mostPause)
	}
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// budget bounds repeated statements to a tenth of all: a cluster that fails must not be asked for more than one that works.
type budget float64

const fullBudget budget = 100

func (c *courier) earn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget = min(c.budget+0.1, fullBudget)
}

// spend tells whether there is budget for a retry.
func (c *courier) spend() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budget < 1 {
		return false
	}
	c.budget--
	return true
}

// stall is that a write waits, told once for all of its statements.
type stall struct {
	statements int
	done       func()
}

// tell says what a write waits for, and returns what ends that.
func (c *courier) tell(ctx context.Context, reason string) func() {
	key := any(ctx.Done())
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stalls[key]
	if s == nil {
		s = &stall{done: dstream.Waiting(ctx, reason)}
		c.stalls[key] = s
	}
	s.statements++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.statements--; s.statements == 0 {
			delete(c.stalls, key)
			s.done()
		}
	}
}

// reason is what a statement waits for, in words.
func (c *courier) reason(node string, class cql.Class, err error) string {
	where := "cassandra"
	if r := c.session.Ring(); r != nil {
		if i := slices.IndexFunc(r.Nodes, func(n ring.Node) bool { return n.ID == node }); i >= 0 {
			where += " " + r.Nodes[i].Address
		}
	}
	var few *gocql.RequestErrUnavailable
	switch {
	case errors.As(err, &few):
		return fmt.Sprintf("%s: %d of the %d replicas that %s needs of a row of %s are up", where, few.Alive, few.Required, few.Consistency, c.table)
	case class == cql.Away:
		if why := c.session.Trouble(node); why != nil {
			return why.Error()
		}
	}
	return fmt.Sprintf("%s: %s: %v", where, class, err)
}
