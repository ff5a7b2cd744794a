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
	"github.com/tidemill/tidemill/driver/store"
)

func init() {
	store.Register("cassandra", func(ctx context.Context, u *url.URL, o store.OpenOptions) (store.Store, error) {
		s, err := Open(ctx, u, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	})
}

// Open connects to the cluster of a URL, and makes the tables of checkpoints in
// its keyspace unless they are there. Errors say what to do. The caller closes
// the store.
func Open(ctx context.Context, u *url.URL, o store.OpenOptions) (*Store, error) {
	set, err := parse(u, o)
	if err != nil {
		return nil, err
	}
	session, err := cql.Open(ctx, set.cql)
	if err != nil {
		return nil, err
	}
	t := tablesIn(set.keyspace)
	m := maker{session: session, set: set, tables: t}
	made, err := m.keyspace(ctx, o.ReadOnly)
	if err == nil {
		err = m.make(ctx, o.ReadOnly)
	}
	if err == nil && made { // so that the session knows where the keyspace's rows are
		session.Close()
		session, err = cql.Open(ctx, set.cql)
		if err != nil {
			return nil, err
		}
	}
	if err != nil {
		session.Close()
		return nil, err
	}
	return newStore(session, set, t, o.ReadOnly), nil
}

// maker makes what is missing. Of several at once, one makes a table and the
// others wait: tables that two make at the same time may come out twice.
type maker struct {
	session *cql.Session
	set     settings
	tables  tables
}

func (m maker) keyspace(ctx context.Context, readOnly bool) (made bool, err error) {
	there, err := m.there(ctx, "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?", m.set.keyspace)
	if err != nil || there {
		return false, err
	}
	if readOnly || m.set.replication == "" {
		return false, fmt.Errorf("there is no keyspace %s: make it, with three replicas if the cluster has as many nodes, or add replication=3 and it is made", m.set.keyspace)
	}
	return true, m.session.DDL(ctx, fmt.Sprintf("CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'NetworkTopologyStrategy', %s}",
		m.set.keyspace, m.replication()))
}

func (m maker) replication() string {
	var parts []string
	for r := range strings.SplitSeq(m.set.replication, ",") {
		dc, n, named := strings.Cut(r, ":")
		if !named {
			dc, n = m.session.Ring().DC, r
		}
		parts = append(parts, fmt.Sprintf("'%s': %s", dc, n))
	}
	return strings.Join(parts, ", ")
}

// make makes the tables, the one that Open looks for last.
func (m maker) make(ctx context.Context, readOnly bool) error {
	there, err := m.complete(ctx)
	if err != nil || there {
		return err
	}
	if readOnly {
		return fmt.Errorf("keyspace %s holds no checkpoint", m.set.keyspace)
	}
	for _, ddl := range m.tables.ddl() {
		if err := m.session.DDL(ctx, ddl); err != nil {
			return fmt.Errorf("make the tables of checkpoints in keyspace %s: %w", m.set.keyspace, err)
		}
	}
	return nil
}

func (m maker) complete(ctx context.Context) (bool, error) {
	for _, name := range tableNames {
		there, err := m.there(ctx, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?", m.set.keyspace, name)
		if err != nil || !there {
			return false, err
		}
	}
	return true, nil
}

// there asks one node: the schema is the same on all, or soon will be.
func (m maker) there(ctx context.Context, text string, args ...any) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, m.set.patience)
	defer cancel()
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		var name string
		err := m.session.Query(ctx, text, args...).Consistency(gocql.One).Scan(&name)
		if errors.Is(err, gocql.ErrNotFound) {
			return false, nil
		}
		if class := cql.Classify(err); class == cql.Done || class == cql.Lasting || class == cql.Ended {
			return err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(wait):
		}
	}
}
