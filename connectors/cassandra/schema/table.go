package schema

import (
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
)

// Table is a table, or a materialized view, as its keyspace describes it.
type Table struct {
	Keyspace, Name string
	Columns        []Column          // the partition key, the clustering key, then the others by name
	View           bool              // a materialized view: nobody may write to it
	TTL            time.Duration     // rows' life where a write does not say otherwise; 0 = for ever
	Comment        string            // of the table
	Replication    map[string]string // of the keyspace: class and options
}

// Column is a column of a table.
type Column struct {
	Name       string
	Type       cqltype.Type
	Role       Role
	Descending bool // Clustering: its rows stand in descending order
}

// Role says what a column is for.
type Role int

// The roles. Partition and Clustering columns, in this order, are the primary key.
const (
	Partition Role = iota
	Clustering
	Static // one value a partition
	Regular
)

// String returns the table's name as statements have it.
func (t *Table) String() string { return cqltype.Quote(t.Keyspace) + "." + cqltype.Quote(t.Name) }

// Column is the column of that name, nil if there is none.
func (t *Table) Column(name string) *Column {
	if i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name }); i >= 0 {
		return &t.Columns[i]
	}
	return nil
}

// Names returns the names of the columns of some roles, in order; of all columns without roles.
func (t *Table) Names(roles ...Role) []string {
	var out []string
	for _, c := range t.Columns {
		if len(roles) == 0 || slices.Contains(roles, c.Role) {
			out = append(out, c.Name)
		}
	}
	return out
}

// Counter reports whether the table counts: then all its columns outside the key are counters.
func (t *Table) Counter() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Type.ID == cqltype.Counter })
}

// Key is the primary key in CQL.
func (t *Table) Key() string { return keyText(t.Names(Partition), t.Names(Clustering)) }

func keyText(partition, clustering []string) string {
	return "PRIMARY KEY (" + strings.Join(append([]string{"(" + cqltype.QuoteAll(partition) + ")"}, quoted(clustering)...), ", ") + ")"
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = cqltype.Quote(n)
	}
	return out
}
