package codec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

var timeType, durationType = reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]()

// derive makes the codec of t.
func derive(t reflect.Type) (*Codec, error) {
	if t.Kind() == reflect.Pointer {
		return nil, fmt.Errorf("rows are pointers (%s): use rows of type %s", t, t.Elem())
	}
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return nil, errors.New("only 64-bit machines are supported: int travels as int64")
	}
	c := &Codec{Type: t, Scalar: t.Kind() != reflect.Struct || t == timeType}
	var d deriving
	var err error
	if c.Scalar {
		c.parts, err = d.scalar(t)
	} else {
		err = d.fields(&c.parts, typeName(t), t, 0, true)
		if err == nil && t.Size() > 0 && hollow(c.parts.fields) {
			err = fmt.Errorf("no field of %s has a column: rows would be lost when they leave memory", t)
		}
	}
	if err != nil {
		return nil, err
	}
	c.Fields, c.Flat = c.parts.fields, c.parts.flat()
	c.schema = arrow.NewSchema(c.parts.arrow(), nil)
	for _, col := range c.parts.columns {
		b, err := bind(col, col.dataType())
		if err != nil {
			return nil, fmt.Errorf("bug: %s cannot read its own column: %w", t, err)
		}
		c.readers = append(c.readers, b)
	}
	return c, nil
}

func typeName(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return t.String()
}

// deriving is the walk over a row's type.
type deriving struct {
	within []reflect.Type // the structs around the current field, outermost first
}

func (d *deriving) scalar(t reflect.Type) (parts, error) {
	f, col, err := d.column(typeName(t), t)
	f.Name = "value"
	return parts{fields: []Field{f}, columns: []column{col}}, err
}

// fields appends the columns of the struct t, which stands at off, to p. Embedded
// structs are part of t.
func (d *deriving) fields(p *parts, path string, t reflect.Type, off uintptr, row bool) error {
	if slices.Contains(d.within, t) {
		return fmt.Errorf("%s: type %s contains itself, and a column cannot", path, t)
	}
	d.within = append(d.within, t)
	defer func() { d.within = d.within[:len(d.within)-1] }()
	for i := range t.NumField() {
		if err := d.field(p, path, t.Field(i), off, row); err != nil {
			return err
		}
	}
	return nil
}

func (d *deriving) field(p *parts, path string, sf reflect.StructField, off uintptr, row bool) error {
	path += "." + sf.Name
	tag, err := tagOf(sf)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	flattens := sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.Type != timeType && tag.name == ""
	switch {
	case tag.out || sf.Name == "_":
		p.blanks = append(p.blanks, blank{off + sf.Offset, elementOf(sf.Type)})
		return nil
	case flattens:
		return d.fields(p, path, sf.Type, off+sf.Offset, row)
	case sf.Anonymous && sf.Type.Kind() == reflect.Pointer && tag.name == "":
		return fmt.Errorf("%s: an embedded pointer has no columns of its own: embed %s itself or give the field a name", path, sf.Type.Elem())
	case !sf.IsExported() && !(sf.Anonymous && sf.Type.Kind() == reflect.Struct):
		return fmt.Errorf("%s: an unexported field would be lost when a row leaves memory: export it, or tag it col:\"-\" if it may", path)
	}
	f, col, err := d.column(path, sf.Type)
	if err != nil {
		return err
	}
	f.Offset, f.Partition, f.Key = off+sf.Offset, tag.partition, tag.key
	f.Name = sf.Name
	if tag.name != "" {
		f.Name = tag.name
	}
	return p.add(path, f, col, row)
}

// add appends a column that the rules for a row's columns allow.
func (p *parts) add(path string, f Field, col column, row bool) error {
	if slices.ContainsFunc(p.fields, func(o Field) bool { return o.Name == f.Name }) {
		return fmt.Errorf("%s: a second column named %q: name one of them by a tag col:\"…\"", path, f.Name)
	}
	if f.Partition || f.Key {
		switch {
		case !row:
			return fmt.Errorf("%s: only a column of the row itself can be part of the key", path)
		case f.Nullable:
			return fmt.Errorf("%s: a pointer cannot be part of the key, since a key is never null", path)
		}
	}
	p.fields, p.columns = append(p.fields, f), append(p.columns, col)
	return nil
}
