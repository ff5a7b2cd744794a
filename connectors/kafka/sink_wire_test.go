package kafka

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What may happen to a request on its way.
type mishap int

const (
	cut   mishap = iota // the connection ends before the broker has read the request
	loses               // the broker carries it out, and its answer is lost
	holds               // the connection ends, and the request arrives later, when it is let go
)

func (m mishap) String() string { return [...]string{"cut", "answer lost", "arrives late"}[m] }

// network is the connections to pretend brokers. One request of them meets with a mishap.
type network struct {
	mu      sync.Mutex
	key     int16
	nth     int // counts down
	mishap  mishap
	met     bool
	release chan struct{} // of the request that is held
}

// onNetwork starts brokers behind a network.
func onNetwork(t testing.TB, opts ...kfake.Opt) (*network, *kfake.Cluster) {
	n := &network{nth: -1, release: make(chan struct{})}
	listen := func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return tapped{l, n}, err
	}
	return n, fakeKafka(t, append(opts, kfake.ListenFn(listen))...)
}

// plan makes request number nth of a kind, from now on, meet with a mishap.
func (n *network) plan(key kmsg.Key, nth int, m mishap) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.key, n.nth, n.mishap = key.Int16(), nth, m
}

// calm ends the mishaps, and reports whether there was one.
func (n *network) calm() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nth = -1
	return n.met
}

func (n *network) meets(key int16) (mishap, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if key != n.key || n.nth < 0 {
		return 0, false
	}
	n.nth--
	n.met = n.met || n.nth < 0
	return n.mishap, n.nth < 0
}

type tapped struct {
	net.Listener
	n *network
}

func (l tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tap{Conn: c, n: l.n}, nil
}

// tap is the broker's end of a connection. It sees whole requests and answers.
type tap struct {
	net.Conn
	n    *network
	in   []byte       // of the request that the broker reads
	out  bytes.Buffer // answers that are not complete
	mu   sync.Mutex
	lose map[int32]bool // answers, by their correlation
}

func (c *tap) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *tap) next() error {
	frame := make([]byte, 4)
	if _, err := io.ReadFull(c.Conn, frame); err != nil {
		return err
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
	if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return err
	}
	m, met := c.n.meets(int16(binary.BigEndian.Uint16(frame[4:])))
	switch {
	case met && m == cut:
		_ = c.Conn.Close()
		return io.EOF
	case met && m == holds:
		_ = c.Conn.Close()
		<-c.n.release
	case met && m == loses:
		c.mu.Lock()
		c.lose = map[int32]bool{int32(binary.BigEndian.Uint32(frame[8:])): true}
		c.mu.Unlock()
	}
	c.in = frame
	return nil
}

func (c *tap) Write(p []byte) (int, error) {
	c.out.Write(p)
	for c.out.Len() >= 8 {
		b := c.out.Bytes()
		size := 4 + int(binary.BigEndian.Uint32(b))
		if len(b) < size {
			break
		}
		c.mu.Lock()
		lost := c.lose[int32(binary.BigEndian.Uint32(b[4:]))]
		c.mu.Unlock()
		if lost {
			_ = c.Conn.Close()
		} else if _, err := c.Conn.Write(b[:size]); err != nil {
			return 0, err
		}
		c.out.Next(size)
	}
	return len(p), nil
}
