package cassandra

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// offsetLimit is how far a node's clock may be off before it is worth a word.
const offsetLimit = 500 * time.Millisecond

// nodes asks each node of the local data centre, and returns those that answer.
func (x *examination) nodes() (up []ring.Node) {
	r := x.session.Ring()
	elsewhere := 0
	for _, n := range r.Nodes {
		if n.DC != r.DC {
			elsewhere++
			continue
		}
		if x.node(n) {
			up = append(up, n)
		}
	}
	if elsewhere > 0 {
		x.add(dstream.Fine, "data centre "+r.DC, "", "is the local one; the %d nodes of others are not asked for anything", elsewhere)
	}
	return up
}

// node asks one node for its version and its time.
func (x *examination) node(n ring.Node) bool {
	subject := "node " + n.Address
	var version string
	var now gocql.UUID
	began := time.Now()
	err := x.session.Query(cql.On(x.ctx, n.ID), "SELECT release_version, now() FROM system.local WHERE key = 'local'").Consistency(gocql.One).Scan(&version, &now)
	took := time.Since(began)
	if err != nil {
		if why := x.session.Trouble(n.ID); why != nil {
			err = why
		}
		x.add(dstream.Broken, subject, "start it, or let this machine reach it; the job waits for nodes that it needs", "does not answer: %v", err)
		return false
	}
	off := now.Time().Sub(began.Add(took / 2))
	f := dstream.Finding{Subject: subject, Text: fmt.Sprintf("answers in %s, Cassandra %s, rack %s, %d tokens, %s", took.Round(100*time.Microsecond), version, n.Rack, len(n.Tokens), clockText(off, took))}
	switch {
	case off.Abs()-took/2 > offsetLimit:
		f.Severity = dstream.Doubtful
		f.Remedy = "keep both clocks by NTP: rows are written with the driver's time, so beside writers that take the node's time the wrong value may win"
	case older(version):
		f.Severity = dstream.Doubtful
		f.Remedy = "use Cassandra 4.0 or later: with this version the connector is not tested"
	}
	x.found = append(x.found, f)
	return true
}

func clockText(off, took time.Duration) string {
	if off.Abs() <= took/2+time.Millisecond {
		return "its clock agrees with ours"
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	return fmt.Sprintf("its clock is %s %s ours", off.Abs().Round(time.Millisecond), way)
}

func older(version string) bool {
	return strings.HasPrefix(version, "2.") || strings.HasPrefix(version, "3.")
}

// keyspaceOn looks whether the keyspace's copies fit the nodes that are there.
func (x *examination) keyspaceOn(up []ring.Node) {
	r := x.session.Ring()
	subject := "keyspace " + x.quotedKeyspace()
	rep, ok := r.Replication(x.address.keyspace)
	if !ok {
		x.add(dstream.Doubtful, subject, "", "its replication has a form that is not known here")
		return
	}
	local := 0
	for _, n := range r.Nodes {
		if n.DC == r.DC {
			local++
		}
	}
	factor, ok := rep.Factors[r.DC]
	if rep.Class == "SimpleStrategy" {
		factor, ok = rep.Factors[""], true
	}
	text := fmt.Sprintf("%s, %d copies in %s with %d nodes, of which %d answer; %s needs %d", rep.Class, factor, r.DC, local, len(up), x.consistency, copies(x.consistency, factor))
	alter := fmt.Sprintf("ALTER KEYSPACE %s WITH replication = {'class': 'NetworkTopologyStrategy', %s: %d}, and then run nodetool repair --full", x.quotedKeyspace(), cqltype.Literal(r.DC), min(3, local))
	switch {
	case !ok || factor == 0:
		x.add(dstream.Broken, subject, alter, "has no copies in the data centre %s: %s", r.DC, text)
	case factor > local:
		x.add(dstream.Doubtful, subject, alter, "wants more copies than there are nodes: %s", text)
	case copies(x.consistency, factor) > len(up):
		x.add(dstream.Broken, subject, "start the nodes that are down; the job waits until enough of them answer", "too few nodes answer: %s", text)
	case factor == 1 && local > 1:
		x.add(dstream.Doubtful, subject, alter, "each row is on one node only, without which the job waits: %s", text)
	default:
		x.add(dstream.Fine, subject, "", "%s", text)
	}
}

// copies is how many replicas of a data centre have to answer. Of QUORUM over several of them it is the local part.
func copies(c gocql.Consistency, factor int) int {
	switch c {
	case gocql.One, gocql.LocalOne:
		return 1
	case gocql.Two:
		return 2
	case gocql.Three:
		return 3
	case gocql.All:
		return factor
	}
	return factor/2 + 1
}

func (x *examination) quotedKeyspace() string { return cqltype.Quote(x.address.keyspace) }

// quotedRole is a role's name in a statement.
func quotedRole(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// notAuthorised tells the answer of a cluster whose authorizer lets everybody do everything.
func notAuthorised(err error) bool {
	var answer gocql.RequestError
	return errors.As(err, &answer) && answer.Code() == gocql.ErrCodeInvalid && strings.Contains(answer.Message(), "Authorizer")
}
