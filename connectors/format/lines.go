package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

const bom = "\ufeff"

// lines cuts bytes into lines. Its state is what a cut between two buffers could lose.
type lines struct {
	max     int  // bytes of a line, without \n
	started bool // past the beginning of the file
	skip    bool // within the rest of a line that was rejected for its length
}

// start is Decoder.Start.
func (l *lines) start(head []byte) { l.started, l.skip = len(head) > 0, false }

// begin skips a byte order mark at the beginning of a file and the rest of an overlong line. False: more bytes are needed.
func (l *lines) begin(p *pass) bool {
	if !l.mark(p) {
		return false
	}
	if !l.skip {
		return true
	}
	n := bytes.IndexByte(p.buf[p.at:], '\n')
	if n < 0 {
		p.at = len(p.buf)
		return false
	}
	p.at += n + 1
	l.skip = false
	return true
}

// mark skips a byte order mark at the beginning of a file. False: more bytes are needed.
func (l *lines) mark(p *pass) bool {
	if l.started {
		return true
	}
	if len(p.buf) < len(bom) && !p.last && bytes.HasPrefix([]byte(bom), p.buf) {
		return false
	}
	l.started = true
	if bytes.HasPrefix(p.buf, []byte(bom)) {
		p.at = len(bom)
	}
	return true
}

// next takes a line, buf[lo:hi] without \n. It is overlong if hi-lo > max, and then perhaps not all of it. False: none is
// complete.
func (l *lines) next(p *pass) (lo, hi int, ok bool) {
	lo = p.at
	if n := bytes.IndexByte(p.buf[lo:], '\n'); n >= 0 {
		p.at = lo + n + 1
		return lo, lo + n, true
	}
	hi = len(p.buf)
	if lo == hi || !p.last && hi-lo <= l.max {
		return lo, hi, false
	}
	p.at = hi
	l.skip = !p.last
	return lo, hi, true
}

// overlong rejects a line of more than max bytes. Only the first max of them are kept, since how many more there are in the
// buffer is an accident.
func (l *lines) overlong(p *pass, lo int) error { return p.reject(lo, lo+l.max, tooLong(l.max)) }

func tooLong(limit int) string {
	return fmt.Sprintf("longer than %d bytes; the parameter max_record allows more", limit)
}

// trimCR is line without the \r of a line end.
func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// badText says what makes rec unfit for any text, "" if nothing does.
func badText(rec []byte) string {
	switch {
	case bytes.HasPrefix(rec, []byte(bom)):
		return "begins with a byte order mark, which only the beginning of a file may have"
	case bytes.IndexByte(rec, 0) >= 0:
		return fmt.Sprintf("has a NUL byte at byte %d", bytes.IndexByte(rec, 0))
	case !utf8.Valid(rec):
		return fmt.Sprintf("is not valid UTF-8 at byte %d", firstInvalid(rec))
	}
	return ""
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
