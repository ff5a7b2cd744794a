package codec

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// list is the column of []E. The memory of a slice is handled as []byte whatever E
// is: only the element knows its size.
type list struct {
	elem column
	of   element
	dt   *arrow.ListType
}

// slice is the layout of a Go slice.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

func newList(elem column, of element, nullable bool) *list {
	return &list{elem, of, arrow.ListOfField(arrow.Field{Name: "item", Type: elem.dataType(), Nullable: nullable})}
}

func (c *list) dataType() arrow.DataType { return c.dt }
func (c *list) flat() bool               { return false }

func (c *list) encode(w window) (arrow.ArrayData, error) {
	offsets, total, err := listOffsets(w, c.of.size)
	if err != nil {
		return nil, err
	}
	d, err := c.elem.encode(c.gather(w, total))
	if err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	return values(c.dt, w.n, []arrow.ArrayData{d}, bytesOf(offsets)), nil
}

// listOffsets is where each row's elements begin and, last, how many there are.
func listOffsets(w window, size uintptr) (offsets []int32, total int, err error) {
	offsets = make([]int32, w.n+1)
	for i := range w.n {
		total += at[slice](w, i).len
		if err := tooMany(w.n, total, size); err != nil {
			return nil, 0, err
		}
		offsets[i+1] = int32(total)
	}
	return offsets, total, nil
}

func tooMany(rows, total int, size uintptr) error {
	if total > math.MaxInt32 || uintptr(total)*size > MaxColumnBytes {
		return fmt.Errorf("%d rows with %d elements of %d bytes, at most %d bytes: %w", rows, total, size, MaxColumnBytes, ErrTooLarge)
	}
	return nil
}

// gather copies the elements of all rows beside each other.
func (c *list) gather(w window, total int) window {
	all := c.of.fresh(total)
	k := 0
	for i := range w.n {
		if s := at[slice](w, i); s.len > 0 {
			c.of.copy(unsafe.Pointer(at[byte](all, k)), s.data, s.len)
			k += s.len
		}
	}
	return all
}

func (c *list) clone(w window) {
	total := 0
	for i := range w.n {
		total += at[slice](w, i).len
	}
	all := c.gather(w, total)
	k := 0
	for i := range w.n {
		s := at[slice](w, i)
		n := s.len
		*s = sliceOf(all, k, n)
		k += n
	}
	if !c.elem.flat() {
		c.elem.clone(all)
	}
}

// sliceOf is n elements from k on, nil if there are none, with no room to grow into
// their neighbours.
func sliceOf(all window, k, n int) slice {
	if n == 0 {
		return slice{}
	}
	return slice{unsafe.Pointer(at[byte](all, k)), n, n}
}

func (c *list) bind(dt arrow.DataType) (reader, error) {
	from, ok := dt.(arrow.ListLikeType)
	if !ok {
		return nil, misfit(dt, "a slice")
	}
	elem, err := c.elem.bind(from.Elem())
	if err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	switch dt.ID() {
	case arrow.LIST:
		return listReader[int32]{elem, c.of}, nil
	case arrow.LARGE_LIST:
		return listReader[int64]{elem, c.of}, nil
	}
	return nil, misfit(dt, "a slice")
}

// listReader copies all elements into one new slice that the rows share out.
type listReader[O offset] struct {
	elem reader
	of   element
}

func (r listReader[O]) read(w window, d arrow.ArrayData, lo int) error {
	offsets, _, err := spans[O](w, d, lo)
	if err != nil || w.n == 0 {
		return err
	}
	first := int(offsets[0])
	all := r.of.fresh(int(offsets[w.n]) - first) // ascending within the child: see verify
	if err := r.elem.read(all, d.Children()[0], first); err != nil {
		return fmt.Errorf("elements: %w", err)
	}
	for i := range w.n {
		k := int(offsets[i]) - first
		*at[slice](w, i) = sliceOf(all, k, int(offsets[i+1]-offsets[i]))
	}
	return nil
}
