package kafka

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// layout says which columns of a row become what of a record. It is immutable.
type layout struct {
	key       []int // columns of the key; none = no key
	headers   int   // column; -1 = none, as below
	partition int
	timestamp int
	tombstone int
	as        int           // column that is the value as it is
	value     []int         // columns of the value
	by        []string      // columns of the key of rows that replace each other, as far as rows can be moved by them
	alone     bool          // they cannot
	schema    *arrow.Schema // of the value
	encoder   format.Encoder
	raw       bool // the value is the bytes of its only column
	quoted    bool // line ends may stand in quotes
}

// newLayout reads the tags of the row type. own is the parameters that are not the encoder's.
func newLayout(e dstream.Endpoint, key string, own []string) (*layout, error) {
	l := &layout{headers: -1, partition: -1, timestamp: -1, tombstone: -1, as: -1}
	tags := kafkaTags(e.Rows.Type)
	for i, f := range e.Rows.Fields {
		if err := l.place(i, f, tags[f.Offset], e.Rows.Scalar); err != nil {
			return nil, err
		}
	}
	if err := l.keyed(e.Rows, key); err != nil {
		return nil, err
	}
	return l, l.encode(e, own)
}

// kafkaTags are the kafka tags of a struct's fields, by their offset in a row. Embedded structs are part of it.
func kafkaTags(t reflect.Type) map[uintptr]string {
	out := map[uintptr]string{}
	if t.Kind() != reflect.Struct {
		return out
	}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("kafka")
		if !ok {
			continue
		}
		at := uintptr(0)
		for within, i := t, 0; i < len(f.Index); i++ {
			part := within.Field(f.Index[i])
			at, within = at+part.Offset, part.Type
		}
		out[at] = tag
	}
	return out
}

// place gives a column the role that its tag names.
func (l *layout) place(i int, f codec.Field, tag string, scalar bool) error {
	role, want, fits := &l.headers, "", true
	switch tag {
	case "key":
		if len(l.key) > 0 {
			return fmt.Errorf("field %s: two fields are tagged kafka:\"key\": tag one", f.Name)
		}
		l.key = []int{i}
		return keyable(f)
	case "headers":
		want, fits = "map[string]string or map[string][]byte", isHeaders(f)
	case "partition":
		role, want, fits = &l.partition, "an integer", f.Kind >= codec.Int8 && f.Kind <= codec.Uint64
	case "timestamp":
		role, want, fits = &l.timestamp, "time.Time", f.Kind == codec.Time
	case "tombstone":
		role, want, fits = &l.tombstone, "bool", f.Kind == codec.Bool
	case "value":
		role, want, fits = &l.as, "string or []byte", f.Kind == codec.String || f.Kind == codec.Bytes
		l.value = append(l.value, i)
	case "":
		l.value = append(l.value, i)
		return nil
	case "topic", "offset":
		return nil // which a source fills in, and a sink cannot choose
	default:
		return fmt.Errorf("field %s: kafka:%q is not known: there are key, value, headers, partition, timestamp, tombstone, topic and offset", f.Name, tag)
	}
	switch {
	case !fits:
		return fmt.Errorf("field %s is a %s: kafka:%q wants %s", f.Name, f.Type, tag, want)
	case *role >= 0:
		return fmt.Errorf("field %s: two fields are tagged kafka:%q: tag one", f.Name, tag)
	}
	*role = i
	return nil
}

func isHeaders(f codec.Field) bool {
	return f.Kind == codec.Map && f.Fields[0].Kind == codec.String && (f.Fields[1].Kind == codec.String || f.Fields[1].Kind == codec.Bytes)
}

