package format

import (
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
)

// text decodes lines into rows of one string.
type text struct {
	lines
	offset uintptr // of the string in a row
}

func newText(root *node, o options) *text {
	return &text{lines: lines{max: o.maxRecord}, offset: root.column(0).offset}
}

func (d *text) Start(head []byte) { d.start(head) }

func (d *text) Decode(buf []byte, last bool, position func(int) string, to *dstream.Reader) (int, int64, error) {
	p := &pass{buf: buf, last: last, position: position, to: to}
	if !d.begin(p) {
		return p.at, 0, nil
	}
	for {
		lo, hi, ok := d.next(p)
		if !ok {
			return p.at, p.records, nil
		}
		if err := d.line(p, lo, hi); err != nil {
			return p.at, p.records, err
		}
	}
}

func (d *text) line(p *pass, lo, hi int) error {
	if hi-lo > d.max {
		return d.overlong(p, lo)
	}
	line := trimCR(p.buf[lo:hi])
	if reason := badLine(line); reason != "" {
		return p.reject(lo, hi, reason)
	}
	d.put(line, p.to)
	return p.deliver()
}

// badLine is badText behind a check that most lines pass.
func badLine(line []byte) string {
	if classOf(line) == printable {
		return ""
	}
	return badText(line)
}

func (d *text) put(line []byte, to *dstream.Reader) {
	*(*string)(unsafe.Add(to.Row(), d.offset)) = view(line)
}

func (d *text) DecodeRecord(rec []byte, position string, to *dstream.Reader) error {
	line := rec
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	reason := badLine(line)
	if len(line) > d.max {
		rec, reason = rec[:d.max:d.max], tooLong(d.max)
	}
	if reason != "" {
		return rejectOne(rec, position, reason, to)
	}
	d.put(trimCR(line), to)
	return to.Add()
}

// view is b as a string. b must never be written again.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
