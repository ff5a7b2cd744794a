package format

import (
	"strconv"

	"github.com/tidemill/tidemill/rdd/codec"
)

// columns says which cell of a record of CSV is which field.
type columns struct {
	bound  bool
	of     []*node // by cell; nil is a cell that no field takes
	reason string  // why no record of this file can be read, "" if they can
}

// mostHeader is how long a header may be behind a byte order mark, so that it is within MaxHeader in any case.
const mostHeader = MaxHeader - len(bom)

// fieldsOf is the fields that cells are bound to.
func fieldsOf(root *node) []*node {
	if root.kind == codec.Struct {
		return root.fields
	}
	return []*node{root}
}

// byPosition binds cells to fields in their order.
func (c *columns) byPosition(root *node) { *c = columns{bound: true, of: fieldsOf(root)} }

// bind binds cells to fields by the header that head begins with; state is that at its end.
func (c *columns) bind(root *node, head []byte, state csvState, sep byte) {
	*c = columns{bound: true}
	if len(head) > mostHeader || state != recordEnded && len(head) == mostHeader {
		c.reason = "the header of its file is longer than " + strconv.Itoa(mostHeader) + " bytes" + ifNone
		return
	}
	rec := trimCR(head)
	if state == recordEnded {
		rec = trimCR(head[:len(head)-1])
	}
	names, reason := cells(nil, rec, sep)
	if reason == "" {
		reason = badText(rec)
	}
	if reason != "" {
		c.reason = "the header of its file " + reason + ifNone
		return
	}
	c.byName(root, names)
}

const ifNone = "; if there is none, say header=false"

func (c *columns) byName(root *node, names []cell) {
	fields := fieldsOf(root)
	c.of = make([]*node, len(names))
	for _, f := range fields {
		at := -1
		for i, name := range names {
			switch {
			case string(name.text) != columnName(f):
			case at >= 0:
				c.reason = "the header of its file has two columns named " + strconv.Quote(columnName(f))
				return
			default:
				at = i
			}
		}
		switch {
		case at >= 0:
			c.of[at] = f
		case !f.nullable:
			c.reason = "the header of its file lacks the column " + strconv.Quote(columnName(f)) + ifNone
			return
		}
	}
}

// columnName is the name of a field; a row that is one value has one named as its codec does.
func columnName(f *node) string {
	if f.name == "" {
		return "value"
	}
	return f.name
}
