package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// ndjson decodes lines of JSON. Records that look like earlier ones take a short way, by a layout; whatever is out of the
// ordinary in them takes the general way, which alone decides what a row is and what is rejected.
type ndjson struct {
	lines
	root    *node
	layouts layouts
}

func newJSON(root *node, o options) *ndjson {
	return &ndjson{lines: lines{max: o.maxRecord}, root: root}
}

func (d *ndjson) Start(head []byte) { d.start(head) }

func (d *ndjson) Decode(buf []byte, last bool, position func(int) string, to *dstream.Reader) (int, int64, error) {
	p := &pass{buf: buf, last: last, position: position, to: to}
	if !d.begin(p) {
		return p.at, 0, nil
	}
	d.layouts.escapes.reset()
	for {
		if end := d.quick(p); end > 0 {
			p.at = end
			if err := p.deliver(); err != nil {
				return p.at, p.records, err
			}
			continue
		}
		lo, hi, ok := d.next(p)
		if !ok {
			return p.at, p.records, nil
		}
		if err := d.line(p, lo, hi); err != nil {
			return p.at, p.records, err
		}
	}
}

// quick fills a row from the line at hand if a layout fits it, and returns where the line ends; else 0.
func (d *ndjson) quick(p *pass) int {
	l, end := d.layouts.find(p.buf, p.at)
	if l == nil {
		return 0
	}
	next := end
	if next < len(p.buf) && p.buf[next] == '\r' {
		next++
	}
	if next >= len(p.buf) || p.buf[next] != '\n' || next-p.at > d.max || !l.fill(p.to.Row(), p.buf) {
		return 0
	}
	return next + 1
}

func (d *ndjson) line(p *pass, lo, hi int) error {
	if hi-lo > d.max {
		return d.overlong(p, lo)
	}
	line := p.buf[lo:hi:hi]
	if len(bytes.TrimLeft(line, " \t\r")) == 0 {
		return nil
	}
	if err := d.general(p.to.Row(), line); err != nil {
		return p.reject(lo, hi, err.Error())
	}
	d.layouts.learn(d.root, line)
	return p.deliver()
}

func (d *ndjson) DecodeRecord(rec []byte, position string, to *dstream.Reader) error {
	if len(rec) > d.max {
		return rejectOne(rec[:d.max:d.max], position, tooLong(d.max), to)
	}
	d.layouts.escapes.reset()
	if l, end := d.layouts.find(rec, 0); l != nil && end == len(rec) && l.fill(to.Row(), rec) {
		return to.Add()
	}
	if err := d.general(to.Row(), rec); err != nil {
		return rejectOne(rec, position, err.Error(), to)
	}
	d.layouts.learn(d.root, rec)
	return to.Add()
}

// general fills a row from any record. After an error the row is partly set.
func (d *ndjson) general(row unsafe.Pointer, rec []byte) error {
	if !utf8.Valid(rec) {
		return fmt.Errorf("is not valid UTF-8 at byte %d", firstInvalid(rec))
	}
	x := lexer{b: rec}
	if x.peek() == '{' && d.root.kind == codec.Struct {
		return d.root.object(row, &x, true)
	}
	lo, hi, err := x.whole()
	if err != nil {
		return err
	}
	return d.root.value(row, rec, lo, hi)
}
