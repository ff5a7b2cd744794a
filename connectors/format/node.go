package format

import (
	"reflect"

	"github.com/tidemill/tidemill/rdd/codec"
)

// node is a field of the row type, or a part of one, with what decoding has to know of it. Nodes are immutable.
type node struct {
	name     string
	kind     codec.Kind
	offset   uintptr // in the row, or in the struct, that it is part of
	typ      reflect.Type
	nullable bool
	unit     unit // of times
	integer  integer
	float    int // bits of a float

	fields []*node        // Struct: its fields
	index  map[string]int // of them by name
	elem   *node          // List, Array: an element; Map: a value
	key    *node          // Map
}

// newRoot is the node of a whole row: of the struct, or of its one value.
func newRoot(c *codec.Codec, u unit) *node {
	if c.Scalar {
		n := newNode(c.Fields[0], u)
		n.name = ""
		return n
	}
	return newNode(codec.Field{Kind: codec.Struct, Type: c.Type, Fields: c.Fields}, u)
}

// column is field i of a row.
func (n *node) column(i int) *node {
	if n.kind == codec.Struct {
		return n.fields[i]
	}
	return n
}

func newNode(f codec.Field, u unit) *node {
	n := &node{name: f.Name, kind: f.Kind, offset: f.Offset, typ: f.Type, nullable: f.Nullable, unit: u}
	n.integer, n.float = integers[f.Kind], 64
	if f.Kind == codec.Float32 {
		n.float = 32
	}
	switch f.Kind {
	case codec.Struct:
		n.index = make(map[string]int, len(f.Fields))
		for i, part := range f.Fields {
			n.fields = append(n.fields, newNode(part, u))
			n.index[part.Name] = i
		}
	case codec.List, codec.Array:
		n.elem = newNode(f.Fields[0], u)
	case codec.Map:
		n.key, n.elem = newNode(f.Fields[0], u), newNode(f.Fields[1], u)
	}
	return n
}

// nested reports whether a value of n has parts: whether it is JSON where there is only text.
func (n *node) nested() bool { return n.kind >= codec.Struct }
