package status

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is what both the page and the terminal draw: a title, one line on what it shows, and rows of text.
type table struct {
	Title, About string
	Heads        []head
	Rows         []row
	Empty        string // said instead of no rows
}

// head is the name of a column and its side.
type head struct {
	Name string
	Text bool // words, left-aligned; else a number, right-aligned
	Wrap bool // on the page, where it is too narrow
}

// row is a line of a table. Bad rows are red; Below is text under it, over all columns.
type row struct {
	Cells []cell
	Bad   bool
	Below string
}

// cell is text with, on the page, a link or the colour of a part of the timeline.
type cell struct{ Text, Link, Phase string }

func cells(texts ...string) []cell {
	out := make([]cell, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

// write draws the table as text with aligned columns. The last column is not padded.
func (t table) write(w io.Writer) error {
	var out strings.Builder
	if len(t.Rows) == 0 {
		out.WriteString(t.Empty + "\n")
		_, err := io.WriteString(w, out.String())
		return err
	}
	widths := t.widths()
	names := row{}
	for _, h := range t.Heads {
		names.Cells = append(names.Cells, cell{Text: h.Name})
	}
	t.line(&out, names, widths)
	for _, r := range t.Rows {
		t.line(&out, r, widths)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t table) line(out *strings.Builder, r row, widths []int) {
	var line strings.Builder
	for i, c := range r.Cells {
		if i > 0 {
			line.WriteString("  ")
		}
		text := word(c.Text)
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
		if t.Heads[i].Text {
			line.WriteString(text + pad)
		} else {
			line.WriteString(pad + text)
		}
	}
	out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	if r.Below != "" {
		out.WriteString(indent(clean(r.Below), "    "))
	}
}

func (t table) widths() []int {
	widths := make([]int, len(t.Heads))
	for i, h := range t.Heads {
		widths[i] = utf8.RuneCountInString(h.Name)
	}
	for _, r := range t.Rows {
		for i, c := range r.Cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(word(c.Text)))
		}
	}
	return widths
}

func indent(text, by string) string {
	text = strings.TrimRight(text, "\n")
	return by + strings.ReplaceAll(text, "\n", "\n"+by) + "\n"
}
