package cassandra

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/tidemill/tidemill/rdd/ring"
)

func init() {
	dstream.RegisterSource("cassandra", func(e dstream.Endpoint) (dstream.Connector, error) { return openTable(e) })
}

// Source reads a table once, from the least token to the greatest. It is safe for concurrent use.
type Source struct {
	address
	tableOptions
	session *cql.Session
	columns *schema.Binding
	token   string // token(…) of the partition key, in CQL
}

// tableOptions is what only the URL of a source says.
type tableOptions struct {
	consistency gocql.Consistency
	pageBytes   int64 // of a page of rows, about
	splits      int64 // of the whole ring, at least; 0 = four a node
}

// parseTable reads the URL of a source.
func parseTable(e dstream.Endpoint) (a address, o tableOptions, err error) {
	p := param.Of(e.URL)
	if a, err = parseAddress(e.URL, p); err != nil {
		return a, o, err
	}
	if !e.URL.Query().Has("timeout") {
		a.options.Timeout = scanTimeout
	}
	o.consistency = consistencies[p.OneOf("consistency", "local_one", "one", "two", "three", "local_quorum", "quorum", "all")]
	o.pageBytes = p.Int("page_bytes", 1<<20, 1<<10, 8<<20)
	o.splits = p.Int("splits", 0, 0, 1<<12)
	a.options.Consistency = o.consistency
	return a, o, p.Err()
}

// scanTimeout is a little more than the 10 s after which the server itself gives a scan up (range_request_timeout).
const scanTimeout = 12 * time.Second

// openTable connects, and binds the table's columns to the rows' fields.
func openTable(e dstream.Endpoint) (*Source, error) {
	a, o, err := parseTable(e)
	if err != nil {
		return nil, err
	}
	session, err := a.connect()
	if err != nil {
		return nil, err
	}
	s := &Source{address: a, tableOptions: o, session: session}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s.columns, err = bindTable(ctx, session, a, e.Rows); err != nil {
		session.Close()
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), lasting(err))
	}
	s.token = "token(" + cqltype.QuoteAll(s.columns.Table.Names(schema.Partition)) + ")"
	return s, nil
}

func bindTable(ctx context.Context, session *cql.Session, a address, rows *codec.Codec) (*schema.Binding, error) {
	t, err := schema.Read(ctx, asking(session), a.keyspace, a.table)
	if err != nil {
		return nil, err
	}
	return schema.Bind(t, rows, schema.Scan)
}

// Close ends the session.
func (s *Source) Close() error {
	s.session.Close()
	return nil
}

// Places is the hosts that have the rows of a split, which lie together unless the ring has changed since.
func (s *Source) Places(c dstream.Split) []string {
	r := s.session.Ring()
	var out []string
	for _, n := range r.Replicas(s.keyspace, ring.Token(c.To)) {
		if node := r.Nodes[n]; node.DC == r.DC {
			host, _, err := net.SplitHostPort(node.Address)
			if err == nil {
				out = append(out, host)
			}
		}
	}
	return out
}

// selection is the statement for the rows of a range of tokens.
func (s *Source) selection() string {
	names := make([]string, len(s.columns.Columns))
	for i, c := range s.columns.Columns {
		names[i] = cqltype.Quote(c.Column.Name)
	}
	return "SELECT " + strings.Join(names, ", ") + s.inRange()
}

func (s *Source) inRange() string {
	return " FROM " + s.name() + " WHERE " + s.token + " > ? AND " + s.token + " <= ?"
}
