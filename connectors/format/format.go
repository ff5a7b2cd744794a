package format

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// A Decoder decodes runs of records into rows. One goroutine uses it. It learns from what it saw, which makes it faster and
// changes nothing else.
type Decoder interface {
	// Start tells the decoder that the next bytes begin a file, or, with a head, the rest of one. head is then the first
	// bytes of that file: MaxHeader of them or all before the place at which decoding goes on, which is the beginning of a
	// record. A new decoder is at the beginning of a file.
	Start(head []byte)
	// Decode decodes the complete records at the start of buf, and if last is set also an unfinished one at its end. It
	// returns how many bytes and records it took; the next call begins with the first byte that was not taken. Strings of
	// rows, and bad records, point into buf, which must never be written again. position names the place of buf[offset] for a
	// person. An error comes from to and is returned as it is.
	Decode(buf []byte, last bool, position func(offset int) string, to *dstream.Reader) (bytes int, records int64, err error)
	// DecodeRecord decodes rec, which is exactly one record: it delivers or rejects one. The line end may be missing. For CSV
	// it is bound to the header that Start was given, else by position; it is never a header itself.
	DecodeRecord(rec []byte, position string, to *dstream.Reader) error
}

// MaxHeader is the most bytes that the header of a CSV file may have: 64 KiB.
const MaxHeader = 64 << 10

// An Encoder turns records into bytes. It is immutable and safe for concurrent use.
type Encoder interface {
	// Header appends what a file begins with: the names of the columns, or nothing.
	Header(dst []byte) []byte
	// Append appends the rows of rec, a line each, which has the columns of the endpoint's codec. deleted marks rows that
	// delete their key; nil means none. NDJSON says so by a last member "_deleted": true, CSV cannot and returns an error.
	// Text that is not valid UTF-8 is written with U+FFFD in place of what is wrong. Equal records give equal bytes. After an
	// error dst is returned as it was.
	Append(dst []byte, rec arrow.Record, deleted []bool) ([]byte, error)
}

// Open returns a function that makes decoders of an endpoint's records. Parameters of its URL say how:
//
//	format      json, csv or text; default: by the file's extension (.json, .ndjson, .jsonl, .csv, .txt, .log), else text
//	            for rows that are one string and json for all others
//	max_record  the most bytes of one record, as 65536, 64KiB or 2MiB; default 1MiB
//	time        json, csv: the unit of times that are numbers: s, ms, us or ns; default ms
//	sep         csv: what separates columns: one of , ; | ^ ~ or the word tab; default the comma
//	header      csv: true or false: whether a file begins with the names of its columns; default true
//
// own names the parameters of the connector itself, which are left to it. Any other is an error that names the valid ones.
func Open(e dstream.Endpoint, own ...string) (func() Decoder, error) {
	o, err := parse(e, own)
	if err != nil {
		return nil, endpointError(e, err)
	}
	root := newRoot(e.Rows, o.unit)
	switch o.format {
	case "csv":
		return func() Decoder { return newCSV(root, o) }, nil
	case "text":
		if !oneString(e.Rows) {
			return nil, endpointError(e, fmt.Errorf("format=text makes rows of one string, not of %s: use string as the row type, or another format", e.Rows.Type))
		}
		return func() Decoder { return newText(root, o) }, nil
	}
	return func() Decoder { return newJSON(root, o) }, nil
}

// OpenEncoder returns the encoder of an endpoint's rows; parameters are those of Open, of which time, max_record and the
// default by row type do not matter: the default is json. Text has no encoder, except of rows that are one string.
func OpenEncoder(e dstream.Endpoint, own ...string) (Encoder, error) {
	o, err := parse(e, own)
	if err != nil {
		return nil, endpointError(e, err)
	}
	enc, err := newEncoder(e.Rows, o)
	return enc, endpointError(e, err)
}

func endpointError(e dstream.Endpoint, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("format of %q: %w", e.Name, err)
}

// oneString reports whether a row is a string that every line can be.
func oneString(c *codec.Codec) bool {
	return len(c.Fields) == 1 && c.Fields[0].Kind == codec.String && !c.Fields[0].Nullable
}
