package slot

import (
	"reflect"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// Root is a whole row as a field: the struct, or the one value that the row is.
func Root(c *codec.Codec) codec.Field {
	if c.Scalar {
		f := c.Fields[0]
		f.Name = ""
		return f
	}
	return codec.Field{Kind: codec.Struct, Type: c.Type, Size: c.Type.Size(), Fields: c.Fields}
}

// Describe is how a field's Go type is named in a message.
func Describe(f *codec.Field) string {
	if f.Nullable {
		return "*" + f.Type.String()
	}
	return f.Type.String()
}

// New returns the address of a new value, zero, for a field that is a pointer.
func New(f *codec.Field) unsafe.Pointer { return reflect.New(f.Type).UnsafePointer() }

// Stride is how far apart the elements of a list are, of which f is one.
func Stride(f *codec.Field) uintptr {
	if f.Nullable {
		return unsafe.Sizeof(uintptr(0))
	}
	return f.Type.Size()
}

// Extend appends n elements, zero, to the slice at v, of a field of kind List, and returns the address of the first of them.
func Extend(f *codec.Field, v unsafe.Pointer, n int) unsafe.Pointer {
	s := reflect.NewAt(f.Type, v).Elem()
	have := s.Len()
	s.Grow(n)
	s.SetLen(have + n)
	return unsafe.Add(s.UnsafePointer(), uintptr(have)*Stride(&f.Fields[0]))
}

// Clear makes the value of a field zero again.
func Clear(f *codec.Field, v unsafe.Pointer) {
	if f.Nullable {
		*(*unsafe.Pointer)(v) = nil
		return
	}
	reflect.NewAt(f.Type, v).Elem().SetZero()
}

// Entries fills a map. Of equal keys the last counts.
type Entries struct {
	Key, Value unsafe.Pointer // of the entry at hand: zero after NewEntries and after Put

	key, value, to reflect.Value
}

// NewEntries returns the entries of the map at v, of a field of kind Map, and makes that map for about n of them if it is nil.
func NewEntries(f *codec.Field, v unsafe.Pointer, n int) *Entries {
	e := &Entries{to: reflect.NewAt(f.Type, v).Elem()}
	if e.to.IsNil() {
		e.to.Set(reflect.MakeMapWithSize(f.Type, n))
	}
	e.key, e.value = reflect.New(f.Type.Key()).Elem(), reflect.New(f.Type.Elem()).Elem()
	e.Key, e.Value = e.key.Addr().UnsafePointer(), e.value.Addr().UnsafePointer()
	return e
}

// Put puts the entry at hand into the map.
func (e *Entries) Put() {
	e.to.SetMapIndex(e.key, e.value)
	e.key.SetZero()
	e.value.SetZero()
}
