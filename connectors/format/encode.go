package format

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

func newEncoder(c *codec.Codec, o options) (Encoder, error) {
	switch {
	case o.format == "json":
		return newJSONEncoder(c), nil
	case o.format == "csv" && len(c.Fields) == 1 && c.Fields[0].Nullable:
		return nil, errors.New("a CSV file of one column cannot show a null, since that would be an empty line: use format=json")
	case o.format == "csv":
		return &csvEncoder{codec: c, sep: o.sep, header: o.header}, nil
	case oneString(c):
		return textEncoder{}, nil
	}
	return nil, fmt.Errorf("format=text writes rows of one string, not of %s: use another format", c.Type)
}

// cellWriters returns a writer for each column of rec.
func cellWriters(rec arrow.Record) ([]writer, error) {
	out := make([]writer, rec.NumCols())
	for i := range out {
		w, err := writerOf(rec.Column(i))
		if err != nil {
			return nil, fmt.Errorf("encode column %q: %w", rec.ColumnName(i), err)
		}
		out[i] = w
	}
	return out, nil
}

// jsonEncoder writes lines of JSON.
type jsonEncoder struct {
	scalar bool
	before [][]byte // each value: { or a comma, and the name
}

func newJSONEncoder(c *codec.Codec) *jsonEncoder {
	e := &jsonEncoder{scalar: c.Scalar}
	for i, f := range c.Fields {
		text := []byte{','}
		if i == 0 {
			text = []byte{'{'}
		}
		e.before = append(e.before, append(appendQuoted(text, f.Name), ':'))
	}
	return e
}

func (e *jsonEncoder) Header(dst []byte) []byte { return dst }

func (e *jsonEncoder) Append(dst []byte, rec arrow.Record, deleted []bool) ([]byte, error) {
	ws, err := cellWriters(rec)
	if err != nil {
		return dst, err
	}
	if len(ws) != len(e.before) && !e.scalar {
		return dst, fmt.Errorf("encode %d columns as rows of %d fields", len(ws), len(e.before))
	}
	out := dst
	for i := range int(rec.NumRows()) {
		if e.scalar {
			if i < len(deleted) && deleted[i] {
				return dst, errors.New("a row that is one value cannot be deleted: it has no key")
			}
			out = append(ws[0].json(out, i), '\n')
			continue
		}
		for k, w := range ws {
			out = w.json(append(out, e.before[k]...), i)
		}
		out = e.close(out, i < len(deleted) && deleted[i])
	}
	return out, nil
}

// close ends the line of a row.
func (e *jsonEncoder) close(out []byte, deleted bool) []byte {
	if len(e.before) == 0 {
		out = append(out, '{')
	}
	if deleted {
		if len(e.before) > 0 {
			out = append(out, ',')
		}
		out = append(out, `"_deleted":true`...)
	}
	return append(out, '}', '\n')
}

// csvEncoder writes records of CSV.
type csvEncoder struct {
	codec  *codec.Codec
	sep    byte
	header bool
}

func (e *csvEncoder) Header(dst []byte) []byte {
	if !e.header || len(e.codec.Fields) == 0 {
		return dst
	}
	for i, f := range e.codec.Fields {
		if i > 0 {
			dst = append(dst, e.sep)
		}
		dst = e.text(dst, []byte(f.Name))
	}
	return append(dst, '\n')
}

func (e *csvEncoder) Append(dst []byte, rec arrow.Record, deleted []bool) ([]byte, error) {
	ws, err := cellWriters(rec)
	if err != nil {
		return dst, err
	}
	for i, gone := range deleted {
		if gone {
			return dst, errors.New("row " + strconv.Itoa(i) + " is deleted, which CSV cannot say: use format=json")
		}
	}
	out := dst
	var cell []byte
	for i := range int(rec.NumRows()) {
		for k, w := range ws {
			if k > 0 {
				out = append(out, e.sep)
			}
			if w.array.IsNull(i) {
				continue
			}
			cell = w.text(cell[:0], i)
			out = e.text(out, cell)
		}
		out = append(out, '\n')
	}
	return out, nil
}

// text appends a cell, in quotes if it needs them: text that is empty, since null is nothing at all, and text that holds what
// means something between cells or, as a byte order mark, at the beginning of a line.
func (e *csvEncoder) text(dst, cell []byte) []byte {
	if !e.quotes(cell) {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for _, c := range cell {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func (e *csvEncoder) quotes(cell []byte) bool {
	if len(cell) == 0 || cell[0] == bom[0] {
		return true
	}
	for _, c := range cell {
		if c == '"' || c == '\n' || c == '\r' || c == e.sep {
			return true
		}
	}
	return false
}

// textEncoder writes lines.
type textEncoder struct{}

func (textEncoder) Header(dst []byte) []byte { return dst }

func (textEncoder) Append(dst []byte, rec arrow.Record, deleted []bool) ([]byte, error) {
	ws, err := cellWriters(rec)
	if err != nil {
		return dst, err
	}
	for i, gone := range deleted {
		if gone {
			return dst, errors.New("row " + strconv.Itoa(i) + " is deleted, which a line of text cannot say: use format=json")
		}
	}
	out := dst
	for i := range int(rec.NumRows()) {
		from := len(out)
		out = ws[0].text(out, i)
		for _, c := range out[from:] {
			if c == '\n' || c == '\r' || c == 0 {
				return dst, errors.New("row " + strconv.Itoa(i) + " has a line end or a NUL in its text, which format=text cannot write: use format=json")
			}
		}
		out = append(out, '\n')
	}
	return out, nil
}
