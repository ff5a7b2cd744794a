package schema

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
)

// Query runs a statement.
type Query func(ctx context.Context, cql string, args ...any) Rows

// Rows is the answer to a query: a *gocql.Iter is one.
type Rows interface {
	Scan(dest ...any) bool // false at the end, and after an error
	Close() error          // the first error
}

// Read returns what system_schema says about a table. If there is no such keyspace or table, the error is a *MissingError.
func Read(ctx context.Context, query Query, keyspace, name string) (*Table, error) {
	r := reading{ctx, query, &Table{Keyspace: keyspace, Name: name}}
	for _, step := range []func() error{r.keyspace, r.options, r.columns} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.t, nil
}

type reading struct {
	ctx   context.Context
	query Query
	t     *Table
}

// each scans the rows of a query into dest and calls got after each.
func (r reading) each(got func(), dest []any, cql string, args ...any) error {
	rows := r.query(r.ctx, cql, args...)
	for rows.Scan(dest...) {
		got()
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("read the schema of %s: %w", r.t, err)
	}
	return nil
}

func (r reading) keyspace() error {
	found := false
	err := r.each(func() { found = true }, []any{&r.t.Replication}, "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?", r.t.Keyspace)
	if err != nil || found {
		return err
	}
	names, err := r.names("SELECT keyspace_name FROM system_schema.keyspaces")
	if err != nil {
		return err
	}
	return &MissingError{Keyspace: r.t.Keyspace, Have: names, Make: createKeyspace(r.t.Keyspace)}
}

func (r reading) names(cql string, args ...any) (names []string, err error) {
	var name string
	err = r.each(func() { names = append(names, name) }, []any{&name}, cql, args...)
	slices.Sort(names)
	return names, err
}

// options reads what there is to know about a table besides its columns, and whether there is one.
func (r reading) options() error {
	found, seconds := false, 0
	for _, from := range []string{"tables WHERE keyspace_name = ? AND table_name = ?", "views WHERE keyspace_name = ? AND view_name = ?"} {
		err := r.each(func() { found = true }, []any{&seconds, &r.t.Comment},
			"SELECT default_time_to_live, comment FROM system_schema."+from, r.t.Keyspace, r.t.Name)
		if err != nil || found {
			r.t.TTL = time.Duration(seconds) * time.Second
			return err
		}
		r.t.View = true
	}
	names, err := r.names("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", r.t.Keyspace)
	if err != nil {
		return err
	}
	return &MissingError{Keyspace: r.t.Keyspace, Table: r.t.Name, Have: names}
}

func (r reading) columns() error {
	definitions, err := r.definitions()
	if err != nil {
		return err
	}
	var c Column
	var order, kind, text string
	var position int
	var failed error
	places := map[string]int{}
	got := func() {
		c.Role, c.Descending = roles[kind], order == "desc"
		places[c.Name] = position
		var err error
		if c.Type, err = cqltype.Parse(text, definitions); err != nil && failed == nil {
			failed = fmt.Errorf("column %s of %s: %w", c.Name, r.t, err)
		}
		r.t.Columns = append(r.t.Columns, c)
	}
	err = r.each(got, []any{&c.Name, &order, &kind, &position, &text},
		"SELECT column_name, clustering_order, kind, position, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?", r.t.Keyspace, r.t.Name)
	slices.SortFunc(r.t.Columns, func(a, b Column) int {
		return cmp.Or(cmp.Compare(min(a.Role, Static), min(b.Role, Static)), cmp.Compare(places[a.Name], places[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	if err == nil && failed == nil && len(r.t.Names(Partition)) == 0 {
		return fmt.Errorf("read the schema of %s: it has no partition key any more: it was dropped meanwhile", r.t)
	}
	return cmp.Or(err, failed)
}

var roles = map[string]Role{"partition_key": Partition, "clustering": Clustering, "static": Static, "regular": Regular}

// definitions reads the keyspace's user-defined types.
func (r reading) definitions() (map[string]cqltype.Definition, error) {
	out := map[string]cqltype.Definition{}
	var name string
	var d cqltype.Definition
	got := func() { out[name] = cqltype.Definition{Names: slices.Clone(d.Names), Types: slices.Clone(d.Types)} }
	return out, r.each(got, []any{&name, &d.Names, &d.Types}, "SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?", r.t.Keyspace)
}
