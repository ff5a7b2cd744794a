package servicetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
)

// table makes a table in a keyspace of its own and returns a session.
func table(t *testing.T, c *CassandraCluster) *gocql.Session {
	t.Helper()
	s := c.Session(t, c.Keyspace(t))
	if err := s.Query("CREATE TABLE t (k int PRIMARY KEY, v text)").Exec(); err != nil {
		t.Fatal(err)
	}
	return s
}

func insert(t *testing.T, s *gocql.Session, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		err := s.Query("INSERT INTO t (k, v) VALUES (?, ?)", i, "v").Idempotent(true).RetryPolicy(&gocql.SimpleRetryPolicy{NumRetries: 5}).Exec()
		if err != nil {
			t.Fatalf("insert %d: %v", i, err)
		}
	}
}

func rows(t *testing.T, c *CassandraCluster, keyspace string) (n int) {
	t.Helper()
	if err := c.Session(t, keyspace).Query("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

func TestOneNode(t *testing.T) {
	c := Cassandra(t, CassandraOptions{})
	ks := c.Keyspace(t)
	s := c.Session(t, ks)
	if err := s.Query("CREATE TABLE t (k int PRIMARY KEY, v text)").Exec(); err != nil {
		t.Fatal(err)
	}
	insert(t, s, 0, 500)
	c.Kill(0)
	c.Start(0)
	if n := rows(t, c, ks); n != 500 {
		t.Errorf("%d rows after SIGKILL, want 500", n)
	}
	c.Stop(0)
	c.Start(0)
	if n := rows(t, c, ks); n != 500 {
		t.Errorf("%d rows after SIGTERM, want 500", n)
	}

	c.Pause(0)
	config := c.Config()
	config.Timeout, config.ConnectTimeout = 200*time.Millisecond, 200*time.Millisecond
	if s, err := config.CreateSession(); err == nil {
		s.Close()
		t.Error("a paused node answers")
	}
	c.Resume(0)
	if n := rows(t, c, ks); n != 500 {
		t.Errorf("%d rows after a pause, want 500", n)
	}
}

// A batch's size is limited as users' servers limit it.
func TestBatchLimit(t *testing.T) {
	s := table(t, Cassandra(t, CassandraOptions{}))
	for size, want := range map[int]string{45 << 10: "", 55 << 10: "Batch too large"} {
		expect(t, fmt.Sprintf("%d bytes", size), want, func() error {
			b := s.NewBatch(gocql.UnloggedBatch)
			b.Query("INSERT INTO t (k, v) VALUES (1, ?)", strings.Repeat("x", size/2))
			b.Query("INSERT INTO t (k, v) VALUES (2, ?)", strings.Repeat("x", size/2))
			return s.ExecuteBatch(b)
		})
	}
}

func TestThreeNodes(t *testing.T) {
	c := Cassandra(t, CassandraOptions{Nodes: 3, Own: true})
	ks := c.Keyspace(t)
	s := c.Session(t, ks)
	if err := s.Query("CREATE TABLE t (k int PRIMARY KEY, v text)").Exec(); err != nil {
		t.Fatal(err)
	}
	insert(t, s, 0, 100)
	c.Kill(1)
	insert(t, s, 100, 200)
	c.Start(1)
	c.Kill(2)
	insert(t, s, 200, 300)
	if n := rows(t, c, ks); n != 300 {
		t.Errorf("%d rows, want 300", n)
	}
	dir := c.dir
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left := processesIn(dir); left != nil {
		t.Errorf("left running: %v", left)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}

func TestCassandraSecurity(t *testing.T) {
	c := Cassandra(t, CassandraOptions{TLS: true, ClientAuth: true, Auth: true})
	insert(t, table(t, c), 0, 1)
	for _, s := range []struct {
		name, want string // want "" is that it works
		change     func(*gocql.ClusterConfig)
	}{
		{"as it should be", "", func(*gocql.ClusterConfig) {}},
		{"no TLS", "unable to create session", func(s *gocql.ClusterConfig) { s.SslOpts = nil }},
		{"system's CAs", "unknown authority", func(s *gocql.ClusterConfig) { s.SslOpts.RootCAs = nil }},
		{"no certificate of its own", "unable to create session", func(s *gocql.ClusterConfig) { s.SslOpts.Certificates = nil }},
		{"no password", "authentication required", func(s *gocql.ClusterConfig) { s.Authenticator = nil }},
		{"wrong password", "incorrect", func(s *gocql.ClusterConfig) {
			s.Authenticator = gocql.PasswordAuthenticator{Username: c.User(), Password: c.Password() + "x"}
		}},
	} {
		config := c.Config()
		s.change(config)
		expect(t, s.name, s.want, func() error {
			session, err := config.CreateSession()
			if err == nil {
				session.Close()
			}
			return err
		})
	}
	expect(t, "make a role", "sufficient privileges", func() error {
		return c.Session(t, "").Query("CREATE ROLE another").Exec()
	})
}

// A node that dies at its start is reported then, with what it said, and nothing of it is left.
func TestNodeThatDies(t *testing.T) {
	_ = needs(t, cassandraRelease)
	dir := t.TempDir()
	_, err := StartCassandra(t.Context(), dir, CassandraOptions{Config: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") || !strings.Contains(err.Error(), "it has ended (exit status") {
		t.Errorf("%v", err)
	}
	if left := processesIn(dir); left != nil {
		t.Errorf("left running: %v", left)
	}
	if _, err := StartCassandra(t.Context(), dir, CassandraOptions{}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("in a folder with data: %v", err)
	}
}

func TestToken(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []int64
	}{{1, []int64{0}}, {2, []int64{-1 << 62, 1 << 62}}, {3, []int64{-6148914691236517206, 0, 6148914691236517202}}} {
		for i, want := range c.want {
			if got := token(i, c.n); got-want > 4 || want-got > 4 { // a third is rounded
				t.Errorf("token %d of %d is %d, want %d", i, c.n, got, want)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name, want string
		check      func() error
	}{
		{"two brokers", "2 brokers", func() error { _, err := KafkaOptions{Brokers: 2}.withDefaults(); return err }},
		{"four nodes", "4 nodes", func() error { _, err := CassandraOptions{Nodes: 4}.withDefaults(); return err }},
		{"certificates without TLS", "needs TLS", func() error { _, err := KafkaOptions{ClientAuth: true}.withDefaults(); return err }},
		{"certificates without TLS", "needs TLS", func() error { _, err := CassandraOptions{ClientAuth: true}.withDefaults(); return err }},
	} {
		expect(t, c.name, c.want, c.check)
	}
}
