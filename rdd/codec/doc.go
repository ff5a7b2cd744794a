// Package codec turns rows, which are Go values of a user's type, into Arrow columns
// and back, and columns into bytes and back.
//
// A Codec is derived once from a row's type: exported fields are columns, tags name
// them, and a type that cannot travel is an error before any row exists:
//
//	type View struct {
//		Ad    string    `col:"ad_id,partition"`
//		At    time.Time `col:"at,key"`
//		Price *int64    // nullable, column "Price"
//		Geo             // embedded struct: its fields are columns of the row
//		cache []byte    `col:"-"` // stays out, by request only
//	}
//	c, err := codec.Of[View]()
//	cols, err := c.Encode(unsafe.Pointer(&rows[0]), len(rows))
//	err = c.Decode(unsafe.Pointer(&rows[0]), len(rows), cols)
//
// Each column is one small generic type that works on a whole column a call, from a
// pointer, an offset and a stride: no reflection and no allocation a row, except for
// maps (reflection for each entry) and for elements behind slices, arrays and pointers
// that hold pointers themselves (reflection for each row). A Projection does the same
// for the columns of a foreign record, found by name. KeyToken makes partition tokens
// of keys. AppendFrame and ReadFrame are the form in which a record leaves memory.
//
// # What a round trip keeps
//
// Everything of the types of Kind, except: nil and empty slices and maps are one and
// come back as nil; a time loses what is below a microsecond, its location and its
// monotonic reading (the zero time stays zero); two pointers to one value come back as
// pointers to two; fields tagged col:"-" come back as zero. Decoded strings point into
// the arrays' buffers, which therefore are never written again; all else is copied, one
// allocation a column, and pins its column's copy until Clone.
//
// # Safety
//
// Arrays and frames may be made of foreign bytes: types, lengths, offsets and null
// counts are checked before they are used, and what a frame claims to hold costs no
// more memory than its bytes justify. The types of rows are trusted: they are the
// program's own.
//
// Codec does no I/O but on the readers and writers it is given, starts no goroutine,
// and calls nothing of Arrow's compute package and none of its builders.
package codec
