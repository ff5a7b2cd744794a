package cassandra

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
	"github.com/tidemill/tidemill/rdd/codec"
)

// layout is where the values of a row are among its cells: a cell a column that is written, the primary key first, and one for the time to
// live behind them if rows have their own.
type layout struct {
	table      *schema.Table
	columns    []placed
	partition  int   // cells of the partition key, the first
	key        int   // cells of the primary key, the first
	width      int   // all cells
	ttl        int   // the record's column of the rows' own time to live, -1 = none
	statics    []int // cells whose value is one a partition
	writeNulls bool
	// covers is whether a row that is written leaves nothing of the row that was deleted before in the same batch.
	covers         bool
	insert, remove string
}

// placed is a column that is written.
type placed struct {
	at   int // the record's column
	put  cqltype.Encoder
	name string
}

func newLayout(b *schema.Binding, rows *codec.Codec, ttl int, o sinkOptions) *layout {
	l := &layout{table: b.Table, ttl: ttl, writeNulls: o.writeNulls, partition: len(b.Partition), key: len(b.Partition) + len(b.Clustering)}
	order := slices.Concat(b.Partition, b.Clustering)
	for i := range b.Columns {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	for cell, i := range order {
		c := b.Columns[i]
		at := slices.IndexFunc(rows.Fields, func(f codec.Field) bool { return f.Name == c.Field.Name })
		l.columns = append(l.columns, placed{at, c.Put, c.Column.Name})
		if c.Column.Role == schema.Static {
			l.statics = append(l.statics, cell)
		}
	}
	l.width = len(l.columns)
	if ttl >= 0 {
		l.width++
	}
	l.covers = o.writeNulls && len(order) == len(b.Table.Columns)
	l.statements(o.ttl)
	return l
}

// statements makes the texts. Timestamps are not in them: the protocol has a place for those.
func (l *layout) statements(ttl time.Duration) {
	var names, keys []string
	for i, c := range l.columns {
		names = append(names, cqltype.Quote(c.name))
		if i < l.key {
			keys = append(keys, cqltype.Quote(c.name)+" = ?")
		}
	}
	l.insert = "INSERT INTO " + l.table.String() + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	switch {
	case l.ttl >= 0:
		l.insert += " USING TTL ?"
	case ttl > 0:
		l.insert += fmt.Sprintf(" USING TTL %d", int64(ttl/time.Second))
	}
	l.remove = "DELETE FROM " + l.table.String() + " WHERE " + strings.Join(keys, " AND ")
}

// withoutTTL returns the codec without the field tagged cassandra:"ttl", which is no column, and where that is; -1 = there is none.
func withoutTTL(c *codec.Codec) (*codec.Codec, int, error) {
	if c.Type.Kind() != reflect.Struct {
		return c, -1, nil
	}
	at := -1
	for _, f := range reflect.VisibleFields(c.Type) {
		switch tag := f.Tag.Get("cassandra"); {
		case tag == "" || tag == "-":
			continue
		case tag != "ttl":
			return nil, 0, fmt.Errorf("field %s is tagged cassandra:%q: known is cassandra:\"ttl\"", f.Name, tag)
		case at >= 0:
			return nil, 0, fmt.Errorf("two fields are tagged cassandra:\"ttl\": a row has one time to live")
		}
		name, _, _ := strings.Cut(f.Tag.Get("col"), ",")
		if name == "" {
			name = f.Name
		}
		at = slices.IndexFunc(c.Fields, func(g codec.Field) bool { return g.Name == name })
		if at < 0 || c.Fields[at].Kind != codec.Duration {
			return nil, 0, fmt.Errorf("field %s is tagged cassandra:\"ttl\": it must be a time.Duration", f.Name)
		}
	}
	if at < 0 {
		return c, -1, nil
	}
	rest := *c
	rest.Fields = slices.Delete(slices.Clone(c.Fields), at, at+1)
	return &rest, at, nil
}

// seconds is a row's own time to live, in whole seconds, rounded up; 0 leaves it to the table.
func seconds(col arrow.Array, row int) (int32, error) {
	if col.IsNull(row) {
		return 0, nil
	}
	d := time.Duration(col.(*array.Duration).Value(row))
	if d < 0 || d > schema.MaxTTL {
		return 0, fmt.Errorf("a time to live of %s: Cassandra takes 1 s to 20 years, and 0 leaves it to the table", d)
	}
	return int32((d + time.Second - 1) / time.Second), nil
}
