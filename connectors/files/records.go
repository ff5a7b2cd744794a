package files

import (
	"bytes"
	"net/url"
	"path/filepath"
	"strings"
)

// records finds the ends of records. Lines end with \n; a record of CSV does not end within quotes. Where a quote is
// misplaced, the record ends with its line, as package format has it: both must find the same ends.
type records struct {
	csv   bool
	sep   byte
	state state
}

// recordsOf reads as much of the format's parameters as matters here. They are known to be valid.
func recordsOf(u *url.URL, path string) records {
	q := u.Query()
	r := records{csv: q.Get("format") == "csv" || !q.Has("format") && strings.EqualFold(filepath.Ext(path), ".csv"), sep: ','}
	switch sep := q.Get("sep"); sep {
	case "":
	case "tab":
		r.sep = '\t'
	default:
		r.sep = sep[0]
	}
	return r
}

// begin returns r at the beginning of a record.
func (r records) begin() records {
	r.state = cellStart
	return r
}

// next is how many bytes of b belong to the record at hand, and whether it ends with them.
func (r *records) next(b []byte) (n int, ended bool) {
	line := bytes.IndexByte(b, '\n') + 1
	if !r.csv || r.state == cellStart && line > 0 && bytes.IndexByte(b[:line], '"') < 0 {
		if line == 0 {
			return len(b), false
		}
		return line, true
	}
	for i, c := range b {
		if r.state = r.state.step(c, r.sep); r.state == recordEnded {
			r.state = cellStart
			return i + 1, true
		}
	}
	return len(b), false
}

// state is where in a record of CSV we are.
type state uint8

const (
	cellStart state = iota
	bare
	quoted
	quoteSeen  // behind a quote within quotes: their end, or the first of two
	returnSeen // behind \r behind that
	broken     // behind a misplaced quote
	recordEnded
)

// step is the state behind c.
func (s state) step(c, sep byte) state {
	switch {
	case s == quoted && c == '"':
		return quoteSeen
	case s == quoted:
		return quoted
	case c == '\n':
		return recordEnded
	case s == broken, s == returnSeen, s == bare && c == '"':
		return broken
	case s == quoteSeen:
		return s.behindQuote(c, sep)
	case c == sep:
		return cellStart
	case c == '"':
		return quoted
	}
	return bare
}

func (s state) behindQuote(c, sep byte) state {
	switch c {
	case '"':
		return quoted
	case '\r':
		return returnSeen
	case sep:
		return cellStart
	}
	return broken
}
