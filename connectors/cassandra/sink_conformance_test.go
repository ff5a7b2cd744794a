package cassandra

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	independent "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// where tells the children of the suite, which are killed, the cluster and keyspace of their parent.
const where = "TIDEMILL_CASSANDRA_TEST"

// bed is a cluster, and a keyspace for the tables of a test.
type bed struct{ address, keyspace string }

func bedOf(t *testing.T) bed {
	at := os.Getenv(where)
	if at == "" {
		c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
		at = fmt.Sprintf("%s:%d/%s", c.Hosts()[0], c.Port(), c.Keyspace(t))
		t.Setenv(where, at)
	}
	address, keyspace, _ := strings.Cut(at, "/")
	return bed{address, keyspace}
}

// table is the name of a table for a folder of the suite.
func (b bed) table(dir string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(dir)))
	return fmt.Sprintf("t_%x", sum[:8])
}

func (b bed) url(dir, parameters string) string {
	return fmt.Sprintf("cassandra://%s/%s.%s?%s", b.address, b.keyspace, b.table(dir), parameters)
}

// reading opens a session of another driver than ours.
func reading(t testing.TB, address, keyspace string) *independent.Session {
	t.Helper()
	config := independent.NewCluster(address)
	config.Keyspace = keyspace
	s, err := config.CreateSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestSinkConformance(t *testing.T) {
	b := bedOf(t)
	var s *independent.Session
	made := map[string]bool{}
	conformance.Sink(t, conformance.Outlet[conformance.Row]{
		Open: func(dir string) (dstream.RecordSink, error) {
			if s == nil {
				s = reading(t, b.address, b.keyspace)
			}
			if !made[dir] {
				made[dir] = true
				if err := s.Query("CREATE TABLE IF NOT EXISTS " + b.table(dir) + " (id text PRIMARY KEY, text text, n bigint)").Exec(); err != nil {
					return nil, err
				}
			}
			return openSink(endpointOf[conformance.Row](t, b.url(dir, "")))
		},
		Row: conformance.NewRow,
		Same: func(i int) conformance.Row {
			r := conformance.NewRow(i)
			r.Text, r.N = r.Text+"!", 99
			return r
		},
		Read: func(dir string) (out []conformance.Row, err error) {
			rows := s.Query("SELECT id, text, n FROM " + b.table(dir)).Iter()
			var r conformance.Row
			for rows.Scan(&r.ID, &r.Text, &r.N) {
				out = append(out, r)
			}
			return out, rows.Close()
		},
	})
}

func TestKinds(t *testing.T) {
	b := bedOf(t)
	conformance.Kinds(t, func(dir string, c *codec.Codec) (dstream.RecordSink, error) {
		e := endpointOf[int64](t, b.url(dir, "create=true"))
		e.Rows = c
		return openSink(e)
	})
}
