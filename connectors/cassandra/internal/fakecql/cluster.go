package fakecql

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gocql/gocql"
)

// Options says what to start.
type Options struct {
	Nodes int // 0 = 1
	// User and Password, if set, are asked for.
	User, Password string
}

// Cluster is nodes with one store behind them.
type Cluster struct {
	Nodes []*Node
	o     Options

	mu     sync.Mutex
	tables map[string]*table // guarded by mu, and all in it
	script atomic.Pointer[func(Request) Answer]
}

// Request is what a script sees.
type Request struct {
	Node      int
	Text      string // of the first statement
	Writes    int    // statements that write
	Timestamp int64
}

// Answer is what a script makes of a request. The zero value is the right answer.
type Answer struct {
	Code  int           // of an error; 0 and no Text = none
	Text  string        // of the error
	Apply bool          // it is applied although the answer is an error, or none
	Drop  bool          // the connection is closed instead of an answer
	Hang  bool          // there is no answer
	After time.Duration // the answer comes later
}

// Node is a listener.
type Node struct {
	ID, DC, Rack string
	Tokens       []int64
	Requests     atomic.Int64 // that wrote

	id         [16]byte
	number     int
	host, port string
	cluster    *Cluster

	mu       sync.Mutex
	listener net.Listener      // guarded by mu; nil = killed
	conns    map[net.Conn]bool // guarded by mu
	done     sync.WaitGroup
}

var subnets atomic.Int64

// Start starts a cluster that ends with the test. It has the keyspace ks, with as many copies as there are nodes, at most 3.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	o.Nodes = max(o.Nodes, 1)
	c := &Cluster{o: o}
	subnet := subnets.Add(1)
	for i := range o.Nodes {
		n := &Node{DC: "dc1", Rack: fmt.Sprintf("r%d", i), number: i, cluster: c, conns: map[net.Conn]bool{}}
		sum := sha256.Sum256([]byte{byte(i)})
		n.id = [16]byte(sum[:16])
		u, _ := gocql.UUIDFromBytes(n.id[:])
		n.ID = u.String()
		for k := range 4 {
			n.Tokens = append(n.Tokens, math.MinInt64+int64(uint64(k*o.Nodes+i+1)*(math.MaxUint64/uint64(4*o.Nodes+1))))
		}
		n.host, n.port = fmt.Sprintf("127.%d.%d.%d", 200+subnet/250, subnet%250, i+1), "0"
		c.Nodes = append(c.Nodes, n)
	}
	c.system()
	c.Keyspace("ks", min(o.Nodes, 3))
	for i := range c.Nodes {
		c.Revive(t, i)
	}
	t.Cleanup(func() {
		for i := range c.Nodes {
			c.Kill(i)
		}
	})
	return c
}

// Hosts is the addresses of the nodes.
func (c *Cluster) Hosts() (out []string) {
	for _, n := range c.Nodes {
		out = append(out, net.JoinHostPort(n.host, n.port))
	}
	return out
}

// Script has every request answered by f from now on; nil = rightly. f may be called by many at a time.
func (c *Cluster) Script(f func(Request) Answer) {
	if f == nil {
		c.script.Store(nil)
		return
	}
	c.script.Store(&f)
}

// Kill ends a node, as if its process were.
func (c *Cluster) Kill(i int) {
	n := c.Nodes[i]
	n.mu.Lock()
	if n.listener != nil {
		_ = n.listener.Close()
		n.listener = nil
	}
	for conn := range n.conns {
		_ = conn.Close()
	}
	n.mu.Unlock()
	n.done.Wait()
}

// Revive starts a node that was killed, at its old address.
func (c *Cluster) Revive(t testing.TB, i int) {
	t.Helper()
	n := c.Nodes[i]
	l, err := net.Listen("tcp", net.JoinHostPort(n.host, n.port))
	if err != nil {
		t.Fatal(err)
	}
	_, n.port, _ = net.SplitHostPort(l.Addr().String())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listener = l
	n.done.Go(func() { n.accept(l) })
}

// Exec runs a statement without values, past the script.
func (c *Cluster) Exec(t testing.TB, text string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.parse(text); err != nil {
		t.Fatal(err)
	}
}

// Rows is what a reader sees of a table: the values' bytes by column.
func (c *Cluster) Rows(name string) []map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[name]
	if t == nil {
		return nil
	}
	return t.find(nil)
}

// Drop removes a table.
func (c *Cluster) Drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, name)
}

func (n *Node) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		n.mu.Lock()
		if n.listener == nil {
			_ = conn.Close()
		} else {
			n.conns[conn] = true
			n.done.Go(func() { n.serve(conn) })
		}
		n.mu.Unlock()
	}
}

// serve answers the requests of a connection, each in its own time.
func (n *Node) serve(c net.Conn) {
	var pending sync.WaitGroup
	var writing sync.Mutex
	ended := make(chan struct{})
	defer func() {
		close(ended)
		_ = c.Close()
		pending.Wait()
		n.mu.Lock()
		delete(n.conns, c)
		n.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		f, err := readFrame(in)
		if err != nil {
			return
		}
		out, how := n.answer(f)
		switch {
		case how.Drop:
			return
		case how.Hang:
			continue
		}
		out.stream = f.stream
		pending.Go(func() {
			if how.After > 0 {
				select {
				case <-time.After(how.After):
				case <-ended:
				}
			}
			writing.Lock()
			defer writing.Unlock()
			_, _ = c.Write(out.bytes())
		})
	}
}

