package rdd

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// texts are the places of the strings that stand directly in a row, in nested structs and arrays too. Text behind slices, maps
// and pointers is not among them.
type texts struct {
	size uintptr // of a row
	at   []uintptr
}

var textsOfType sync.Map // reflect.Type → *texts

func textsOf[T any]() *texts {
	t := reflect.TypeFor[T]()
	if known, ok := textsOfType.Load(t); ok {
		return known.(*texts)
	}
	x := &texts{size: t.Size()}
	x.collect(codecFor[T]().Fields, 0)
	first, _ := textsOfType.LoadOrStore(t, x)
	return first.(*texts)
}

func (x *texts) collect(fields []codec.Field, base uintptr) {
	for i := range fields {
		f := &fields[i]
		if f.Nullable {
			continue
		}
		switch f.Kind {
		case codec.String:
			x.at = append(x.at, base+f.Offset)
		case codec.Struct:
			x.collect(f.Fields, base+f.Offset)
		case codec.Array:
			for e := range f.Type.Len() {
				x.collect(f.Fields, base+f.Offset+uintptr(e)*f.Type.Elem().Size())
			}
		}
	}
}

// bytes is the number of bytes of text in n rows from base on.
func (x *texts) bytes(base unsafe.Pointer, n int) int64 {
	total := 0
	for _, at := range x.at {
		for r := range n {
			total += len(*(*string)(unsafe.Add(base, uintptr(r)*x.size+at)))
		}
	}
	return int64(total)
}

// move copies the text of n rows from base on into buf, from place pos on, and lets the rows point there. It returns the place
// behind.
func (x *texts) move(base unsafe.Pointer, n int, buf []byte, pos int) int {
	for _, at := range x.at {
		for r := range n {
			s := (*string)(unsafe.Add(base, uintptr(r)*x.size+at))
			if len(*s) == 0 {
				*s = "" // an empty string may still point somewhere
				continue
			}
			end := pos + copy(buf[pos:], *s)
			*s = unsafe.String(&buf[pos], end-pos)
			pos = end
		}
	}
	return pos
}

// textBytes is the number of bytes of text that rows point to.
func textBytes[T any](rows []T) int64 {
	if len(rows) == 0 {
		return 0
	}
	return textsOf[T]().bytes(unsafe.Pointer(&rows[0]), len(rows))
}

// compact moves the text of rows, which may point into a fetch buffer or a block, into one buffer of their own: else 41
// kept bytes would pin a whole buffer of a megabyte. Text behind slices, maps and pointers stays where it is.
func compact[T any](rows []T) {
	if len(rows) == 0 {
		return
	}
	x := textsOf[T]()
	if len(x.at) == 0 {
		return
	}
	base := unsafe.Pointer(&rows[0])
	x.move(base, len(rows), make([]byte, x.bytes(base, len(rows))), 0)
}
