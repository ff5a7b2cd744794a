package codec

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// unpack is the last resort of every bind: a dictionary of a type that c can read.
// A row costs a call; nothing of ours writes dictionaries.
func unpack(c column, dt arrow.DataType, want string) (reader, error) {
	dict, ok := dt.(*arrow.DictionaryType)
	if !ok {
		return nil, misfit(dt, want)
	}
	values, err := c.bind(dict.ValueType)
	if err != nil {
		return nil, err
	}
	return codesOf(dict, values)
}

// codes reads and checks the indexes of a dictionary column.
type codes interface {
	reader
	// within checks that every code that is not null is one of n.
	within(d arrow.ArrayData, n int) error
	// code is the code at a place of d's buffer, which must exist.
	code(d arrow.ArrayData, pos int) int
}

func codesOf(t *arrow.DictionaryType, values reader) (codes, error) {
	switch t.IndexType.ID() {
	case arrow.INT8:
		return coded[int8]{values}, nil
	case arrow.INT16:
		return coded[int16]{values}, nil
	case arrow.INT32:
		return coded[int32]{values}, nil
	case arrow.INT64:
		return coded[int64]{values}, nil
	case arrow.UINT8:
		return coded[uint8]{values}, nil
	case arrow.UINT16:
		return coded[uint16]{values}, nil
	case arrow.UINT32:
		return coded[uint32]{values}, nil
	case arrow.UINT64:
		return coded[uint64]{values}, nil
	}
	return nil, fmt.Errorf("a dictionary with indexes of type %s", t.IndexType)
}

// coded reads a dictionary with indexes of type I.
type coded[I number] struct{ values reader }

func (r coded[I]) read(w window, d arrow.ArrayData, lo int) error {
	src, err := present[I](w, d, lo)
	if err != nil {
		return err
	}
	for i, code := range src {
		if err := r.values.read(w.rows(i, 1), d.Dictionary(), int(code)); err != nil {
			return fmt.Errorf("row %d: dictionary entry %v: %w", i, code, err)
		}
	}
	return nil
}

func (coded[I]) within(d arrow.ArrayData, n int) error {
	src, err := words[I](d, 1, d.Offset(), d.Len())
	if err != nil {
		return err
	}
	valid := buffer(d, 0)
	for i, code := range src {
		if uint64(code) >= uint64(n) && (len(valid) == 0 || bit(valid, d.Offset()+i)) {
			return fmt.Errorf("row %d: entry %v of a dictionary of %d", i, code, n)
		}
	}
	return nil
}

func (coded[I]) code(d arrow.ArrayData, pos int) int {
	src, _ := words[I](d, 1, pos, 1)
	return int(src[0])
}
