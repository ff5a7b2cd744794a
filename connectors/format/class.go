package format

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// class says what kinds of bytes a text has.
type class uint8

const (
	printable class = iota // 0x20 … 0x7f only
	wide                   // also bytes from 0x80 on, which may or may not be UTF-8
	control                // also bytes below 0x20
)

const (
	ones  = 0x0101010101010101
	tops  = 0x80 * ones
	below = 0x20 * ones
)

// classOf looks at 32 bytes at a time for one that is not printable. Such a byte has its top bit set, or borrows from it when
// 0x20 is subtracted; that a borrow may reach the neighbour does not matter, since there is one then.
func classOf(b []byte) class {
	if len(b) < 32 {
		return classOfFew(b)
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	odd := uint64(0)
	for i := 0; i < len(b)-32; i += 32 {
		odd |= oddBytes((*[4]uint64)(unsafe.Add(p, i)))
	}
	odd |= oddBytes((*[4]uint64)(unsafe.Add(p, len(b)-32)))
	if odd&tops == 0 {
		return printable
	}
	return classOfOdd(b)
}

// classOfOdd tells control from wide. Here a top bit that a byte had of its own does not count.
func classOfOdd(b []byte) class {
	low := uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		w := binary.NativeEndian.Uint64(b)
		low |= (w - below) &^ w
	}
	if low&tops != 0 || classOfFew(b) == control {
		return control
	}
	return wide
}

func oddBytes(w *[4]uint64) uint64 {
	return (w[0] - below) | w[0] | (w[1] - below) | w[1] | (w[2] - below) | w[2] | (w[3] - below) | w[3]
}

func classOfFew(b []byte) class {
	c := printable
	for _, v := range b {
		if v < 0x20 {
			return control
		}
		if v >= utf8.RuneSelf {
			c = wide
		}
	}
	return c
}
