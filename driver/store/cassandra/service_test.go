package cassandra

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/storetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// urlOf is the URL of a checkpoint in a keyspace of a cluster.
func urlOf(c *servicetest.CassandraCluster, keyspace, name, parameters string) string {
	var hosts []string
	for _, h := range c.Hosts() {
		hosts = append(hosts, fmt.Sprintf("%s:%d", h, c.Port()))
	}
	return fmt.Sprintf("cassandra://%s/%s/%s?%s", strings.Join(hosts, ","), keyspace, name, parameters)
}

func opened(t *testing.T, url string) *Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Store)
}

func TestConformanceOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	url := urlOf(c, "conformance", "ads", "replication=1")
	storetest.Run(t, func() store.Store { return opened(t, url) })
}
