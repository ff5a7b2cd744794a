package cql

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gocql/gocql"
)

type targetKey struct{}

// On returns a context whose statements go to these nodes, by their IDs: to the first that is connected, and to no other node. If none is,
// the error is gocql.ErrNoConnections, and nothing was sent.
func On(ctx context.Context, nodes ...string) context.Context {
	return context.WithValue(ctx, targetKey{}, nodes)
}

// policy is gocql's choice of a host. Each gocql session has its own.
type policy struct {
	local   func() string // the data centre; "" = not known yet
	changed func()        // the ring or a host's state may have
	turn    atomic.Uint64
	up      atomic.Bool // a host was connected

	mu    sync.Mutex
	hosts atomic.Pointer[[]*gocql.HostInfo] // in the order of their IDs; replaced under mu
}

func newPolicy(local func() string, changed func()) *policy {
	p := &policy{local: local, changed: changed}
	p.hosts.Store(&[]*gocql.HostInfo{})
	return p
}

// Init is called by gocql.
func (p *policy) Init(*gocql.Session) {}

// SetPartitioner is called by gocql; readRing checks it.
func (p *policy) SetPartitioner(string) {}

// KeyspaceChanged is called by gocql: the replication may be another.
func (p *policy) KeyspaceChanged(gocql.KeyspaceUpdateEvent) { p.changed() }

// IsLocal tells whether a host is in the local data centre.
func (p *policy) IsLocal(h *gocql.HostInfo) bool {
	dc := p.local()
	return dc == "" || h.DataCenter() == dc
}

// Ready ends gocql's wait for connections to every node.
func (p *policy) Ready() bool { return p.up.Load() }

// AddHost is called by gocql for a new node, or one with a new address.
func (p *policy) AddHost(h *gocql.HostInfo) {
	p.replace(h.HostID(), h)
	p.changed()
}

// RemoveHost is called by gocql for a node that has left.
func (p *policy) RemoveHost(h *gocql.HostInfo) {
	p.replace(h.HostID(), nil)
	p.changed()
}

// HostUp is called by gocql when it has connected to a node.
func (p *policy) HostUp(h *gocql.HostInfo) {
	p.replace(h.HostID(), h)
	p.up.Store(true)
}

// HostDown is called by gocql when it has lost a node. It stays in the list: its state says so, and it may come back.
func (p *policy) HostDown(*gocql.HostInfo) {}

func (p *policy) replace(id string, h *gocql.HostInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*p.hosts.Load()), func(o *gocql.HostInfo) bool { return o.HostID() == id })
	if h != nil {
		next = append(next, h)
		slices.SortFunc(next, func(a, b *gocql.HostInfo) int { return strings.Compare(a.HostID(), b.HostID()) })
	}
	p.hosts.Store(&next)
}

func (p *policy) find(id string) *gocql.HostInfo {
	for _, h := range *p.hosts.Load() {
		if h.HostID() == id {
			return h
		}
	}
	return nil
}

// Pick returns the hosts to try for a statement, until one is connected.
func (p *policy) Pick(q gocql.ExecutableQuery) gocql.NextHost {
	if nodes, ok := q.(interface{ Context() context.Context }).Context().Value(targetKey{}).([]string); ok {
		return p.these(nodes)
	}
	hosts := *p.hosts.Load()
	i, from := 0, int(p.turn.Add(1)%(1<<31))
	return func() gocql.SelectedHost {
		for ; i < len(hosts); i++ {
			if h := hosts[(from+i)%len(hosts)]; p.IsLocal(h) {
				i++
				return chosen{h}
			}
		}
		return nil
	}
}

func (p *policy) these(nodes []string) gocql.NextHost {
	return func() gocql.SelectedHost {
		for len(nodes) > 0 {
			h := p.find(nodes[0])
			nodes = nodes[1:]
			if h != nil {
				return chosen{h}
			}
		}
		return nil
	}
}

type chosen struct{ h *gocql.HostInfo }

// Info is the host.
func (c chosen) Info() *gocql.HostInfo { return c.h }

// Mark is told how it went; health asks for itself.
func (c chosen) Mark(error) {}
