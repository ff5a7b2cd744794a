package cassandra

import (
	"context"
	"fmt"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/dstream"
)

// Examine looks at the nodes, the keyspace and the table.
func (s *Source) Examine(ctx context.Context) []dstream.Finding {
	x := examination{ctx: ctx, address: s.address, session: s.session, consistency: s.consistency}
	x.cluster()
	x.table(s.columns.Table)
	x.settings("range_request_timeout", "read_request_timeout")
	return x.found
}

// Examine looks at the nodes, the keyspace, the table, and whether the table of control rows is there or can be made.
func (s *Sink) Examine(ctx context.Context) []dstream.Finding {
	x := examination{ctx: ctx, address: s.address, session: s.session, consistency: s.consistency}
	x.cluster()
	if s.unmade != "" {
		x.toMake("table "+s.layout.table.String(), s.unmade)
	} else {
		x.table(s.layout.table)
	}
	x.control(s.job, s.as)
	x.settings("write_request_timeout", "batch_size_fail_threshold", "native_transport_max_request_data_in_flight_per_ip")
	return x.found
}

// examination is what is looked at, and what was found.
type examination struct {
	address
	ctx         context.Context // of Examine, during which this lives
	session     *cql.Session
	consistency gocql.Consistency
	found       []dstream.Finding
}

func (x *examination) add(s dstream.Severity, subject, remedy, format string, args ...any) {
	x.found = append(x.found, dstream.Finding{Severity: s, Subject: subject, Text: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (x *examination) cluster() {
	up := x.nodes()
	if len(up) == 0 {
		return // each has said why
	}
	x.keyspaceOn(up)
}

// table says what the table is like. That it fits the rows was found when the endpoint was opened.
func (x *examination) table(t *schema.Table) {
	text := "fits the rows; " + t.Key()
	if t.TTL > 0 {
		text += ", rows live " + t.TTL.String()
	}
	x.add(dstream.Fine, "table "+t.String(), "", "%s", text)
}

// control looks whether sinks can leave their marks, and at the one of this sink.
func (x *examination) control(job, sink string) {
	c := newControl(x.address, newCourier(x.session, x.address.keyspace, x.address.name()))
	subject := "table " + c.name()
	t, err := schema.Read(x.ctx, asking(x.session), x.address.keyspace, controlTable)
	if err != nil {
		x.toMake(subject, c.ddl())
		return
	}
	x.add(dstream.Fine, subject, "", "is there, with %d columns", len(t.Columns))
	id := dstream.WriteID{Job: job, Sink: sink}
	m, found, err := c.read(x.ctx, id)
	switch ahead := time.Until(time.UnixMicro(m.ts)); {
	case err != nil:
		x.add(dstream.Broken, "mark of sink "+sink, "grant the user SELECT and MODIFY on the table, or start the nodes that are down", "%v", err)
	case found && ahead > 0:
		x.add(dstream.Doubtful, "mark of sink "+sink, "set the clock. A job that goes on from its checkpoint stays ahead of it; one that starts over is refused until then, unless its mark is forgotten: "+forget(c.name(), id),
			"batch %d was written with the time %s, %s ahead of this machine's clock", m.batch, time.UnixMicro(m.ts).UTC().Format(time.RFC3339), ahead.Round(time.Second))
	case found:
		x.add(dstream.Fine, "mark of sink "+sink, "", "batch %d was written last, with the time %s", m.batch, time.UnixMicro(m.ts).UTC().Format(time.RFC3339))
	}
}

// toMake says that a table is made when the job starts, if the user may.
func (x *examination) toMake(subject, text string) {
	if x.options.User == "" {
		x.add(dstream.Fine, subject, "", "is made when the job starts: %s", text)
		return
	}
	switch may, known := x.mayCreate(); {
	case may:
		x.add(dstream.Fine, subject, "", "is made when the job starts, and user %s may: %s", x.options.User, text)
	case known:
		x.add(dstream.Broken, subject, "have somebody who may type: "+text, "is not there, and user %s may not make it", x.options.User)
	default:
		x.add(dstream.Doubtful, subject, "if the job is refused, have somebody who may type: "+text, "is not there; whether user %s may make it is not known", x.options.User)
	}
}

// mayCreate asks whether the user may make tables in the keyspace. A cluster without authorisation does not list rights: everybody may.
func (x *examination) mayCreate() (may, known bool) {
	user := quotedRole(x.options.User)
	roles, err := x.session.Query(x.ctx, "LIST ROLES OF "+user).Consistency(gocql.One).Iter().SliceMap()
	for _, r := range roles {
		if super, _ := r["super"].(bool); super && err == nil {
			return true, true
		}
	}
	rights, err := x.session.Query(x.ctx, "LIST CREATE PERMISSION ON KEYSPACE "+x.quotedKeyspace()+" OF "+user).Consistency(gocql.One).Iter().SliceMap()
	if err != nil {
		return notAuthorised(err), notAuthorised(err)
	}
	return len(rights) > 0, true
}
