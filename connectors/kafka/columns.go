package kafka

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/rdd/codec"
)

// columns is what the kafka tags of a row type say: which columns come from the record beside its value.
type columns struct {
	decoded    *codec.Codec // the columns that come from the value
	value      *codec.Field // tagged value: the whole value
	stamps     []stamp
	textKey    bool // a key is a string
	tombstones bool
}

// stamp sets one column of a row.
type stamp struct {
	offset uintptr
	set    func(at unsafe.Pointer, r *reading)
}

// setters are the tags, and for each the Go types that a field may have.
var setters = map[string]map[reflect.Type]func(at unsafe.Pointer, r *reading){
	"key": {
		reflect.TypeFor[string](): func(at unsafe.Pointer, r *reading) { *(*string)(at) = text(r.record.Key) },
		reflect.TypeFor[[]byte](): func(at unsafe.Pointer, r *reading) { *(*[]byte)(at) = own(r.record.Key) },
		reflect.TypeFor[*string](): func(at unsafe.Pointer, r *reading) {
			if r.record.Key != nil {
				key := text(r.record.Key)
				*(**string)(at) = &key
			}
		},
	},
	"timestamp": {reflect.TypeFor[time.Time](): func(at unsafe.Pointer, r *reading) { *(*time.Time)(at) = timeOf(r.of, r.record) }},
	"headers": {
		reflect.TypeFor[map[string]string](): func(at unsafe.Pointer, r *reading) {
			*(*map[string]string)(at) = headers(r.record, func(v []byte) string { return strings.ToValidUTF8(text(v), "\uFFFD") })
		},
		reflect.TypeFor[map[string][]byte](): func(at unsafe.Pointer, r *reading) { *(*map[string][]byte)(at) = headers(r.record, own) },
	},
	"partition": {reflect.TypeFor[int32](): func(at unsafe.Pointer, r *reading) { *(*int32)(at) = r.partition }},
	"offset":    {reflect.TypeFor[int64](): func(at unsafe.Pointer, r *reading) { *(*int64)(at) = r.offset() }},
	"topic":     {reflect.TypeFor[string](): func(at unsafe.Pointer, r *reading) { *(*string)(at) = r.topic }},
	"tombstone": {reflect.TypeFor[bool](): func(at unsafe.Pointer, r *reading) { *(*bool)(at) = r.record.Value == nil }},
	"value":     {reflect.TypeFor[string](): nil, reflect.TypeFor[[]byte](): nil},
}

// own is a part of a buffer that is one field's: whoever appends to it gets a copy.
func own(b []byte) []byte { return b[:len(b):len(b)] }

// timeOf is when a record was made, or when the broker took it, as the topic is set up.
func timeOf(b *sarama.RecordBatch, r *sarama.Record) time.Time {
	if b.LogAppendTime {
		return b.MaxTimestamp.UTC()
	}
	return b.FirstTimestamp.Add(r.TimestampDelta).UTC()
}

// headers makes a map of a record's headers. Of equal names the last counts. None are nil.
func headers[V any](r *sarama.Record, value func([]byte) V) map[string]V {
	if len(r.Headers) == 0 {
		return nil
	}
	out := make(map[string]V, len(r.Headers))
	for _, h := range r.Headers {
		out[strings.ToValidUTF8(text(h.Key), "\uFFFD")] = value(h.Value)
	}
	return out
}

// columnsOf reads the tags of a row type.
func columnsOf(rows *codec.Codec) (columns, error) {
	c := columns{decoded: rows}
	var names []string
	err := tagged(rows.Type, 0, true, func(tag string, f reflect.StructField, offset uintptr) error {
		i := slices.IndexFunc(rows.Fields, func(x codec.Field) bool { return x.Offset == offset && x.Size > 0 })
		if i < 0 {
			return fmt.Errorf("field %s: tagged kafka:%q, but no column: leave col:\"-\" out", f.Name, tag)
		}
		field := rows.Fields[i]
		if slices.Contains(names, field.Name) {
			return nil
		}
		names = append(names, field.Name)
		return c.add(tag, f, field)
	})
	if err == nil && len(names) > 0 {
		c.decoded = rows.Without(names...)
	}
	return c, err
}

func (c *columns) add(tag string, f reflect.StructField, field codec.Field) error {
	of, known := setters[tag]
	if !known {
		return fmt.Errorf("field %s: kafka:%q is no tag: there are key, timestamp, headers, partition, offset, topic, tombstone and value", f.Name, tag)
	}
	set, ok := of[f.Type]
	if !ok {
		var types []string
		for t := range of {
			types = append(types, t.String())
		}
		slices.Sort(types)
		return fmt.Errorf("field %s: tagged kafka:%q, it must be a %s, not a %s", f.Name, tag, strings.Join(types, " or "), f.Type)
	}
	if tag == "value" {
		if c.value != nil {
			return fmt.Errorf("field %s: a second field tagged kafka:\"value\"", f.Name)
		}
		c.value = &field
		return nil
	}
	c.textKey = c.textKey || tag == "key" && field.Kind == codec.String
	c.tombstones = c.tombstones || tag == "tombstone"
	c.stamps = append(c.stamps, stamp{field.Offset, set})
	return nil
}

// tagged calls each for the fields of a struct that have a kafka tag, those of embedded structs included.
func tagged(t reflect.Type, at uintptr, row bool, each func(tag string, f reflect.StructField, offset uintptr) error) error {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("kafka")
		switch {
		case ok && !row:
			return fmt.Errorf("field %s.%s: only a field of the row itself can be tagged kafka:%q", t, f.Name, tag)
		case ok:
			if err := each(tag, f, at+f.Offset); err != nil {
				return err
			}
		default:
			flat := row && f.Anonymous && f.Tag.Get("col") == ""
			if err := tagged(f.Type, at+f.Offset, flat, each); err != nil {
				return err
			}
		}
	}
	return nil
}
