package codec

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// maxRows bounds lengths and offsets so that no sum or product of them overflows.
const maxRows = 1 << 31

// verify checks that all values of d, and of what it consists of, lie within their
// buffers, so that reading them cannot fail. It trusts nothing: d may have been made
// of foreign bytes. Arrow's own ValidateFull panics at some of the lies that are
// found here.
func verify(d arrow.ArrayData) error {
	n, off := d.Len(), d.Offset()
	if n < 0 || off < 0 || n > maxRows || off > maxRows {
		return fmt.Errorf("%s of %d values at %d", d.DataType(), n, off)
	}
	valid, err := validity(d, off, n)
	if err != nil {
		return err
	}
	if nulls := d.NullN(); nulls >= 0 && nulls != n-nonNull(valid, off, n) {
		return fmt.Errorf("%s says it has %d nulls, and has %d", d.DataType(), nulls, n-nonNull(valid, off, n))
	}
	switch t := d.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		return ascending[int32](d, len(buffer(d, 2)))
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return ascending[int64](d, len(buffer(d, 2)))
	case *arrow.DictionaryType:
		return verifyDictionary(d, t)
	case arrow.NestedType:
		return verifyNested(d, t)
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth < 0 || t.ByteWidth > MaxColumnBytes {
			return fmt.Errorf("%d bytes a value", t.ByteWidth)
		}
		return covers(d, 8*t.ByteWidth)
	case arrow.FixedWidthDataType:
		return covers(d, t.BitWidth())
	}
	return fmt.Errorf("columns of type %s are not supported", d.DataType())
}

// nonNull counts the values that are not null.
func nonNull(valid []byte, off, n int) int {
	if valid == nil {
		return n
	}
	return countSet(valid, off, n)
}

// covers checks the buffer of values of so many bits.
func covers(d arrow.ArrayData, bits int) error {
	if need := (d.Offset() + d.Len()); d.Len() > 0 && need > len(buffer(d, 1))*8/max(bits, 1) {
		return fmt.Errorf("buffer of %d bytes for %d values of %s", len(buffer(d, 1)), need, d.DataType())
	}
	return nil
}

// ascending checks offsets into something of so many bytes or elements.
func ascending[O offset](d arrow.ArrayData, into int) error {
	if d.Len() == 0 {
		return nil
	}
	offsets, err := words[O](d, 1, d.Offset(), d.Len()+1)
	if err != nil {
		return err
	}
	from := uint64(offsets[0])
	for i, end := range offsets {
		if to := uint64(end); from > to || to > uint64(into) {
			return fmt.Errorf("row %d of %s: offset %d after %d into %d", i-1, d.DataType(), end, int64(from), into)
		}
		from = uint64(end)
	}
	return nil
}

func verifyNested(d arrow.ArrayData, t arrow.NestedType) error {
	declared := t.Fields()
	if m, ok := t.(*arrow.MapType); ok {
		declared = []arrow.Field{{Type: m.Elem()}}
	}
	kids := d.Children()
	if len(kids) != len(declared) {
		return fmt.Errorf("%s with %d children", t, len(kids))
	}
	for i, kid := range kids {
		if kid == nil || !sameType(kid.DataType(), declared[i].Type) {
			return fmt.Errorf("child %d of %s has another type", i, t)
		}
		if err := verify(kid); err != nil {
			return err
		}
	}
	return verifyShape(d, t, kids)
}

// verifyShape checks that the children are long enough.
func verifyShape(d arrow.ArrayData, t arrow.NestedType, kids []arrow.ArrayData) error {
	end := d.Offset() + d.Len()
	switch t := t.(type) {
	case *arrow.StructType:
		for _, kid := range kids {
			if kid.Len() < end {
				return fmt.Errorf("%s of %d rows has a child of %d", t, end, kid.Len())
			}
		}
		return nil
	case *arrow.FixedSizeListType:
		if n := int(t.Len()); n < 0 || kids[0].Len() < end*n {
			return fmt.Errorf("%s of %d rows has %d elements", t, end, kids[0].Len())
		}
		return nil
	case *arrow.ListType:
		return ascending[int32](d, kids[0].Len())
	case *arrow.LargeListType:
		return ascending[int64](d, kids[0].Len())
	case *arrow.MapType:
		if err := noNulls(kids[0], kids[0].Offset(), kids[0].Len()); err != nil {
			return fmt.Errorf("entries of a map: %w", err)
		}
		return ascending[int32](d, kids[0].Len())
	}
	return fmt.Errorf("columns of type %s are not supported", t)
}

func verifyDictionary(d arrow.ArrayData, t *arrow.DictionaryType) error {
	// Data returns a nil *Data as an interface that is not nil.
	dict, ok := d.Dictionary().(*array.Data)
	if !ok || dict == nil || !sameType(dict.DataType(), t.ValueType) {
		return fmt.Errorf("%s without its values", t)
	}
	if err := verify(dict); err != nil {
		return err
	}
	r, err := codesOf(t, nil)
	if err != nil {
		return err
	}
	return r.within(d, dict.Len())
}
