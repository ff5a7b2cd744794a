package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// dialer makes the connections of sarama. It shakes hands itself, so that an error says why, and it can be stopped: sarama's own
// requests end with their answer or their timeout only.
type dialer struct {
	tls *tls.Config

	mu      sync.Mutex
	conn    net.Conn // the last one, if keep is set
	keep    bool
	stopped bool
	cancel  context.CancelFunc // of a dial that is under way
}

var errStopped = errors.New("the connection was given up")

// Dial connects to addr, and is encrypted when it returns.
func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), DialTimeout)
	defer cancel()
	if !d.begin(cancel) {
		return nil, errStopped
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil && d.tls != nil {
		c, err = encrypt(ctx, c, d.tls, addr)
	}
	if err != nil {
		return nil, err
	}
	return d.end(c)
}

func encrypt(ctx context.Context, c net.Conn, config *tls.Config, addr string) (net.Conn, error) {
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	x := tls.Client(c, config)
	if err := x.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return x, nil
}

func (d *dialer) begin(cancel context.CancelFunc) bool {
	if !d.keep {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel = cancel
	return !d.stopped
}

func (d *dialer) end(c net.Conn) (net.Conn, error) {
	if !d.keep {
		return c, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel, d.conn = nil, c
	if d.stopped {
		_ = c.Close()
		return nil, errStopped
	}
	return c, nil
}

// stop closes the connection under whatever request waits for it.
func (d *dialer) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.cancel != nil {
		d.cancel()
	}
	if d.conn != nil {
		_ = d.conn.Close()
	}
}
