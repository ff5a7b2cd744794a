package protobuf

import (
	"reflect"
	"strconv"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// element is the op of one element of a repeated field.
func (c *compiler) element(fd protoreflect.FieldDescriptor, f *codec.Field) (op, error) {
	if fd.Message() == nil {
		return c.scalar(fd, f)
	}
	do, err := c.whole(fd.Message(), f)
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		lo, hi, err := bytesAt(b, i)
		if err != nil {
			return i, err
		}
		return hi, do(b[lo:hi:hi], v)
	}, err
}

// bindList sets how a repeated field becomes a slice or an array.
func (c *compiler) bindList(m *message, f *field, fd protoreflect.FieldDescriptor) error {
	if f.to.Kind != codec.List && f.to.Kind != codec.Array {
		return misfit("repeated "+fd.Kind().String(), f.to)
	}
	elem, err := c.element(fd, &f.to.Fields[0])
	if err != nil {
		return slot.Within("[]", err)
	}
	to, stride := *f.to, slot.Stride(&f.to.Fields[0])
	if f.to.Kind == codec.Array {
		f.late, f.prefix = array(&to, elem, stride), true
		m.gather(f, func(b []byte) error { return elements(b, f.wire) })
		f.packed = packedLater(f.wire)
		if !f.to.Nullable {
			f.absent = func(v unsafe.Pointer) error { return f.late(nil, v) }
		} else {
			f.late = pointed(&to, f.late)
		}
		return nil
	}
	f.one = func(b []byte, i int, v unsafe.Pointer) (int, error) {
		v = list(&to, v)
		i, err := elem(b, i, slot.Extend(&to, v, 1))
		if err != nil {
			err = slot.WithinItem(length(v)-1, err)
		}
		return i, err
	}
	if f.wire != protowire.BytesType {
		f.packed = packed(&to, elem, f.wire, stride)
	}
	return nil
}

// list is where the slice of a field is that may be a pointer to one.
func list(f *codec.Field, v unsafe.Pointer) unsafe.Pointer {
	if !f.Nullable {
		return v
	}
	to := (*unsafe.Pointer)(v)
	if *to == nil {
		*to = slot.New(f)
	}
	return *to
}

// length is that of the slice at v, whatever its elements are.
func length(v unsafe.Pointer) int { return len(*(*[]struct{})(v)) }

// packedLater marks a field whose packed values are gathered like its single ones.
func packedLater(t protowire.Type) whole {
	if t == protowire.BytesType {
		return nil
	}
	return func([]byte, unsafe.Pointer) error { return nil }
}

// packed decodes many elements that stand one behind the other, all at once: there are as many as their bytes say.
func packed(f *codec.Field, elem op, t protowire.Type, stride uintptr) whole {
	return func(b []byte, v unsafe.Pointer) error {
		n := count(b, t)
		if n == 0 && len(b) > 0 {
			return short(len(b))
		}
		if n == 0 {
			return nil
		}
		v = list(f, v)
		first := slot.Extend(f, v, n)
		i := 0
		for k := range n {
			var err error
			if i, err = elem(b, i, unsafe.Add(first, uintptr(k)*stride)); err != nil {
				return slot.WithinItem(length(v)-n+k, err)
			}
		}
		if i != len(b) {
			return short(len(b))
		}
		return nil
	}
}

// count is how many elements begin and end in b.
func count(b []byte, t protowire.Type) (n int) {
	switch t {
	case protowire.Fixed32Type:
		return len(b) / 4
	case protowire.Fixed64Type:
		return len(b) / 8
	}
	for _, c := range b {
		n += int(^c >> 7)
	}
	return n
}

// elements tells whether b is a row of whole elements.
func elements(b []byte, t protowire.Type) error {
	for i := 0; i < len(b); {
		var err error
		if i, err = skip(b, i, 1, t); err != nil {
			return err
		}
	}
	return nil
}

// array decodes the elements that were gathered: just so many as the Go array has.
func array(f *codec.Field, elem op, stride uintptr) whole {
	want := f.Type.Len()
	return func(b []byte, v unsafe.Pointer) (err error) {
		n := 0
		for i := 0; i < len(b); n++ {
			if n == want {
				return &slot.Misfit{What: " has more than " + strconv.Itoa(want) + " elements"}
			}
			if i, err = elem(b, i, unsafe.Add(v, uintptr(n)*stride)); err != nil {
				return slot.WithinItem(n, err)
			}
		}
		if n != want {
			return &slot.Misfit{What: " has " + strconv.Itoa(n) + " elements, not " + strconv.Itoa(want)}
		}
		return nil
	}
}

// bindMap sets how a map field becomes a map: each of its values is a message of two fields.
func (c *compiler) bindMap(f *field, fd protoreflect.FieldDescriptor) error {
	if f.to.Kind != codec.Map {
		return misfit("map", f.to)
	}
	pair := reflect.StructOf([]reflect.StructField{{Name: "Key", Type: f.to.Type.Key()}, {Name: "Value", Type: f.to.Type.Elem()}})
	key, value := f.to.Fields[0], f.to.Fields[1]
	key.Name, key.Offset = string(fd.MapKey().Name()), 0
	value.Name, value.Offset = string(fd.MapValue().Name()), pair.Field(1).Offset
	do, err := c.message(fd.Message(), &codec.Field{Kind: codec.Struct, Type: pair, Fields: []codec.Field{key, value}})
	if err != nil {
		return err
	}
	to := f.to
	f.one = func(b []byte, i int, v unsafe.Pointer) (int, error) {
		lo, hi, err := bytesAt(b, i)
		if err != nil {
			return i, err
		}
		entry := reflect.New(pair)
		if err := do(b[lo:hi:hi], entry.UnsafePointer()); err != nil {
			return hi, err
		}
		m := reflect.NewAt(to.Type, list(to, v)).Elem()
		if m.IsNil() {
			m.Set(reflect.MakeMap(to.Type))
		}
		m.SetMapIndex(entry.Elem().Field(0), entry.Elem().Field(1))
		return hi, nil
	}
	return nil
}
