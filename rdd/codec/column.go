package codec

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// ErrTooLarge is what Encode's error wraps when a column exceeds MaxColumnBytes:
// the same rows in two halves may fit.
var ErrTooLarge = errors.New("too large for one column of a chunk")

// A column knows one family of Go values. Its methods work on a whole column a call,
// so an interface call is paid once a column and chunk.
type column interface {
	// dataType is what encode makes.
	dataType() arrow.DataType
	// encode copies the values at w. The result has no nulls unless the column is a pointer's.
	encode(w window) (arrow.ArrayData, error)
	// bind returns the reader of an Arrow type whose every value fits, or an error.
	bind(dt arrow.DataType) (reader, error)
	// clone makes the values at w own what they point to, but for the bytes of strings.
	clone(w window)
	// flat says that clone has nothing to do.
	flat() bool
}

// A reader sets Go values from Arrow arrays of the type that it was bound to.
type reader interface {
	// read sets the values at w from the values lo … lo+w.n−1 of d. It trusts no
	// length and no offset of d itself, but a nested reader trusts verify's word on
	// the relation of d to its children.
	read(w window, d arrow.ArrayData, lo int) error
}

// bound is a reader with the type of the arrays that it may be given.
type bound struct {
	reader
	dt     arrow.DataType
	nested bool // has children or a dictionary
}

func bind(c column, dt arrow.DataType) (bound, error) {
	r, err := c.bind(dt)
	if err != nil {
		return bound{}, err
	}
	_, nested := dt.(arrow.NestedType)
	return bound{r, dt, nested || dt.ID() == arrow.DICTIONARY}, nil
}

// column reads a whole array into w.
func (b bound) column(w window, d arrow.ArrayData) error {
	if !sameType(d.DataType(), b.dt) {
		return fmt.Errorf("type %s, want %s", d.DataType(), b.dt)
	}
	if b.nested {
		if err := verify(d); err != nil {
			return err
		}
	}
	return b.read(w, d, 0)
}

// sameType is arrow.TypeEqual without its reflection for the common types.
func sameType(a, b arrow.DataType) bool {
	if a == b || a.ID() != b.ID() {
		return a == b
	}
	if u, ok := a.(arrow.TemporalWithUnit); ok && a.ID() != arrow.TIMESTAMP {
		return u.TimeUnit() == b.(arrow.TemporalWithUnit).TimeUnit()
	}
	if arrow.IsBaseBinary(a.ID()) || arrow.IsPrimitive(a.ID()) && a.ID() != arrow.TIMESTAMP {
		return true
	}
	return arrow.TypeEqual(a, b)
}

func misfit(dt arrow.DataType, want string) error {
	return fmt.Errorf("a column of type %s does not fit into %s", dt, want)
}

// values makes an array without nulls of its buffers behind the validity bitmap.
func values(dt arrow.DataType, n int, kids []arrow.ArrayData, buffers ...[]byte) arrow.ArrayData {
	bufs := make([]*memory.Buffer, 1, 3)
	for _, b := range buffers {
		bufs = append(bufs, memory.NewBufferBytes(b))
	}
	return array.NewData(dt, n, bufs, kids, 0, 0)
}

// bytesOf is the memory of v.
func bytesOf[F any](v []F) []byte {
	var one F
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), uintptr(len(v))*unsafe.Sizeof(one))
}