// answer is a frame, and what the script wants.
func (n *Node) answer(f frame) (frame, Answer) {
	r := &reader{f.body}
	switch f.op {
	case opOptions:
		return frame{op: opSupported, body: []byte{0, 0}}, Answer{}
	case opStartup:
		if n.cluster.o.User != "" {
			w := &writer{}
			w.text("org.apache.cassandra.auth.PasswordAuthenticator")
			return frame{op: opAuthenticate, body: w.b}, Answer{}
		}
		return frame{op: opReady}, Answer{}
	case opAuthResponse:
		if r.long() != "\x00"+n.cluster.o.User+"\x00"+n.cluster.o.Password {
			return failure(0x0100, "Provided username and/or password are incorrect"), Answer{}
		}
		return frame{op: opAuthSuccess, body: []byte{0xff, 0xff, 0xff, 0xff}}, Answer{}
	case opRegister:
		return frame{op: opReady}, Answer{}
	case opPrepare:
		return n.prepare(r.long()), Answer{}
	case opQuery:
		text := r.long()
		values, _, ts := r.parameters()
		return n.execute([]bound{{text, values}}, false, ts)
	case opExecute:
		text := r.text()
		values, bare, ts := r.parameters()
		return n.execute([]bound{{text, values}}, bare, ts)
	case opBatch:
		return n.batch(r)
	}
	return failure(0x000A, "unknown opcode"), Answer{}
}

// bound is a statement with its values.
type bound struct {
	text   string
	values []operand
}

func (n *Node) batch(r *reader) (frame, Answer) {
	r.number(1)
	var all []bound
	for range r.short() {
		var b bound
		if r.number(1) == 0 {
			b.text = r.long()
		} else {
			b.text = r.text()
		}
		b.values = r.values()
		all = append(all, b)
	}
	_, _, ts := (&reader{append(r.take(2), r.b...)}).parameters()
	return n.execute(all, false, ts)
}

func (n *Node) prepare(text string) frame {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	s, err := n.parse(text)
	if err != nil {
		return failureOf(err)
	}
	return frame{op: opResult, body: prepared(s)}
}

// parse finds the tables that each node has of its own, and those that all share.
func (n *Node) parse(text string) (statement, error) {
	if strings.Contains(text, " FROM system.") {
		return (&Cluster{tables: n.local()}).parse(text)
	}
	return n.cluster.parse(text)
}

func (n *Node) execute(all []bound, bare bool, ts int64) (frame, Answer) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	q := Request{Node: n.number, Text: all[0].text, Timestamp: ts}
	for _, b := range all {
		if len(b.text) > 6 && (b.text[:6] == "INSERT" || b.text[:6] == "DELETE") {
			q.Writes++
		}
	}
	if q.Writes > 0 {
		n.Requests.Add(1)
	}
	var how Answer
	if f := n.cluster.script.Load(); f != nil {
		how = (*f)(q)
	}
	wrong := how.Code != 0 || how.Text != "" || how.Drop || how.Hang
	if wrong && !how.Apply {
		return failure(how.Code, how.Text), how
	}
	out := n.apply(all, bare, ts)
	if wrong {
		out = failure(how.Code, how.Text)
	}
	return out, how
}

func (n *Node) apply(all []bound, bare bool, ts int64) (out frame) {
	for _, b := range all {
		s, err := n.parse(b.text)
		if err != nil {
			return failureOf(err)
		}
		switch {
		case s.verb == "create":
			w := &writer{}
			w.int(5)
			for _, t := range []string{"CREATED", "TABLE", "ks", "t"} {
				w.text(t)
			}
			out = frame{op: opResult, body: w.b}
			continue
		case len(b.values) != len(s.binds()):
			return failure(0x2200, "Invalid amount of bind variables")
		}
		found, err := s.run(b.values, ts)
		switch {
		case err != nil:
			return failure(0x2200, err.Error())
		case s.verb == "select":
			out = frame{op: opResult, body: rows(s, found, bare)}
		default:
			out = frame{op: opResult, body: []byte{0, 0, 0, 1}}
		}
	}
	return out
}

func failureOf(err error) frame {
	if errors.As(err, new(invalid)) {
		return failure(0x2200, err.Error())
	}
	return failure(0, err.Error())
}

// failure is an ERROR, with what its code needs behind the text.
func failure(code int, text string) frame {
	w := &writer{}
	w.int(code)
	w.text(text)
	switch code {
	case 0x1000: // unavailable: consistency, required, alive
		w.short(6)
		w.int(2)
		w.int(1)
	case 0x1100: // write timeout: consistency, received, required, kind
		w.short(6)
		w.int(1)
		w.int(2)
		w.text("SIMPLE")
	case 0x1500: // write failure: consistency, received, required, failures, kind
		w.short(6)
		w.int(1)
		w.int(2)
		w.int(0)
		w.text("SIMPLE")
	}
	return frame{op: opError, body: w.b}
}
