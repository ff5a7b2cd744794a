package codec

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// text is the column of strings.
type text struct{}

func (text) dataType() arrow.DataType { return arrow.BinaryTypes.String }
func (text) flat() bool               { return true }
func (text) clone(window)             {}

func (c text) encode(w window) (arrow.ArrayData, error) { return pack[string](c.dataType(), w) }

func (c text) bind(dt arrow.DataType) (reader, error) {
	switch dt.ID() {
	case arrow.STRING, arrow.BINARY:
		return textReader[int32]{}, nil
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return textReader[int64]{}, nil
	}
	return unpack(c, dt, "string")
}

// blob is the column of []byte.
type blob struct{}

func (blob) dataType() arrow.DataType { return arrow.BinaryTypes.Binary }
func (blob) flat() bool               { return false }

func (c blob) encode(w window) (arrow.ArrayData, error) { return pack[[]byte](c.dataType(), w) }

func (blob) clone(w window) {
	total := 0
	for i := range w.n {
		total += len(*at[[]byte](w, i))
	}
	all := make([]byte, 0, total)
	for i := range w.n {
		b := at[[]byte](w, i)
		from := len(all)
		all = append(all, *b...)
		*b = cut(all, from, len(all))
	}
}

func (c blob) bind(dt arrow.DataType) (reader, error) {
	switch dt.ID() {
	case arrow.STRING, arrow.BINARY:
		return blobReader[int32]{}, nil
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return blobReader[int64]{}, nil
	}
	return unpack(c, dt, "[]byte")
}

// pack lays text out as Arrow does: offsets from 0, then the bytes.
func pack[S string | []byte](dt arrow.DataType, w window) (arrow.ArrayData, error) {
	offsets := make([]int32, w.n+1)
	total := 0
	for i, off := 0, w.off; i < w.n; i++ {
		total += len(*(*S)(unsafe.Add(w.base, off)))
		offsets[i+1] = int32(total) // of no consequence if it wraps: see below
		off += w.stride
	}
	if total > MaxColumnBytes {
		return nil, fmt.Errorf("%d rows with %d bytes, at most %d: %w", w.n, total, MaxColumnBytes, ErrTooLarge)
	}
	all := make([]byte, total)
	for i, off := 0, w.off; i < w.n; i++ {
		copy(all[offsets[i]:], *(*S)(unsafe.Add(w.base, off)))
		off += w.stride
	}
	return values(dt, w.n, nil, bytesOf(offsets), all), nil
}

type offset interface{ int32 | int64 }

// textReader reads text or binary into strings that point into the array's buffer.
type textReader[O offset] struct{}

func (textReader[O]) read(w window, d arrow.ArrayData, lo int) error {
	offsets, all, err := spans[O](w, d, lo)
	if err != nil || w.n == 0 {
		return err
	}
	s := unsafe.String(unsafe.SliceData(all), len(all))
	from, off := uint64(offsets[0]), w.off
	for i, end := range offsets[1:] {
		to := uint64(end)
		if from > to || to > uint64(len(s)) {
			return badOffset(i, from, to, len(s))
		}
		*(*string)(unsafe.Add(w.base, off)) = s[from:to]
		from, off = to, off+w.stride
	}
	return nil
}

// blobReader copies text or binary into slices of one new buffer: a slice can be
// written to, and the array's buffer must not be.
type blobReader[O offset] struct{}

func (blobReader[O]) read(w window, d arrow.ArrayData, lo int) error {
	offsets, all, err := spans[O](w, d, lo)
	if err != nil || w.n == 0 {
		return err
	}
	first, last := uint64(offsets[0]), uint64(offsets[w.n])
	if first > last || last > uint64(len(all)) {
		return badOffset(0, first, last, len(all))
	}
	own := append(make([]byte, 0, last-first), all[first:last]...)
	from := first
	for i, end := range offsets[1:] {
		to := uint64(end)
		if from > to || to > last {
			return badOffset(i, from, to, len(all))
		}
		*at[[]byte](w, i) = cut(own, int(from-first), int(to-first))
		from = to
	}
	return nil
}

// cut is b[from:to], nil if empty, with no room to grow into its neighbour.
func cut(b []byte, from, to int) []byte {
	if from == to {
		return nil
	}
	return b[from:to:to]
}

// spans is the n+1 offsets of the values and the buffer that they point into.
func spans[O offset](w window, d arrow.ArrayData, lo int) ([]O, []byte, error) {
	pos, err := extent(d, lo, w.n)
	if err != nil || w.n == 0 {
		return nil, nil, err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return nil, nil, err
	}
	offsets, err := words[O](d, 1, pos, w.n+1)
	return offsets, buffer(d, 2), err
}

func badOffset(row int, from, to uint64, n int) error {
	return fmt.Errorf("row %d: offsets %d to %d into %d bytes", row, int64(from), int64(to), n)
}
