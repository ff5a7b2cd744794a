package cqltype

import (
	"slices"
	"strings"
)

// ID is the family of a type.
type ID uint8

// The native types and the shapes made of others. The zero ID is no type.
const (
	ASCII ID = iota + 1
	Bigint
	Blob
	Boolean
	Counter
	Date
	Decimal
	Double
	Duration
	Float
	Inet
	Int
	Smallint
	Text // and varchar, another name for it
	Time
	Timestamp
	Timeuuid
	Tinyint
	UUID
	Varint
	List
	Set
	Map
	Tuple
	UDT    // user-defined type
	Vector // known by name only
	Custom // a Java class
)

var names = [...]string{
	"none", "ascii", "bigint", "blob", "boolean", "counter", "date", "decimal", "double", "duration", "float", "inet", "int", "smallint",
	"text", "time", "timestamp", "timeuuid", "tinyint", "uuid", "varint", "list", "set", "map", "tuple", "user-defined type", "vector", "custom type",
}

// String is the name of the family as CQL has it.
func (id ID) String() string {
	if int(id) < len(names) {
		return names[id]
	}
	return names[0]
}

// Type is a CQL type.
type Type struct {
	ID     ID
	Of     []Type   // List, Set: the element; Map: key and value; Tuple, UDT: the parts
	Name   string   // UDT: its name; Vector, Custom: as it is written
	Parts  []string // UDT: the names of its parts
	Frozen bool     // written and compared as one value; a tuple always is
}

// String is the type in CQL.
func (t Type) String() string {
	var s string
	switch t.ID {
	case List, Set, Map, Tuple:
		of := make([]string, len(t.Of))
		for i, e := range t.Of {
			of[i] = e.String()
		}
		s = t.ID.String() + "<" + strings.Join(of, ", ") + ">"
	case UDT:
		s = Quote(t.Name)
	case Vector, Custom:
		return t.Name
	default:
		return t.ID.String()
	}
	if t.Frozen {
		return "frozen<" + s + ">"
	}
	return s
}

// Equal reports whether two types are the same, parts of user-defined types included.
func (t Type) Equal(o Type) bool {
	return t.ID == o.ID && t.Name == o.Name && t.Frozen == o.Frozen && slices.Equal(t.Parts, o.Parts) && slices.EqualFunc(t.Of, o.Of, Type.Equal)
}

// Multicell reports whether the type is stored as many cells: a collection or user-defined type that is not frozen. To overwrite one
// leaves a tombstone, and it has no single write time.
func (t Type) Multicell() bool {
	return !t.Frozen && (t.ID == List || t.ID == Set || t.ID == Map || t.ID == UDT)
}

// holds reports whether the type contains, at any depth, one of a family.
func (t Type) holds(id ID) bool {
	return t.ID == id || slices.ContainsFunc(t.Of, func(e Type) bool { return e.holds(id) })
}
