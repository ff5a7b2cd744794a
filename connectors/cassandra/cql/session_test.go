package cql_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/internal/fakecql"
	"github.com/tidemill/tidemill/rdd/ring"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o cql.Options) *cql.Session {
	t.Helper()
	s, err := cql.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// until waits for something that happens in the session's own time.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it does not happen")
		}
	}
}

// asked counts the requests with some text, by node.
func asked(c *fakecql.Cluster, text string) func() map[int]int {
	seen := make(chan int, 1000)
	c.Script(func(r fakecql.Request) fakecql.Answer {
		if strings.Contains(r.Text, text) {
			seen <- r.Node
		}
		return fakecql.Answer{}
	})
	return func() map[int]int {
		out := map[int]int{}
		for len(seen) > 0 {
			out[<-seen]++
		}
		return out
	}
}

func TestRing(t *testing.T) {
	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
	r := open(t, cql.Options{Hosts: c.Hosts()[:1]}).Ring()
	if len(r.Nodes) != 3 || r.DC != "dc1" {
		t.Fatalf("the ring is %+v", r)
	}
	for _, n := range r.Nodes {
		found := false
		for i, f := range c.Nodes {
			if f.ID == n.ID {
				found = n.Address == c.Hosts()[i] && len(n.Tokens) == len(f.Tokens) && n.Rack == f.Rack
			}
		}
		if !found {
			t.Errorf("node %+v", n)
		}
	}
	if got := r.Replicas("ks", ring.Token(7)); len(got) != 3 {
		t.Errorf("replicas %v", got)
	}
	if got := r.Replicas("nowhere", 7); len(got) != 0 {
		t.Errorf("replicas %v of no keyspace", got)
	}
	if _, ok := r.Replication("ks"); !ok || len(r.Keyspaces()) != 1 {
		t.Errorf("keyspaces %v", r.Keyspaces())
	}
}

func TestStatementsGoWhereTheyAreSent(t *testing.T) {
	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
	c.Exec(t, "CREATE TABLE ks.t (k text, PRIMARY KEY (k))")
	s := open(t, cql.Options{Hosts: c.Hosts()})
	count := asked(c, "ks.t")
	ask := func(ctx context.Context) error { return s.Query(ctx, "SELECT k FROM ks.t").Exec() }
	for i, n := range c.Nodes {
		until(t, func() bool { return ask(cql.On(t.Context(), n.ID)) == nil })
		count()
		for range 5 {
			if err := ask(cql.On(t.Context(), n.ID)); err != nil {
				t.Fatal(err)
			}
		}
		if got := count(); got[i] != 5 || len(got) != 1 {
			t.Errorf("for node %d: %v", i, got)
		}
	}
	for range 30 {
		if err := ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); len(got) != 3 {
		t.Errorf("of no node in particular: %v", got)
	}
	for range 30 {
		if err := ask(s.Route(t.Context(), "ks", 7)); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); len(got) != 3 {
		t.Errorf("to replicas in turn: %v", got)
	}
	if err := ask(cql.On(t.Context(), "nobody")); cql.Classify(err) != cql.Away {
		t.Errorf("to a node that is not there: %v", err)
	}
}

// What is wrong is told when the session is opened, with what to do, and whether waiting helps.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	plain := fakecql.Start(t, fakecql.Options{})
	guarded := fakecql.Start(t, fakecql.Options{User: "mill", Password: "right"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o       cql.Options
		lasting bool
		want    string
	}{
		"no host":        {cql.Options{}, true, "no host is named"},
		"nobody listens": {cql.Options{Hosts: []string{nobody}}, false, "nobody listens there: is the node up"},
		"wrong password": {cql.Options{Hosts: guarded.Hosts(), User: "mill", Password: "wrong"}, true, `refuses user "mill": check user and password`},
		"no password":    {cql.Options{Hosts: guarded.Hosts()}, true, "wants a login: put user:password@"},
		"no user":        {cql.Options{Hosts: guarded.Hosts(), Password: "right"}, true, "a password without a user"},
		"no keyspace":    {cql.Options{Hosts: plain.Hosts(), Keyspace: "nowhere"}, true, `, but ks; name another, or have it made, with as many copies as you want: CREATE KEYSPACE "nowhere" WITH replication`},
		"no data centre": {cql.Options{Hosts: plain.Hosts(), DC: "dc7"}, true, `no data centre "dc7": there are dc1`},
		"no number":      {cql.Options{Hosts: []string{"127.0.0.1:http"}}, true, "the port is no number"},
		"name not found": {cql.Options{Hosts: []string{"nowhere.invalid"}}, false, "cannot be found: check the name"},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.ConnectTimeout = 2 * time.Second
			_, err := cql.Open(t.Context(), c.o)
			var lasting *cql.PermanentError
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &lasting) != c.lasting {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "wrong\"") {
				t.Errorf("the password is in %v", err)
			}
		})
	}
	s := open(t, cql.Options{Hosts: guarded.Hosts(), User: "mill", Password: "right", Keyspace: "ks", DC: "dc1"})
	if err := s.Query(t.Context(), "SELECT key FROM system.local").Exec(); err != nil {
		t.Error(err)
	}
}

// Open ends with its context, though the node takes the connection and says nothing.
func TestOpenEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
		}
		cancel()
	}()
	if _, err := cql.Open(ctx, cql.Options{Hosts: []string{l.Addr().String()}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A session outlives all nodes of its cluster.
func TestAllNodesRestart(t *testing.T) {
	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
	s := open(t, cql.Options{Hosts: c.Hosts(), Patience: 50 * time.Millisecond})
	for range 2 {
		for i := range c.Nodes {
			c.Kill(i)
		}
		until(t, func() bool { return !s.Up(c.Nodes[0].ID) && !s.Up(c.Nodes[2].ID) })
		if err := s.Trouble(c.Nodes[0].ID); err == nil || !strings.Contains(err.Error(), "nobody listens") {
			t.Errorf("the trouble is %v", err)
		}
		for i := range c.Nodes {
			c.Revive(t, i)
		}
		until(t, func() bool { return s.Query(t.Context(), "SELECT key FROM system.local").Exec() == nil })
		until(t, func() bool { return s.Up(c.Nodes[0].ID) })
	}
}

func TestClassify(t *testing.T) {
	for want, errs := range map[cql.Class][]error{
		cql.Done:    {nil},
		cql.Ended:   {context.Canceled, context.DeadlineExceeded},
		cql.Slow:    {gocql.ErrTimeoutNoResponse, gocql.ErrNoStreams},
		cql.Away:    {gocql.ErrNoConnections, gocql.ErrConnectionClosed, gocql.ErrSessionClosed, &net.OpError{Op: "read", Err: net.ErrClosed}},
		cql.Lasting: {&cql.PermanentError{Text: "x"}},
		cql.Failed:  {errors.New("x")},
	} {
		for _, err := range errs {
			if got := cql.Classify(err); got != want {
				t.Errorf("%v is %s, want %s", err, got, want)
			}
		}
	}
}
