package kafka

import (
	"fmt"
	"net/url"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/avro"
	"github.com/tidemill/tidemill/connectors/format/protobuf"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// recordDecoder makes a row of the value of a record, or rejects it; see format.Decoder. The position is "": reject knows it.
type recordDecoder interface {
	DecodeRecord(rec []byte, position string, to *dstream.Reader) error
}

// opener opens a format.
type opener func(e dstream.Endpoint, own ...string) (func() format.Decoder, error)

// formats are those of packages of their own, beside json, csv and text.
var formats = map[string]opener{"avro": avro.Open, "protobuf": protobuf.Open}

// decoderOf returns a function that makes decoders of values, for rows whose columns of where the record stood are left out. It is
// the last that reads parameters: one that nobody knows is an error.
func decoderOf(e dstream.Endpoint, c columns, p *param.Set) (func() recordDecoder, error) {
	e.Rows = c.decoded
	own := append(p.Names(), "format")
	f := p.String("format", "")
	if c.value != nil && f == "" || f == "" && len(e.Rows.Fields) == 1 && e.Rows.Fields[0].Kind == codec.Bytes {
		f = "bytes"
	}
	if f == "bytes" {
		if err := p.Err(); err != nil {
			return nil, err
		}
		return bytesDecoderOf(e, c)
	}
	if c.value != nil {
		return nil, fmt.Errorf("%s: a field tagged kafka:\"value\" is the whole value, as it stands: leave format=%s out", shown(e.URL), f)
	}
	open := opener(format.Open)
	if f == "csv" {
		if header := e.URL.Query()["header"]; len(header) > 0 && header[0] != "false" {
			return nil, fmt.Errorf("%s: header=%s: a record of Kafka has no header, its columns are bound by position", shown(e.URL), header[0])
		}
		e.URL = with(e.URL, "header", "false")
	}
	if other, ok := formats[f]; ok {
		open = other
	}
	if f == "" { // not by what the name of the topic looks like
		e.URL = with(e.URL, "format", defaultFormat(e.Rows))
	}
	made, err := open(e, own...)
	if err != nil {
		return nil, err
	}
	return func() recordDecoder { return made() }, nil
}

func defaultFormat(c *codec.Codec) string {
	if len(c.Fields) == 1 && c.Fields[0].Kind == codec.String && !c.Fields[0].Nullable {
		return "text"
	}
	return "json"
}

// shown is u without what is secret, also in its parameters.
func shown(u *url.URL) string { return registry.Hide(u).Redacted() }

// with is u with a parameter set.
func with(u *url.URL, name, value string) *url.URL {
	out, q := *u, u.Query()
	q.Set(name, value)
	out.RawQuery = q.Encode()
	return &out
}

// bytesDecoder puts values into a field as they are: without a copy, since they are parts of a buffer that nobody else writes.
type bytesDecoder struct {
	offset uintptr
	text   bool
}

func bytesDecoderOf(e dstream.Endpoint, c columns) (func() recordDecoder, error) {
	f := c.value
	switch {
	case f == nil && len(e.Rows.Fields) == 1:
		f = &e.Rows.Fields[0]
	case f == nil || len(e.Rows.Fields) > 0:
		return nil, fmt.Errorf("%s: format=bytes makes one field of a value, and %s has others: tag them kafka:\"key\", \"timestamp\", \"headers\", \"partition\", \"offset\" or \"topic\", or choose another format", shown(e.URL), e.Rows.Type)
	}
	if f.Nullable || f.Kind != codec.Bytes && f.Kind != codec.String {
		return nil, fmt.Errorf("%s: field %s: format=bytes makes a []byte or a string of a value, not a %s", shown(e.URL), f.Name, f.Type)
	}
	d := bytesDecoder{f.Offset, f.Kind == codec.String}
	return func() recordDecoder { return d }, nil
}

// DecodeRecord delivers a value. Text has to be valid UTF-8.
func (d bytesDecoder) DecodeRecord(rec []byte, _ string, to *dstream.Reader) error {
	if d.text && !utf8.Valid(rec) {
		return to.Reject(dstream.BadRecord{Bytes: rec, Reason: "is not valid UTF-8: use a []byte as the row type"})
	}
	at := unsafe.Add(to.Row(), d.offset)
	if d.text {
		*(*string)(at) = text(rec)
	} else {
		*(*[]byte)(at) = rec[:len(rec):len(rec)]
	}
	return to.Add()
}

// text is b as a string. b must never be written again.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// reading is one call of Read: the record at hand, and where it goes.
type reading struct {
	decoder   recordDecoder
	whole     bool // the decoder takes a value as it stands, also none
	columns   columns
	topic     string
	partition int32
	out       *dstream.Reader // of the caller
	to        *dstream.Reader // the same, with reject
	fetched   int64

	of     *sarama.RecordBatch
	record *sarama.Record
}

// batch decodes the records of a batch that lie within [from, to).
func (r *reading) batch(b *sarama.RecordBatch, from, to int64) error {
	r.of = b
	for _, rec := range b.Records {
		offset := b.FirstOffset + rec.OffsetDelta
		if offset < from {
			continue
		}
		if offset >= to {
			break
		}
		r.record = rec
		r.fetched++
		if err := r.decode(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) decode(rec *sarama.Record) error {
	if rec.Value == nil && !r.whole {
		return r.tombstone()
	}
	if r.columns.textKey && !utf8.Valid(rec.Key) {
		return r.reject(dstream.BadRecord{Bytes: rec.Value, Reason: "its key is not valid UTF-8: use a []byte for the field tagged kafka:\"key\""})
	}
	return r.decoder.DecodeRecord(rec.Value, "", r.to)
}

// tombstone delivers a record without a value, if the row type has a field that says so.
func (r *reading) tombstone() error {
	if !r.columns.tombstones {
		return r.reject(dstream.BadRecord{Reason: "has no value (a tombstone): give the row type a bool field tagged kafka:\"tombstone\" to get such records"})
	}
	r.to.Row()
	return r.to.Add()
}

// reject passes a bad record on, with its place.
func (r *reading) reject(bad dstream.BadRecord) error {
	bad.Position = splitName(r.topic, r.partition) + "@" + strconv.FormatInt(r.offset(), 10)
	return r.out.Reject(bad)
}

func (r *reading) offset() int64 { return r.of.FirstOffset + r.record.OffsetDelta }

// stamp sets the columns of a row that say where its record stood.
func (r *reading) stamp(row unsafe.Pointer) {
	for _, s := range r.columns.stamps {
		s.set(unsafe.Add(row, s.offset), r)
	}
}