// keyed finds the columns of the key, and whether rows replace each other by it.
func (l *layout) keyed(c *codec.Codec, name string) error {
	tagged := len(l.key) > 0
	if name != "" {
		at := slices.IndexFunc(c.Fields, func(f codec.Field) bool { return f.Name == name })
		if at < 0 || c.Scalar {
			return fmt.Errorf("key_column=%s: rows of %s have no such column: there are %s", name, c.Type, strings.Join(columnNames(c), ", "))
		}
		if tagged && l.key[0] != at {
			return fmt.Errorf("key_column=%s, but the field %s is tagged kafka:\"key\": leave one out", name, c.Fields[l.key[0]].Name)
		}
		if l.key = []int{at}; !slices.Contains(l.value, at) {
			l.value = append(l.value, at)
			slices.Sort(l.value)
		}
		if err := keyable(c.Fields[at]); err != nil {
			return err
		}
	}
	var replace []int
	for _, ofPartition := range []bool{true, false} {
		for i, f := range c.Fields {
			if f.Partition && ofPartition || f.Key && !ofPartition {
				replace = append(replace, i)
			}
		}
	}
	if len(l.key) == 0 {
		for _, i := range replace {
			if err := keyable(c.Fields[i]); err != nil {
				return err
			}
		}
		l.key = replace
	}
	if len(replace) > 0 || c.Type.Implements(reflect.TypeFor[interface{ Deleted() bool }]()) {
		l.moved(c)
	}
	return nil
}

// moved says by which columns the engine moves rows that replace each other: those of the key that it can move rows by. If there are
// none, all rows have to come from one partition.
func (l *layout) moved(c *codec.Codec) {
	for _, i := range l.key {
		if _, err := c.FieldsToken([]string{c.Fields[i].Name}); err == nil {
			l.by = append(l.by, c.Fields[i].Name)
		}
	}
	l.alone = len(l.key) > 0 && len(l.by) == 0
}

func columnNames(c *codec.Codec) (out []string) {
	for _, f := range c.Fields {
		out = append(out, f.Name)
	}
	return out
}

// encode chooses how values are written.
func (l *layout) encode(e dstream.Endpoint, own []string) (err error) {
	values := *e.URL // whose path is no file name
	values.Path, values.Opaque = "", ""
	of := dstream.Endpoint{Name: e.Name, URL: &values, Rows: e.Rows}
	columns := make([]arrow.Field, len(l.value))
	if len(l.value) < len(e.Rows.Fields) {
		of.Rows = &codec.Codec{Type: e.Rows.Type} // the encoder looks at the fields
		for _, i := range l.value {
			of.Rows.Fields = append(of.Rows.Fields, e.Rows.Fields[i])
		}
	}
	for k, i := range l.value {
		columns[k] = e.Rows.Schema().Field(i)
	}
	l.schema = arrow.NewSchema(columns, nil)
	q := values.Query()
	asked, f := q.Get("format"), of.Rows.Fields
	if asked == "bytes" || asked == "" && (l.as >= 0 || len(f) == 1 && f[0].Kind == codec.Bytes) {
		l.raw = true
		if len(f) != 1 || f[0].Kind != codec.Bytes && f[0].Kind != codec.String {
			return errors.New("format=bytes writes one column of []byte or string as it is: choose another format, or tag the other fields kafka:\"key\" and so on")
		}
		q.Set("format", "json")
		values.RawQuery = q.Encode() // the encoder only looks for parameters that nobody knows
	}
	if l.as >= 0 && !l.raw {
		return fmt.Errorf("field %s is tagged kafka:\"value\", which needs format=bytes: leave format= or the tag out", e.Rows.Fields[l.as].Name)
	}
	l.quoted = asked == "csv"
	l.encoder, err = format.OpenEncoder(of, own...)
	return err
}

// values is the columns of a record that make the value.
func (l *layout) values(rec arrow.Record) arrow.Record {
	if len(l.value) == int(rec.NumCols()) {
		return rec
	}
	columns := make([]arrow.Array, len(l.value))
	for k, i := range l.value {
		columns[k] = rec.Column(i)
	}
	return array.NewRecord(l.schema, columns, rec.NumRows())
}
