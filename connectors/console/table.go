package console

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/dstream"
)

// cells is row i as text; one that is deleted has a last cell that says so.
func (s *Sink) cells(out dstream.Output, i int) []string {
	cells := make([]string, 0, len(s.header)+1)
	for _, c := range out.Record.Columns() {
		cells = append(cells, s.clip(clean(cell(c, i))))
	}
	if out.Deleted != nil && out.Deleted[i] {
		cells = append(cells, "(deleted)")
	}
	return cells
}

func cell(c arrow.Array, i int) string {
	if c.IsNull(i) {
		return "null"
	}
	switch c := c.(type) {
	case *array.String:
		return c.Value(i)
	case *array.Timestamp: // the codec's unit is µs
		return time.UnixMicro(int64(c.Value(i))).UTC().Format("2006-01-02 15:04:05.999999")
	case *array.Duration:
		return time.Duration(c.Value(i)).String()
	}
	return c.ValueStr(i)
}

// clean escapes what is no plain text.
func clean(s string) string {
	plain := func(r rune) bool { return unicode.IsPrint(r) }
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

func (s *Sink) clip(text string) string {
	if utf8.RuneCountInString(text) <= s.width {
		return text
	}
	return string([]rune(text)[:s.width-1]) + "…"
}

// table writes the rows in aligned columns under their names.
func (s *Sink) table(b *bytes.Buffer, rows [][]string) {
	all := append([][]string{s.header}, rows...)
	widths := make([]int, len(s.header)+1)
	for _, row := range all {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, row := range all {
		line := ""
		for i, c := range row {
			line += c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
