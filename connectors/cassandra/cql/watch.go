package cql

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gocql/gocql"
)

// health is what the nodes answered last.
type health struct {
	mu    sync.Mutex
	nodes map[string]pulse // by ID; guarded by mu
}

type pulse struct {
	err   error     // nil = it answered
	since time.Time // it is so
}

// Up tells whether a node answered when it was last asked, at most a second or two ago. A node that was not asked yet counts as up.
func (s *Session) Up(node string) bool {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.nodes[node].err == nil
}

// Trouble is what a node fails of, and what to do about it: how the last attempt to connect to it ended, or else what it answered when it was
// last asked. Nil if nothing is known against it.
func (s *Session) Trouble(node string) error {
	s.health.mu.Lock()
	err := s.health.nodes[node].err
	s.health.mu.Unlock()
	l := s.live.Load()
	h := l.policy.find(node)
	if h == nil {
		return err
	}
	if why := l.dialer.failure(h.ConnectAddressAndPort()); why != nil {
		err = why
	}
	if err == nil {
		return nil
	}
	return explain(h.ConnectAddressAndPort(), s.o, err)
}

// watch keeps the ring and the health of the nodes fresh, and replaces a session that is of no use any more.
func (s *Session) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	read := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.feel(ctx)
			if s.useless() {
				s.renew(ctx)
			}
			if time.Since(read) > time.Minute {
				s.askRing()
			}
		case <-s.changed:
			_ = s.readRing(ctx) // in vain, it is tried again within a minute; the ring that is known stays
			read = time.Now()
		}
	}
}

// feel asks every node of the data centre for a trifle.
func (s *Session) feel(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	l, r := s.live.Load(), s.Ring()
	var asked sync.WaitGroup
	for _, n := range r.Nodes {
		if n.DC == r.DC {
			asked.Go(func() {
				s.health.note(n.ID, l.Query("SELECT key FROM system.local WHERE key = 'local'").WithContext(On(ctx, n.ID)).Consistency(gocql.One).Exec())
			})
		}
	}
	asked.Wait()
}

func (h *health) note(node string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nodes == nil {
		h.nodes = map[string]pulse{}
	}
	was, known := h.nodes[node]
	if !known || (was.err == nil) != (err == nil) {
		was.since = time.Now()
	}
	h.nodes[node] = pulse{err, was.since}
}

// useless tells whether no node has answered for longer than our patience, or one is thought to be away that takes connections. With
// nodes that have connections and are only slow patience is longer: a new session would add to their load.
func (s *Session) useless() bool {
	r := s.Ring()
	none := true
	var unused []string
	s.health.mu.Lock()
	for _, n := range r.Nodes {
		p, asked := s.health.nodes[n.ID]
		if n.DC != r.DC || !asked {
			continue
		}
		bare, lasts := errors.Is(p.err, gocql.ErrNoConnections), time.Since(p.since)
		if p.err == nil || lasts < s.o.Patience || !bare && lasts < 10*s.o.Patience {
			none = false
		}
		if bare && lasts > 5*s.o.Patience {
			unused = append(unused, n.ID)
		}
	}
	s.health.mu.Unlock()
	return none || slices.ContainsFunc(unused, s.takesConnections)
}

func (s *Session) takesConnections(node string) bool {
	l := s.live.Load()
	h := l.policy.find(node)
	if h == nil || l.dialer.failure(h.ConnectAddressAndPort()) != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", h.ConnectAddressAndPort(), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// renew puts a new session in the place of the old one, if it can be had.
func (s *Session) renew(ctx context.Context) {
	l, err := s.connect(ctx)
	if err != nil {
		return
	}
	old := s.live.Swap(l)
	old.close()
	s.health.mu.Lock()
	s.health.nodes = nil
	s.health.mu.Unlock()
	_ = s.readRing(ctx)
}

// readRing asks the nodes in turn until one answers.
func (s *Session) readRing(ctx context.Context) error {
	l := s.live.Load()
	err := error(gocql.ErrNoConnections)
	for _, h := range *l.policy.hosts.Load() {
		var r *Ring
		if r, err = readRing(ctx, l.Session, h.HostID()); err == nil {
			l.fill(r)
			if r.DC, err = s.chooseDC(r); err != nil {
				return err
			}
			s.ring.Store(r)
			return nil
		}
	}
	return err
}

// fill puts the addresses in that we connect to, which may be others than the nodes believe.
func (l *live) fill(r *Ring) {
	for i, n := range r.Nodes {
		if h := l.policy.find(n.ID); h != nil {
			r.Nodes[i].Address = h.ConnectAddressAndPort()
		}
	}
}

// chooseDC is the data centre that was asked for, or that of the contact points.
func (s *Session) chooseDC(r *Ring) (string, error) {
	var all, contacts []string
	for _, n := range r.Nodes {
		if !slices.Contains(all, n.DC) {
			all = append(all, n.DC)
		}
		if _, named := s.contact(n.Address); named && !slices.Contains(contacts, n.DC) {
			contacts = append(contacts, n.DC)
		}
	}
	slices.Sort(all)
	switch {
	case s.o.DC != "" && !slices.Contains(all, s.o.DC):
		return "", permanent(nil, "there is no data centre %q: there are %s", s.o.DC, strings.Join(all, ", "))
	case s.o.DC != "":
		return s.o.DC, nil
	case len(contacts) > 1:
		slices.Sort(contacts)
		return "", permanent(nil, "the hosts are in the data centres %s: name one with dc=", strings.Join(contacts, ", "))
	case len(contacts) == 1:
		return contacts[0], nil
	}
	return r.DC, nil
}

// contact tells whether an address is that of a contact point.
func (s *Session) contact(address string) (string, bool) {
	host, _, _ := net.SplitHostPort(address)
	for _, h := range s.o.Hosts {
		if name, _, err := net.SplitHostPort(h); err == nil {
			h = name
		}
		if h == host {
			return h, true
		}
	}
	return "", false
}

// checkKeyspace fails if the keyspace is not there.
func (s *Session) checkKeyspace() error {
	r := s.Ring()
	if r == nil || s.o.Keyspace == "" {
		return nil
	}
	if _, ok := r.Replication(s.o.Keyspace); ok {
		return nil
	}
	own := slices.DeleteFunc(r.Keyspaces(), func(name string) bool { return name == "system" || strings.HasPrefix(name, "system_") })
	local := 0
	for _, n := range r.Nodes {
		if n.DC == r.DC {
			local++
		}
	}
	there := ""
	if len(own) > 0 {
		there = ", but " + strings.Join(own[:min(20, len(own))], ", ")
	}
	return permanent(nil, "there is no keyspace %q%s; name another, or have it made, with as many copies as you want: "+
		`CREATE KEYSPACE "%s" WITH replication = {'class': 'NetworkTopologyStrategy', '%s': %d}`, s.o.Keyspace, there, s.o.Keyspace, r.DC, min(3, local))
}
