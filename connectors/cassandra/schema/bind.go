package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Mode is what rows are bound to a table for.
type Mode int

// The modes.
const (
	Scan  Mode = iota // rows are read
	Write             // rows are written
)

// Binding is which column of a table each field of a row is. It is immutable and safe for concurrent use.
type Binding struct {
	Table   *Table
	Rows    *codec.Codec
	Columns []Bound // of each field, in the codec's order

	// Partition and Clustering are the fields of the primary key's columns, in the order that the table has them. When reading, -1
	// stands for a column that the rows lack.
	Partition, Clustering []int
}

// Bound is a field and its column.
type Bound struct {
	Field  *codec.Field
	Column *Column
	Put    cqltype.Encoder // nil when reading
	Get    cqltype.Decoder // nil when writing
}

// MismatchError says all that keeps rows of a type from being rows of a table.
type MismatchError struct {
	Table    *Table
	Rows     string   // the row type
	Problems []string // each says what to do
}

// Error lists the problems.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("table %s does not fit rows of %s: %s", e.Table, e.Rows, strings.Join(e.Problems, "; "))
}

// Bind finds the column of each field. What does not fit makes a *MismatchError.
//
// For writing, the fields have to include the whole primary key, and to hold nothing that their columns do not; columns without a field are left
// as they are. For reading, each value is checked when it comes, and tags do not matter: they may name the key of a lookup.
func Bind(t *Table, c *codec.Codec, mode Mode) (*Binding, error) {
	b := &Binding{Table: t, Rows: c}
	var problems []string
	for i := range c.Fields {
		bound, err := t.bind(&c.Fields[i], mode)
		if err != nil {
			problems = append(problems, err.Error())
		}
		b.Columns = append(b.Columns, bound)
	}
	b.Partition, b.Clustering = fieldsOf(t.Names(Partition), c), fieldsOf(t.Names(Clustering), c)
	if mode == Write {
		problems = append(problems, t.refuse(c)...)
	}
	if len(c.Fields) == 0 {
		problems = append(problems, "the rows have no fields")
	}
	if len(problems) > 0 {
		return nil, &MismatchError{t, c.Type.String(), problems}
	}
	return b, nil
}

func (t *Table) bind(f *codec.Field, mode Mode) (b Bound, err error) {
	b.Field, b.Column = f, t.Column(f.Name)
	if b.Column == nil {
		return b, fmt.Errorf("it lacks the column %s%s: ALTER TABLE %s ADD %s, or tag the field col:\"-\"",
			cqltype.Quote(f.Name), didYouMean(t.Names(), f.Name), t, definition(f))
	}
	switch {
	case mode == Write && b.Column.Type.ID == cqltype.Tuple:
		err = errors.New(noTuple)
	case mode == Write:
		b.Put, err = cqltype.NewEncoder(b.Column.Type, f)
	default:
		b.Get, err = cqltype.NewDecoder(b.Column.Type, f)
	}
	if err != nil {
		err = fmt.Errorf("column %s: %w", cqltype.Quote(f.Name), err)
	}
	return b, err
}

// noTuple: gocql 1.7 counts the parts of a tuple as values of their own, and then has no types for them (conn.go, actualColCount). Inside of another type
// a tuple is one value like others.
const noTuple = "a tuple cannot be written as a column of its own, only inside of a collection: make it a user-defined type"

// refuse lists what keeps the rows from being written, the columns' types apart.
func (t *Table) refuse(c *codec.Codec) (problems []string) {
	if t.View {
		problems = append(problems, "it is a materialized view: write to the table that it is a view of")
	}
	for _, name := range t.Names(Partition, Clustering) {
		switch at := field(c, name); {
		case at < 0:
			problems = append(problems, fmt.Sprintf("the rows lack the column %s of its key, %s: add a field tagged col:%q", cqltype.Quote(name), t.Key(), name))
		case c.Fields[at].Nullable:
			problems = append(problems, fmt.Sprintf("column %s is part of its key and never null: make the field a %s instead of a pointer", cqltype.Quote(name), c.Fields[at].Type))
		}
	}
	if text := t.contradiction(c); text != "" {
		problems = append(problems, text)
	}
	return problems
}

// contradiction says that the tags name another key than the table's.
func (t *Table) contradiction(c *codec.Codec) string {
	partition, key := tagged(c)
	switch all := t.Names(Partition, Clustering); {
	case len(partition)+len(key) == 0:
		return ""
	case len(partition) == 0 && slices.Equal(key, all): // tags that other sinks know: what stands in front is up to the table
		return ""
	case slices.Equal(partition, t.Names(Partition)) && slices.Equal(key, t.Names(Clustering)):
		return ""
	}
	return fmt.Sprintf("its key is %s, but the rows' tags say %s: an existing table's key stands, so change the tags, or make another table", t.Key(), keyText(partition, key))
}

// tagged is the key that a row type asks for.
func tagged(c *codec.Codec) (partition, key []string) {
	for _, f := range c.Fields {
		switch {
		case f.Partition:
			partition = append(partition, f.Name)
		case f.Key:
			key = append(key, f.Name)
		}
	}
	return partition, key
}

func fieldsOf(names []string, c *codec.Codec) []int {
	out := make([]int, len(names))
	for i, name := range names {
		out[i] = field(c, name)
	}
	return out
}

// field is the place of the field of that name, -1 if there is none.
func field(c *codec.Codec, name string) int {
	return slices.IndexFunc(c.Fields, func(f codec.Field) bool { return f.Name == name })
}
