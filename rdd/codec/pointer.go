package codec

import (
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// pointer is the column of *E: nil is null.
type pointer struct {
	elem column
	of   element
}

func (c pointer) dataType() arrow.DataType { return c.elem.dataType() }
func (c pointer) flat() bool               { return false }

// encode gathers what is pointed to, with a zero value for nil, so that what lies
// under a null is always the same.
func (c pointer) encode(w window) (arrow.ArrayData, error) {
	all := c.of.fresh(w.n)
	valid := make([]byte, (w.n+7)/8)
	nulls := 0
	for i := range w.n {
		p := *at[unsafe.Pointer](w, i)
		if p == nil {
			nulls++
			continue
		}
		valid[i>>3] |= 1 << (i & 7)
		c.of.copy(unsafe.Pointer(at[byte](all, i)), p, 1)
	}
	d, err := c.elem.encode(all)
	if err != nil || nulls == 0 {
		return d, err
	}
	bufs := append([]*memory.Buffer{memory.NewBufferBytes(valid)}, d.Buffers()[1:]...)
	return array.NewData(d.DataType(), w.n, bufs, d.Children(), nulls, 0), nil
}

func (c pointer) clone(w window) {
	k := 0
	for i := range w.n {
		if *at[unsafe.Pointer](w, i) != nil {
			k++
		}
	}
	all := c.of.fresh(k)
	k = 0
	for i := range w.n {
		if p := at[unsafe.Pointer](w, i); *p != nil {
			own := unsafe.Pointer(at[byte](all, k))
			c.of.copy(own, *p, 1)
			*p = own
			k++
		}
	}
	c.elem.clone(all)
}

func (c pointer) bind(dt arrow.DataType) (reader, error) {
	r, err := c.elem.bind(dt)
	return pointerReader{r, c.of}, err
}

// pointerReader lets every non-null row point into one new slice. Rows are read in
// runs without a null, since nothing is known of the bytes under one.
type pointerReader struct {
	elem reader
	of   element
}

func (r pointerReader) read(w window, d arrow.ArrayData, lo int) error {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return err
	}
	valid, err := validity(d, pos, w.n)
	if err != nil {
		return err
	}
	if valid == nil {
		all := r.of.fresh(w.n)
		r.point(w, all)
		return r.elem.read(all, d, lo)
	}
	all := r.of.fresh(countSet(valid, pos, w.n))
	for i, k := 0, 0; i < w.n; {
		nulls := run(valid, pos+i, w.n-i, false)
		for ; nulls > 0; nulls-- {
			*at[unsafe.Pointer](w, i) = nil
			i++
		}
		set := run(valid, pos+i, w.n-i, true)
		if err := r.elem.read(all.rows(k, set), d, lo+i); err != nil {
			return err
		}
		r.point(w.rows(i, set), all.rows(k, set))
		i, k = i+set, k+set
	}
	return nil
}

// point lets the pointers at w point to the values at all.
func (r pointerReader) point(w, all window) {
	for i := range w.n {
		*at[unsafe.Pointer](w, i) = unsafe.Pointer(at[byte](all, i))
	}
}
