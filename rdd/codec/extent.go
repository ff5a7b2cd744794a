package codec

import (
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// extent checks that d has the values lo … lo+n−1 and returns the place of the first
// in its buffers.
func extent(d arrow.ArrayData, lo, n int) (int, error) {
	if lo < 0 || n < 0 || d.Len() < 0 || d.Offset() < 0 || lo > d.Len() || n > d.Len()-lo {
		return 0, fmt.Errorf("%d values at %d, want %d from %d on", d.Len(), d.Offset(), n, lo)
	}
	return d.Offset() + lo, nil
}

// buffer is buffer i of d, nil if there is none.
func buffer(d arrow.ArrayData, i int) []byte {
	if bufs := d.Buffers(); i < len(bufs) && bufs[i] != nil {
		return bufs[i].Bytes()
	}
	return nil
}

// words is n values of type F from place pos on of buffer i. Buffers cut out of
// others may be misaligned; such are copied.
func words[F any](d arrow.ArrayData, i, pos, n int) ([]F, error) {
	var one F
	size := int(unsafe.Sizeof(one))
	b := buffer(d, i)
	if pos < 0 || n < 0 || pos > len(b)/size || n > len(b)/size-pos {
		return nil, fmt.Errorf("buffer of %d bytes for %d values of %d bytes from %d on", len(b), n, size, pos)
	}
	b = b[pos*size:][:n*size]
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%unsafe.Alignof(one) != 0 {
		out := make([]F, n)
		copy(bytesOf(out), b)
		return out, nil
	}
	return unsafe.Slice((*F)(p), n), nil
}

// present is w.n values of type F from value lo on, none of them null.
func present[F any](w window, d arrow.ArrayData, lo int) ([]F, error) {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return nil, err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return nil, err
	}
	return words[F](d, 1, pos, w.n)
}

// validity is the bitmap of d, nil if no value is null.
func validity(d arrow.ArrayData, pos, n int) ([]byte, error) {
	b := buffer(d, 0)
	if len(b) == 0 {
		return nil, nil
	}
	if n > 0 && (pos+n-1)/8 >= len(b) {
		return nil, fmt.Errorf("validity bitmap of %d bytes for %d values", len(b), pos+n)
	}
	return b, nil
}

// noNulls is an error if one of n values from place pos on is null.
func noNulls(d arrow.ArrayData, pos, n int) error {
	valid, err := validity(d, pos, n)
	if err != nil || valid == nil {
		return err
	}
	if i := run(valid, pos, n, true); i < n {
		return fmt.Errorf("row %d is null; make the field a pointer to allow that", i)
	}
	return nil
}

func bit(bitmap []byte, i int) bool { return bitmap[i>>3]>>(i&7)&1 != 0 }

// run is how many of n bits from pos on are set (or clear) before the first that is not.
func run(bitmap []byte, pos, n int, set bool) int {
	var flip byte
	if set {
		flip = 0xff
	}
	for i := 0; i < n; {
		at := pos + i
		if other := (bitmap[at>>3] ^ flip) >> (at & 7); other != 0 {
			return min(n, i+bits.TrailingZeros8(other))
		}
		i += 8 - at&7
	}
	return n
}

// countSet is how many of n bits from pos on are set.
func countSet(bitmap []byte, pos, n int) int {
	k := 0
	for i := 0; i < n; {
		at := pos + i
		width := min(8-at&7, n-i)
		k += bits.OnesCount8(bitmap[at>>3] >> (at & 7) << (8 - width))
		i += width
	}
	return k
}
