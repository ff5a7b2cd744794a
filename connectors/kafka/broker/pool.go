package broker

import (
	"context"
	"sync"
)

// Pool keeps connections that are not in use. Sarama runs one request of a connection after the other, decoding included, so who
// fetches at the same time needs a connection each. It is safe for concurrent use.
type Pool struct {
	access *Access

	mu     sync.Mutex
	idle   map[string][]*Link // by address
	closed bool
}

// mostIdle bounds the connections to one broker that are kept.
const mostIdle = 16

// NewPool returns an empty pool. Close it.
func NewPool(a *Access) *Pool { return &Pool{access: a, idle: map[string][]*Link{}} }

// Take returns a connection to the broker at addr, which is the caller's until it gives it back.
func (p *Pool) Take(ctx context.Context, addr string) (*Link, error) {
	p.mu.Lock()
	free, closed := p.idle[addr], p.closed
	var l *Link
	if n := len(free); n > 0 {
		l, p.idle[addr] = free[n-1], free[:n-1]
	}
	p.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case l != nil:
		return l, nil
	}
	return p.access.Open(ctx, addr)
}

// Give takes a connection back, and closes it if it is broken or not needed.
func (p *Pool) Give(l *Link) {
	if !p.keep(l) {
		l.Close()
	}
}

func (p *Pool) keep(l *Link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.broken || p.closed || len(p.idle[l.Addr]) >= mostIdle {
		return false
	}
	p.idle[l.Addr] = append(p.idle[l.Addr], l)
	return true
}

// Close closes the connections that are not in use, and later those that are given back.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = map[string][]*Link{}, true
	p.mu.Unlock()
	for _, links := range idle {
		for _, l := range links {
			l.Close()
		}
	}
}
