package schema

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Options is what a row type does not say about its table.
type Options struct {
	Descending []string      // clustering columns whose rows stand in descending order, the newest first
	TTL        time.Duration // rows' life, in whole seconds; 0 = for ever
	Comment    string        // of the table
}

// MaxTTL is the longest life that Cassandra takes: 20 years of 365 days.
const MaxTTL = 20 * 365 * 24 * time.Hour

// Create is the statement that makes the table of a row type, if it is not there: with a column of the type cqltype.Default for each field, and the primary
// key that the tags say. Structs have to have a type, which it does not make.
func Create(keyspace, name string, c *codec.Codec, o Options) (string, error) {
	partition, key := tagged(c)
	if err := o.check(c, partition, key); err != nil {
		return "", fmt.Errorf("make the table %s.%s: %w", cqltype.Quote(keyspace), cqltype.Quote(name), err)
	}
	var parts []string
	for i := range c.Fields {
		f := &c.Fields[i]
		t, err := cqltype.Default(f)
		if err != nil {
			return "", fmt.Errorf("make the table %s.%s: column %s: %w", cqltype.Quote(keyspace), cqltype.Quote(name), cqltype.Quote(f.Name), err)
		}
		if t.ID == cqltype.Tuple {
			return "", fmt.Errorf("make the table %s.%s: column %s: %s, and then the table: %s", cqltype.Quote(keyspace), cqltype.Quote(name), cqltype.Quote(f.Name), noTuple, createType(keyspace, f))
		}
		parts = append(parts, cqltype.Quote(f.Name)+" "+t.String())
	}
	parts = append(parts, keyText(partition, key))
	return "CREATE TABLE IF NOT EXISTS " + cqltype.Quote(keyspace) + "." + cqltype.Quote(name) + " (" + strings.Join(parts, ", ") + ")" + o.with(key), nil
}

// Planned is the table that the statement of Create makes.
func Planned(keyspace, name string, c *codec.Codec) (*Table, error) {
	if _, err := Create(keyspace, name, c, Options{}); err != nil {
		return nil, err
	}
	t := &Table{Keyspace: keyspace, Name: name}
	for i := range c.Fields {
		f := &c.Fields[i]
		of, err := cqltype.Default(f)
		if err != nil {
			return nil, err
		}
		role := Regular
		switch {
		case f.Partition:
			role = Partition
		case f.Key:
			role = Clustering
		}
		t.Columns = append(t.Columns, Column{Name: f.Name, Type: of, Role: role})
	}
	slices.SortStableFunc(t.Columns, func(a, b Column) int { return int(a.Role) - int(b.Role) })
	return t, nil
}

// createType is the statement that makes a type for a struct.
func createType(keyspace string, f *codec.Field) string {
	var parts []string
	for i := range f.Fields {
		parts = append(parts, definition(&f.Fields[i]))
	}
	return "CREATE TYPE " + cqltype.Quote(keyspace) + "." + cqltype.Quote(f.Name) + " (" + strings.Join(parts, ", ") + ")"
}

func (o Options) check(c *codec.Codec, partition, key []string) error {
	if len(partition) == 0 {
		example := "campaign"
		if len(c.Fields) > 0 {
			example = c.Fields[0].Name
		}
		return fmt.Errorf("no field of %s is tagged as its partition key: rows with the same one lie together, and are found by it: tag it, as in `col:%q`, and the fields that tell rows of one partition apart `col:\"…,key\"`", c.Type, example+",partition")
	}
	for _, d := range o.Descending {
		if !slices.Contains(key, d) {
			return fmt.Errorf("descending order of %s, which is no field tagged key; those are (%s)", cqltype.Quote(d), cqltype.QuoteAll(key))
		}
	}
	if o.TTL < 0 || o.TTL > MaxTTL || o.TTL%time.Second != 0 {
		return fmt.Errorf("a time to live of %s: Cassandra takes whole seconds, at most %d", o.TTL, int64(MaxTTL/time.Second))
	}
	return nil
}

// with is the table's options.
func (o Options) with(key []string) string {
	var with []string
	if len(o.Descending) > 0 {
		order := quoted(key)
		for i, k := range key {
			if slices.Contains(o.Descending, k) {
				order[i] += " DESC"
			} else {
				order[i] += " ASC"
			}
		}
		with = append(with, "CLUSTERING ORDER BY ("+strings.Join(order, ", ")+")")
	}
	if o.TTL > 0 {
		with = append(with, fmt.Sprintf("default_time_to_live = %d", int64(o.TTL/time.Second)))
	}
	if o.Comment != "" {
		with = append(with, "comment = "+cqltype.Literal(o.Comment))
	}
	if len(with) == 0 {
		return ""
	}
	return " WITH " + strings.Join(with, " AND ")
}

// definition is a column for a field, as ALTER TABLE … ADD takes it.
func definition(f *codec.Field) string {
	t, err := cqltype.Default(f)
	if err != nil {
		return cqltype.Quote(f.Name) + " …"
	}
	return cqltype.Quote(f.Name) + " " + t.String()
}
