package format

import (
	"bytes"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// csv decodes records of RFC 4180.
type csv struct {
	lines
	root   *node
	sep    byte
	header bool // a file begins with one
	columns

	state  csvState // within the rest of an overlong record
	quotes finder
	cells  []cell // of the record at hand
}

func newCSV(root *node, o options) *csv {
	d := &csv{lines: lines{max: o.maxRecord}, root: root, sep: o.sep, header: o.header}
	d.Start(nil)
	return d
}

func (d *csv) Start(head []byte) {
	d.start(head)
	d.columns = columns{}
	switch {
	case !d.header:
		d.byPosition(d.root)
	case len(head) > 0:
		head = bytes.TrimPrefix(head, []byte(bom))
		end, state := csvEnd(head, 0, cellStart, d.sep)
		d.bind(d.root, head[:end], state, d.sep)
	}
}

func (d *csv) Decode(buf []byte, last bool, position func(int) string, to *dstream.Reader) (int, int64, error) {
	p := &pass{buf: buf, last: last, position: position, to: to}
	d.quotes.reset()
	if !d.mark(p) || !d.rest(p) || !d.first(p) {
		return p.at, 0, nil
	}
	for {
		lo, hi, ok := d.next(p)
		if !ok {
			return p.at, p.records, nil
		}
		if err := d.record(p, lo, hi); err != nil {
			return p.at, p.records, err
		}
	}
}

// rest skips the rest of an overlong record. False: more bytes are needed.
func (d *csv) rest(p *pass) bool {
	if !d.skip {
		return true
	}
	p.at, d.state = csvEnd(p.buf, p.at, d.state, d.sep)
	d.skip = d.state != recordEnded
	return !d.skip
}

// first takes the header if the file is at its beginning. False: more bytes are needed.
func (d *csv) first(p *pass) bool {
	if d.bound {
		return true
	}
	end, state := csvEnd(p.buf, p.at, cellStart, d.sep)
	if state != recordEnded && end-p.at < mostHeader && !p.last {
		return false
	}
	d.bind(d.root, p.buf[p.at:end], state, d.sep)
	d.skip, d.state = state != recordEnded, state
	p.at = end
	return !d.skip
}

// next takes a record, buf[lo:hi] without \n. It is overlong if hi-lo > max, and then perhaps not all of it. False: none is
// complete.
func (d *csv) next(p *pass) (lo, hi int, ok bool) {
	lo = p.at
	if n := bytes.IndexByte(p.buf[lo:], '\n'); n >= 0 && !d.quotes.in(p.buf, lo, lo+n, '"') {
		p.at = lo + n + 1
		return lo, lo + n, true
	}
	end, state := csvEnd(p.buf, lo, cellStart, d.sep)
	if state == recordEnded {
		p.at = end
		return lo, end - 1, true
	}
	if lo == end || !p.last && end-lo <= d.max {
		return lo, end, false
	}
	p.at = end
	d.skip, d.state = !p.last, state
	return lo, end, true
}

func (d *csv) record(p *pass, lo, hi int) error {
	if hi-lo > d.max {
		return d.overlong(p, lo)
	}
	rec := trimCR(p.buf[lo:hi:hi])
	if len(rec) == 0 {
		return nil
	}
	if reason := d.fill(p.to.Row(), rec); reason != "" {
		return p.reject(lo, hi, reason)
	}
	return p.deliver()
}

func (d *csv) DecodeRecord(rec []byte, position string, to *dstream.Reader) error {
	if !d.bound {
		d.byPosition(d.root)
	}
	if len(rec) > d.max {
		return rejectOne(rec[:d.max:d.max], position, tooLong(d.max), to)
	}
	if end, _ := csvEnd(rec, 0, cellStart, d.sep); end < len(rec) {
		return rejectOne(rec, position, "is more than one record", to)
	}
	if reason := d.fill(to.Row(), trimCR(bytes.TrimSuffix(rec, []byte("\n")))); reason != "" {
		return rejectOne(rec, position, reason, to)
	}
	return to.Add()
}

// fill sets a zero row from a record. If there is a reason why not, the row is partly set.
func (d *csv) fill(row unsafe.Pointer, rec []byte) (reason string) {
	if reason = badLine(rec); reason != "" {
		return reason
	}
	if d.reason != "" {
		return d.reason
	}
	if d.cells, reason = cells(d.cells[:0], rec, d.sep); reason != "" {
		return reason
	}
	if len(d.cells) != len(d.of) {
		return "has " + strconv.Itoa(len(d.cells)) + " cells, not " + strconv.Itoa(len(d.of))
	}
	for i, n := range d.of {
		if n == nil {
			continue
		}
		if err := n.cell(unsafe.Add(row, n.offset), d.cells[i]); err != nil {
			return within(n.name, err).Error()
		}
	}
	return ""
}

// cell sets the value of n at v, which is zero, from a cell.
func (n *node) cell(v unsafe.Pointer, c cell) error {
	if len(c.text) == 0 && !c.quoted {
		switch {
		case n.nullable, n.kind == codec.String, n.kind == codec.Bytes, n.kind == codec.List, n.kind == codec.Map:
			return nil
		}
		return &misfit{"", " is empty"}
	}
	if n.nullable {
		to := reflect.New(n.typ).UnsafePointer()
		*(*unsafe.Pointer)(v) = to
		v = to
	}
	if !n.nested() {
		return n.leaf(v, token{c.text, n.kind != codec.Bool})
	}
	x := lexer{b: c.text}
	lo, hi, err := x.whole()
	switch {
	case err != nil:
		return &misfit{"", " " + err.Error()}
	case c.text[lo] == 'n':
		return null()
	}
	return n.present(v, c.text, lo, hi)
}
