package codec

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// block is the column of [N]E, E not a byte.
type block struct {
	elem  column
	of    element
	whole element
	dt    *arrow.FixedSizeListType
	len   int
}

func newBlock(t reflect.Type, elem column, nullable bool) *block {
	item := arrow.Field{Name: "item", Type: elem.dataType(), Nullable: nullable}
	dt := arrow.FixedSizeListOfField(int32(t.Len()), item)
	return &block{elem, elementOf(t.Elem()), elementOf(t), dt, t.Len()}
}

func (c *block) dataType() arrow.DataType { return c.dt }
func (c *block) flat() bool               { return c.elem.flat() }

// within is the elements of row i.
func (c *block) within(w window, i int) window {
	return window{w.base, w.off + uintptr(i)*w.stride, c.of.size, c.len}
}

func (c *block) encode(w window) (arrow.ArrayData, error) {
	if w.n > MaxColumnBytes/c.len {
		return nil, tooMany(w.n, MaxColumnBytes, c.of.size+1)
	}
	if err := tooMany(w.n, w.n*c.len, c.of.size); err != nil {
		return nil, err
	}
	all := c.of.fresh(w.n * c.len)
	for i := range w.n {
		c.whole.copy(unsafe.Pointer(at[byte](all, i*c.len)), unsafe.Pointer(at[byte](w, i)), 1)
	}
	d, err := c.elem.encode(all)
	if err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	return values(c.dt, w.n, []arrow.ArrayData{d}), nil
}

func (c *block) clone(w window) {
	for i := range w.n {
		c.elem.clone(c.within(w, i))
	}
}

func (c *block) bind(dt arrow.DataType) (reader, error) {
	from, ok := dt.(*arrow.FixedSizeListType)
	if !ok || int(from.Len()) != c.len {
		return nil, misfit(dt, fmt.Sprintf("an array of %d", c.len))
	}
	elem, err := c.elem.bind(from.Elem())
	if err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	return blockReader{c, elem}, nil
}

type blockReader struct {
	*block
	elem reader
}

func (r blockReader) read(w window, d arrow.ArrayData, lo int) error {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return err
	}
	kid := d.Children()[0]
	if r.flat() {
		for i := range w.n {
			if err := r.elem.read(r.within(w, i), kid, (pos+i)*r.len); err != nil {
				return fmt.Errorf("elements of row %d: %w", i, err)
			}
		}
		return nil
	}
	// Elements that own memory get it all at once, not a row at a time.
	all := r.of.fresh(w.n * r.len)
	if err := r.elem.read(all, kid, pos*r.len); err != nil {
		return fmt.Errorf("elements: %w", err)
	}
	for i := range w.n {
		r.whole.copy(unsafe.Pointer(at[byte](w, i)), unsafe.Pointer(at[byte](all, i*r.len)), 1)
	}
	return nil
}
