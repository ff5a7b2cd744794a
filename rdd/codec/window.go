package codec

import (
	"reflect"
	"unsafe"
)

// window is n places in Go memory, one a row: base+off, base+off+stride, … It is
// how a whole column is encoded or decoded in one call. Values are read and written
// through typed pointers, so the collector's write barriers stay.
type window struct {
	base   unsafe.Pointer
	off    uintptr
	stride uintptr
	n      int
}

// at is place i as a pointer to F.
func at[F any](w window, i int) *F {
	return (*F)(unsafe.Add(w.base, w.off+uintptr(i)*w.stride))
}

// part is the same rows, a number of bytes further into each.
func (w window) part(off uintptr) window {
	w.off += off
	return w
}

// rows is n rows from row i on.
func (w window) rows(i, n int) window {
	w.off += uintptr(i) * w.stride
	w.n = n
	return w
}

// element is a Go type whose values are moved between memory that is laid out
// differently: rows, the elements of their slices, what their pointers point to.
type element struct {
	t     reflect.Type
	size  uintptr
	plain bool // holds no pointer: bytes may be copied
}

func elementOf(t reflect.Type) element {
	return element{t: t, size: t.Size(), plain: pointerless(t)}
}

// pointerless reports whether values of t hold no pointer at all.
func pointerless(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() == 0 || pointerless(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !pointerless(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
	}
}

// fresh returns n new zero values beside each other, as a window of them.
func (e element) fresh(n int) window {
	return window{base: reflect.MakeSlice(reflect.SliceOf(e.t), n, n).UnsafePointer(), stride: e.size, n: n}
}

// copy copies n values that stand beside each other in both places.
func (e element) copy(dst, src unsafe.Pointer, n int) {
	switch {
	case n == 0 || e.size == 0:
	case e.plain:
		copy(unsafe.Slice((*byte)(dst), uintptr(n)*e.size), unsafe.Slice((*byte)(src), uintptr(n)*e.size))
	case e.t.Kind() == reflect.String:
		copy(unsafe.Slice((*string)(dst), n), unsafe.Slice((*string)(src), n))
	default: // reflect.Copy would allocate two slice headers
		for i := range uintptr(n) {
			to, from := unsafe.Add(dst, i*e.size), unsafe.Add(src, i*e.size)
			reflect.NewAt(e.t, to).Elem().Set(reflect.NewAt(e.t, from).Elem())
		}
	}
}

// zero clears one value.
func (e element) zero(p unsafe.Pointer) {
	if e.plain {
		clear(unsafe.Slice((*byte)(p), e.size))
		return
	}
	reflect.NewAt(e.t, p).Elem().SetZero()
}
