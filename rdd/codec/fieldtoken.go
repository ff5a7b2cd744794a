package codec

import (
	"fmt"
	"strings"
	"unsafe"
)

// FieldsToken returns the function that computes the tokens of rows of c's type, n of them from rows on, by the values of the columns of
// those names, in that order: those that KeyToken gives for a key of these fields. It is an error if a column is not there, is nullable,
// or has a type that no key can have.
func (c *Codec) FieldsToken(names []string) (func(rows unsafe.Pointer, n int, tokens []int64), error) {
	var parts []keyPart
	for _, name := range names {
		f, err := c.field(name)
		if err != nil {
			return nil, err
		}
		if f.Nullable {
			return nil, fmt.Errorf("column %q of %s is a pointer: a key cannot be null", name, c.Type)
		}
		of, err := keyParts(c.Type.String()+"."+name, f.Type, f.Offset)
		if err != nil {
			return nil, err
		}
		parts = append(parts, of...)
	}
	one, size := hashOne(parts), c.Type.Size()
	return func(rows unsafe.Pointer, n int, tokens []int64) {
		buf := make([]byte, 0, 64)
		for i := range n {
			tokens[i], buf = one(unsafe.Add(rows, uintptr(i)*size), buf)
		}
	}, nil
}

func (c *Codec) field(name string) (*Field, error) {
	var names []string
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return &c.Fields[i], nil
		}
		names = append(names, c.Fields[i].Name)
	}
	return nil, fmt.Errorf("no column %q%s in %s; there are %s", name, nearest(names, name), c.Type, strings.Join(names, ", "))
}
