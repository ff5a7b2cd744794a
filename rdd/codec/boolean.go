package codec

import "github.com/apache/arrow/go/v15/arrow"

// boolean packs bools into bits.
type boolean struct{}

func (boolean) dataType() arrow.DataType { return arrow.FixedWidthTypes.Boolean }
func (boolean) flat() bool               { return true }
func (boolean) clone(window)             {}

func (c boolean) encode(w window) (arrow.ArrayData, error) {
	out := make([]byte, (w.n+7)/8)
	for i := range w.n {
		if *at[bool](w, i) {
			out[i>>3] |= 1 << (i & 7)
		}
	}
	return values(c.dataType(), w.n, nil, out), nil
}

func (c boolean) bind(dt arrow.DataType) (reader, error) {
	if dt.ID() == arrow.BOOL {
		return c, nil
	}
	return unpack(c, dt, "bool")
}

func (boolean) read(w window, d arrow.ArrayData, lo int) error {
	pos, err := extent(d, lo, w.n)
	if err != nil {
		return err
	}
	if err := noNulls(d, pos, w.n); err != nil {
		return err
	}
	bits, err := words[byte](d, 1, 0, (pos+w.n+7)/8)
	if err != nil {
		return err
	}
	for i := range w.n {
		*at[bool](w, i) = bit(bits, pos+i)
	}
	return nil
}
