package rdd

import (
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// textBytes is the number of bytes of text that rows point to.
func textBytes[T any](rows []T) int64 {
	if len(rows) == 0 {
		return 0
	}
	var total int64
	eachText(codecFor[T](), unsafe.Pointer(&rows[0]), len(rows), func(s *string) { total += int64(len(*s)) })
	return total
}

// compact moves the text of rows, which may point into a fetch buffer or a block, into one buffer of their own: else 41
// kept bytes would pin a whole buffer of a megabyte. Text inside slices, maps and pointers stays where it is.
func compact[T any](rows []T) {
	if len(rows) == 0 {
		return
	}
	total := textBytes(rows)
	if total == 0 {
		return
	}
	buf := make([]byte, 0, total)
	eachText(codecFor[T](), unsafe.Pointer(&rows[0]), len(rows), func(s *string) {
		if len(*s) == 0 {
			*s = "" // an empty string may still point somewhere
			return
		}
		from := len(buf)
		buf = append(buf, *s...)
		*s = unsafe.String(&buf[from], len(*s))
	})
}

// eachText visits the strings that stand directly in n rows from base on, in nested structs too.
func eachText(c *codec.Codec, base unsafe.Pointer, n int, visit func(*string)) {
	fieldsText(c.Fields, base, c.Type.Size(), n, visit)
}

func fieldsText(fields []codec.Field, base unsafe.Pointer, stride uintptr, n int, visit func(*string)) {
	for i := range fields {
		f := &fields[i]
		if f.Nullable {
			continue
		}
		switch f.Kind {
		case codec.String:
			for r := range n {
				visit((*string)(unsafe.Add(base, uintptr(r)*stride+f.Offset)))
			}
		case codec.Struct:
			fieldsText(f.Fields, unsafe.Add(base, f.Offset), stride, n, visit)
		}
	}
}
