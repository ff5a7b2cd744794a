package cassandra

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/internal/secure"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSink("cassandra", func(e dstream.Endpoint) (dstream.RecordSink, error) { return openSink(e) })
}

// address is what the URL of every endpoint says: where a table is, and how to get there.
type address struct {
	url             *url.URL
	keyspace, table string
	options         cql.Options
}

// parseAddress reads the part of the URL in front of the parameters, and those that are not the sink's or the table's own. The caller
// asks p for the others, and then for its error.
func parseAddress(u *url.URL, p *param.Set) (address, error) {
	a := address{url: u}
	var ok bool
	a.keyspace, a.table, ok = strings.Cut(strings.TrimPrefix(u.Path, "/"), ".")
	if !ok || a.keyspace == "" || a.table == "" || strings.ContainsAny(a.table, "/.") {
		return a, fmt.Errorf("%s: name the table: cassandra://host[:9042][,host2]/keyspace.table", u.Redacted())
	}
	if u.Host == "" {
		return a, fmt.Errorf("%s: name a host: cassandra://host[:9042][,host2]/%s.%s", u.Redacted(), a.keyspace, a.table)
	}
	config, err := secure.TLS(p)
	if err != nil {
		return a, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	password, _ := u.User.Password()
	a.options = cql.Options{
		Hosts: strings.Split(u.Host, ","), Keyspace: a.keyspace, User: u.User.Username(), Password: password, TLS: config,
		DC: p.String("dc", ""), Timeout: p.Duration("timeout", 6*time.Second, time.Millisecond),
		ConnectTimeout: p.Duration("connect_timeout", 5*time.Second, time.Millisecond),
	}
	return a, nil
}

// name is the table's, as statements have it.
func (a address) name() string { return cqltype.Quote(a.keyspace) + "." + cqltype.Quote(a.table) }

// connect opens a session. A cluster that cannot be reached is an error: nobody waits for it when a job starts.
func (a address) connect() (*cql.Session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*a.options.ConnectTimeout)
	defer cancel()
	s, err := cql.Open(ctx, a.options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.url.Redacted(), lasting(err))
	}
	return s, nil
}

// lasting marks errors that no retry mends for the engine.
func lasting(err error) error {
	var missing *schema.MissingError
	var misfit *schema.MismatchError
	if cql.Classify(err) == cql.Lasting || errors.As(err, &missing) || errors.As(err, &misfit) {
		return lastingError{err}
	}
	return err
}

// lastingError is an error that is dstream.ErrPermanent, and says no more than it says.
type lastingError struct{ error }

// Unwrap returns both.
func (e lastingError) Unwrap() []error { return []error{e.error, dstream.ErrPermanent} }

// asking is the session as package schema asks it.
func asking(s *cql.Session) schema.Query {
	return func(ctx context.Context, text string, args ...any) schema.Rows {
		return s.Query(ctx, text, args...).Consistency(gocql.One).Iter()
	}
}
