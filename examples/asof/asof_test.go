package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

func TestAsOf(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks, s := c.Keyspace(t), c.Session(t, "")
	for _, statement := range []string{
		"CREATE TABLE %s.views (campaign_id text, window timestamp, views bigint, PRIMARY KEY (campaign_id, window))",
		"CREATE TABLE %s.late (ad_id text PRIMARY KEY, event_time timestamp)",
		"CREATE TABLE %s.tidemill_sinks (job text, sink text, target text, last_batch bigint, ts bigint, epoch bigint, PRIMARY KEY ((job, sink), target))",
		"INSERT INTO %s.views (campaign_id, window, views) VALUES ('c-1', '2026-01-01T00:00:10Z', 7) USING TIMESTAMP 5001",
		"INSERT INTO %s.late (ad_id, event_time) VALUES ('ad-1', '2026-01-01T00:00:03Z') USING TIMESTAMP 5001",
		"INSERT INTO %s.late (ad_id, event_time) VALUES ('ad-2', '2026-01-01T00:00:04Z') USING TIMESTAMP 6001", // of the batch that is being written
		"INSERT INTO %s.tidemill_sinks (job, sink, target, last_batch, ts) VALUES ('ads', 'views', 'views', 5, 5000)",
		"INSERT INTO %s.tidemill_sinks (job, sink, target, last_batch, ts) VALUES ('ads', 'late', 'late', 5, 5000)",
	} {
		if err := s.Query(fmt.Sprintf(statement, ks)).Exec(); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var out strings.Builder
	err := run(t.Context(), &out, []string{fmt.Sprintf("%s:%d", c.Hosts()[0], c.Port())}, ks, "ads")
	want := "as of batch 5: 1 windows, 1 late views\nc-1  2026-01-01 00:00:10       7 views\nlate: ad ad-1 at 2026-01-01 00:00:03\n"
	if err != nil || out.String() != want {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
