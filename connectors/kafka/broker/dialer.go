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
	return d.end(&finalConn{Conn: c})
}

// finalConn is a connection on which nothing is read any more once reading has failed. Sarama asks for the versions a second time, on the
// same connection, if the first answer is late, and takes that answer, if it comes then, for the one to the second: all that is read
// afterwards answers the question before. Where a broker was stopped for longer than AnswerTimeout, that would end the job.
type finalConn struct {
	net.Conn
	err error // of the read that failed; sarama reads from one goroutine at a time
}

// Read reads, unless that has failed before.
func (c *finalConn) Read(b []byte) (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	n, c.err = c.Conn.Read(b)
	return n, c.err
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
