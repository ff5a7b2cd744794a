package format

import "bytes"

// csvState is where in a record of CSV a reader is.
type csvState uint8

const (
	cellStart csvState = iota
	bare               // in a cell without quotes
	quoted
	quoteSeen   // behind a quote in a quoted cell: its end, or the first of two
	broken      // a quote was misplaced: the record ends with the line
	recordEnded // behind \n
)

// step is the state behind c. A \r behind a quoted cell breaks the record too: its line ends with the next byte, or it is broken.
func (s csvState) step(c, sep byte) csvState {
	switch {
	case s == quoted:
		if c == '"' {
			return quoteSeen
		}
		return quoted
	case c == '\n':
		return recordEnded
	case s == broken:
		return broken
	case s == quoteSeen && c == '"':
		return quoted
	case s == quoteSeen && c != sep, s == bare && c == '"':
		return broken
	case c == sep:
		return cellStart
	case c == '"':
		return quoted
	}
	return bare
}

// csvEnd finds the end of a record: it returns the place behind its \n, or len(b) and the state there if there is none. It
// starts with b[i] in state s.
func csvEnd(b []byte, i int, s csvState, sep byte) (int, csvState) {
	for i < len(b) {
		if jump := s.jump(b[i:]); jump > 0 {
			i += jump
			continue
		}
		s = s.step(b[i], sep)
		i++
		if s == recordEnded {
			break
		}
	}
	return i, s
}

// jump is how many bytes of b cannot change the state.
func (s csvState) jump(b []byte) int {
	var n int
	switch s {
	case quoted:
		n = bytes.IndexByte(b, '"')
	case broken:
		n = bytes.IndexByte(b, '\n')
	default:
		return 0
	}
	if n < 0 {
		return len(b)
	}
	return n
}

// cell is the text of one column of a record.
type cell struct {
	text   []byte
	quoted bool
}

// cells splits a record, without its line end, and appends to out. A reason says what is wrong with the record.
func cells(out []cell, rec []byte, sep byte) ([]cell, string) {
	for {
		if len(rec) > 0 && rec[0] == '"' {
			text, rest, reason := quotedCell(rec[1:], sep)
			if reason != "" {
				return out, reason
			}
			out = append(out, cell{text, true})
			if rest == nil {
				return out, ""
			}
			rec = rest
			continue
		}
		text, rest := rec, []byte(nil)
		n := bytes.IndexByte(rec, sep)
		if n >= 0 {
			text, rest = rec[:n:n], rec[n+1:]
		}
		if bytes.IndexByte(text, '"') >= 0 {
			return out, "has a quote within a cell that does not begin with one"
		}
		out = append(out, cell{text, false})
		if n < 0 {
			return out, ""
		}
		rec = rest
	}
}

// quotedCell takes the cell whose opening quote is before b. rest is what follows the separator, nil if there is none.
func quotedCell(b []byte, sep byte) (text, rest []byte, reason string) {
	doubled := false
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, nil, "has a quote that is not closed"
		}
		i += n + 1
		switch {
		case i == len(b):
			text = b[: i-1 : i-1]
		case b[i] == '"':
			doubled = true
			i++
			continue
		case b[i] == sep:
			text, rest = b[:i-1:i-1], b[i+1:]
		default:
			return nil, nil, "has something behind the closing quote of a cell"
		}
		if doubled {
			text = bytes.ReplaceAll(text, []byte(`""`), quote)
		}
		return text, rest, ""
	}
}
