package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/rdd/codec"
)

// affinity is how SQLite converts what is stored in a column.
type affinity string

const (
	integer affinity = "INTEGER"
	real    affinity = "REAL"
	textual affinity = "TEXT"
	blob    affinity = "BLOB"
	numeric affinity = "NUMERIC"
)

// affinityOf is the affinity of a declared type, by the rules of https://sqlite.org/datatype3.html §3.1.
func affinityOf(declared string) affinity {
	d := strings.ToUpper(declared)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(d, p) })
	}
	switch {
	case has("INT"):
		return integer
	case has("CHAR", "CLOB", "TEXT"):
		return textual
	case d == "" || has("BLOB"):
		return blob
	case has("REAL", "FLOA", "DOUB"):
		return real
	}
	return numeric
}

// declared is the type of the column that we make for a field.
func declared(f codec.Field) string {
	switch f.Kind {
	case codec.Bool:
		return "BOOLEAN"
	case codec.Float32, codec.Float64:
		return "REAL"
	case codec.Bytes, codec.FixedBytes:
		return "BLOB"
	case codec.Time:
		return "TIMESTAMP"
	case codec.String, codec.Struct, codec.List, codec.Array, codec.Map:
		return "TEXT"
	}
	return "INTEGER"
}

// holds reports whether a column of an affinity gives a field's values back as they were.
func holds(a affinity, f codec.Field) bool {
	if a == blob {
		return true // converts nothing
	}
	switch want := affinityOf(declared(f)); want {
	case integer:
		return a == integer || a == numeric
	case real:
		return a == real
	case numeric: // booleans and times
		return a == numeric || a == integer || a == textual && f.Kind == codec.Time
	default:
		return a == want
	}
}

// shape is the columns of a table.
type shape struct {
	columns    []string
	affinities []affinity
	key        []string // names of the primary key's columns, in its order
}

// shapeOf reads the columns of a table; none if there is no such table.
func shapeOf(ctx context.Context, c connection, table string) (shape, error) {
	var s shape
	position := map[int64]string{}
	err := query(ctx, c, "SELECT name, type, pk FROM pragma_table_info(?)", []driver.Value{table}, func(row []driver.Value) error {
		name, _ := row[0].(string)
		typ, _ := row[1].(string)
		s.columns, s.affinities = append(s.columns, name), append(s.affinities, affinityOf(typ))
		if pk, _ := row[2].(int64); pk > 0 {
			position[pk] = name
		}
		return nil
	})
	for i := int64(1); i <= int64(len(position)); i++ {
		s.key = append(s.key, position[i])
	}
	return s, err
}

// keyOf is the primary key that a row type asks for.
func keyOf(c *codec.Codec) (key []string) {
	for _, f := range c.Fields {
		if f.Partition {
			key = append(key, f.Name)
		}
	}
	for _, f := range c.Fields {
		if f.Key {
			key = append(key, f.Name)
		}
	}
	return key
}

// create is the statement that makes the table of a row type.
func create(table string, c *codec.Codec) string {
	var parts []string
	key := keyOf(c)
	for _, f := range c.Fields {
		column := quote(f.Name) + " " + declared(f)
		if !f.Nullable && f.Kind != codec.Float32 && f.Kind != codec.Float64 || slices.Contains(key, f.Name) {
			column += " NOT NULL"
		}
		parts = append(parts, column)
	}
	end := ")"
	if len(key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+strings.Join(quoted(key), ", ")+")")
		end = ") WITHOUT ROWID" // one tree instead of a table and its index
	}
	return "CREATE TABLE " + quote(table) + " (" + strings.Join(parts, ", ") + end
}

// find is the place of a column by its name, which SQLite compares without case; -1 if there is none.
func (s shape) find(name string) int {
	return slices.IndexFunc(s.columns, func(n string) bool { return strings.EqualFold(n, name) })
}

// differs says how a table differs from a row type, "" if it does not.
func (s shape) differs(c *codec.Codec) string {
	var out []string
	for _, f := range c.Fields {
		switch at := s.find(f.Name); {
		case at < 0:
			out = append(out, fmt.Sprintf("it lacks the column %s", f.Name))
		case !holds(s.affinities[at], f):
			out = append(out, fmt.Sprintf("its column %s is of affinity %s, which does not hold a %s", f.Name, s.affinities[at], f.Kind))
		}
	}
	for _, name := range s.columns {
		if !slices.ContainsFunc(c.Fields, func(f codec.Field) bool { return strings.EqualFold(f.Name, name) }) {
			out = append(out, fmt.Sprintf("it has a column %s, which the rows lack", name))
		}
	}
	if key := keyOf(c); len(key) > 0 && !slices.EqualFunc(key, s.key, strings.EqualFold) {
		out = append(out, fmt.Sprintf("its primary key is (%s), not (%s)", strings.Join(s.key, ", "), strings.Join(key, ", ")))
	}
	return strings.Join(out, "; ")
}

// query calls each for every row; the row is reused.
func query(ctx context.Context, c connection, q string, args []driver.Value, each func(row []driver.Value) error) (err error) {
	rows, err := c.QueryContext(ctx, q, named(nil, args...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// named numbers the values of a statement's parameters, reusing dst.
func named(dst []driver.NamedValue, values ...driver.Value) []driver.NamedValue {
	dst = dst[:0]
	for i, v := range values {
		dst = append(dst, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return dst
}
