package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	clusterviews "github.com/tidemill/tidemill/cmd/cluster/views"
	"github.com/tidemill/tidemill/connectors/servicetest"
)

// TestCheckpointInCassandra keeps the log and the state in real Cassandra. An executor and then the driver are killed on the way: no
// directory that they share is needed to go on.
func TestCheckpointInCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	a := start(t, "ex-1")
	b := start(t, "ex-2", "--join", a.gossip)
	d := start(t, "ex-3", "--join", a.gossip)
	p := newPlace(t, "kept", 500_000)
	checkpoint := fmt.Sprintf("TIDEMILL_CHECKPOINT=cassandra://%s:%d/%s_kept?replication=1", c.Hosts()[0], c.Port(), c.Keyspace(t))
	first := p.driver(t, a.calls, "", checkpoint)
	for _, e := range []*executor{a, b, d} {
		e.says("the worker of job kept runs")
	}
	p.has(t, 1)
	d.kills()
	first.says("worker on ex-3", "is gone")
	p.has(t, p.rows(t)+1)
	first.kills()
	p.driver(t, b.calls, "", checkpoint).ends(0)
	p.exact(t)
}

// rows is how many there are in the job's table, 0 if it is not there yet.
func (p place) rows(t *testing.T) int {
	t.Helper()
	rows, err := clusterviews.Read(p.table())
	if err != nil {
		return 0
	}
	return len(rows)
}

// has waits for so many rows.
func (p place) has(t *testing.T, many int) {
	t.Helper()
	late := time.After(bound)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for p.rows(t) < many {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("there are %d rows, not %d", p.rows(t), many)
		}
	}
}

// kills ends a process with SIGKILL, and with it all that it started.
func (p *process) kills() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}
