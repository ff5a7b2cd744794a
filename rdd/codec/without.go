package codec

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// Without returns a codec of the same rows that does not know the columns of these names: for a decoder that fills the others, while
// somebody else sets these. Decode clears their fields, as it does those tagged col:"-". It panics for a name that is no column's.
func (c *Codec) Without(names ...string) *Codec {
	out := &Codec{Type: c.Type, Scalar: c.Scalar}
	out.parts.blanks = slices.Clone(c.parts.blanks)
	for i, f := range c.Fields {
		if at := slices.Index(names, f.Name); at >= 0 {
			names = slices.Delete(slices.Clone(names), at, at+1)
			out.parts.blanks = append(out.parts.blanks, blank{f.Offset, elementOf(f.goType())})
			continue
		}
		out.parts.fields, out.parts.columns = append(out.parts.fields, f), append(out.parts.columns, c.parts.columns[i])
		out.readers = append(out.readers, c.readers[i])
	}
	if len(names) > 0 {
		panic(fmt.Sprintf("codec: Without of %q, which %s does not have", names, c.Type))
	}
	out.Fields, out.Flat = out.parts.fields, out.parts.flat()
	out.schema = arrow.NewSchema(out.parts.arrow(), nil)
	return out
}

// goType is the type of the field as it stands in the row.
func (f Field) goType() reflect.Type {
	if f.Nullable {
		return reflect.PointerTo(f.Type)
	}
	return f.Type
}
