package codec

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// fixedBytes is the column of [N]byte.
type fixedBytes struct{ dt *arrow.FixedSizeBinaryType }

func (c fixedBytes) dataType() arrow.DataType { return c.dt }
func (c fixedBytes) flat() bool               { return true }
func (c fixedBytes) clone(window)             {}

func (c fixedBytes) encode(w window) (arrow.ArrayData, error) {
	width := c.dt.ByteWidth
	if w.n > MaxColumnBytes/width {
		return nil, fmt.Errorf("%d rows of %d bytes, at most %d: %w", w.n, width, MaxColumnBytes, ErrTooLarge)
	}
	out := make([]byte, w.n*width)
	for i := range w.n {
		copy(out[i*width:], unsafe.Slice(at[byte](w, i), width))
	}
	return values(c.dt, w.n, nil, out), nil
}

func (c fixedBytes) bind(dt arrow.DataType) (reader, error) {
	if sameType(dt, c.dt) {
		return c, nil
	}
	return unpack(c, dt, fmt.Sprintf("[%d]byte", c.dt.ByteWidth))
}

func (c fixedBytes) read(w window, d arrow.ArrayData, lo int) error {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return err
	}
	width, all := c.dt.ByteWidth, buffer(d, 1)
	if pos+w.n > len(all)/width {
		return fmt.Errorf("buffer of %d bytes for %d values of %d bytes", len(all), pos+w.n, width)
	}
	for i := range w.n {
		copy(unsafe.Slice(at[byte](w, i), width), all[(pos+i)*width:])
	}
	return nil
}
