package codec

import (
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// fixed is the column of integers and floats, which look the same in Go and in Arrow.
type fixed[F number] struct {
	dt    arrow.DataType
	wider func(arrow.DataType) reader // readers of narrower types; nil for what does not fit
}

func (c fixed[F]) dataType() arrow.DataType { return c.dt }
func (c fixed[F]) flat() bool               { return true }
func (c fixed[F]) clone(window)             {}

func (c fixed[F]) encode(w window) (arrow.ArrayData, error) {
	out := make([]F, w.n)
	for i, off := 0, w.off; i < len(out); i++ {
		out[i] = *(*F)(unsafe.Add(w.base, off))
		off += w.stride
	}
	return values(c.dt, w.n, nil, bytesOf(out)), nil
}

func (c fixed[F]) bind(dt arrow.DataType) (reader, error) {
	if sameType(dt, c.dt) {
		return widen[F, F]{}, nil
	}
	if r := c.wider(dt); r != nil {
		return r, nil
	}
	return unpack(c, dt, c.dt.Name())
}

// widen reads an S into an F that holds every S.
type widen[S, F number] struct{}

func (widen[S, F]) read(w window, d arrow.ArrayData, lo int) error {
	src, err := present[S](w, d, lo)
	if err != nil {
		return err
	}
	off := w.off
	for _, v := range src {
		*(*F)(unsafe.Add(w.base, off)) = F(v)
		off += w.stride
	}
	return nil
}

// The readers below say which types fit without loss: integers into wider ones, and
// into floats whose mantissa holds them (24 and 53 bits).

func fromInt8[F number](dt arrow.DataType) reader {
	if dt.ID() == arrow.INT8 {
		return widen[int8, F]{}
	}
	return nil
}

func fromInt16[F number](dt arrow.DataType) reader {
	switch dt.ID() {
	case arrow.INT16:
		return widen[int16, F]{}
	case arrow.UINT8:
		return widen[uint8, F]{}
	}
	return fromInt8[F](dt)
}

func fromInt32[F number](dt arrow.DataType) reader {
	switch dt.ID() {
	case arrow.INT32:
		return widen[int32, F]{}
	case arrow.UINT16:
		return widen[uint16, F]{}
	}
	return fromInt16[F](dt)
}

func fromUint32[F number](dt arrow.DataType) reader {
	if dt.ID() == arrow.UINT32 {
		return widen[uint32, F]{}
	}
	return fromInt32[F](dt)
}

func fromUint[F number](dt arrow.DataType) reader {
	switch dt.ID() {
	case arrow.UINT8:
		return widen[uint8, F]{}
	case arrow.UINT16:
		return widen[uint16, F]{}
	case arrow.UINT32:
		return widen[uint32, F]{}
	}
	return nil
}

// narrowerUint is fromUint for the unsigned types that are narrower than dt only.
func narrowerUint[F number](bits int) func(arrow.DataType) reader {
	return func(dt arrow.DataType) reader {
		if t, ok := dt.(arrow.FixedWidthDataType); ok && t.BitWidth() < bits {
			return fromUint[F](dt)
		}
		return nil
	}
}

func fromFloat32[F number](dt arrow.DataType) reader {
	if dt.ID() == arrow.FLOAT32 {
		return widen[float32, F]{}
	}
	return fromUint32[F](dt)
}

func nothing(arrow.DataType) reader { return nil }

// numbers are the columns of the kinds that look the same in Go and in Arrow.
var numbers = map[Kind]column{
	Int8:    fixed[int8]{arrow.PrimitiveTypes.Int8, nothing},
	Int16:   fixed[int16]{arrow.PrimitiveTypes.Int16, fromInt16[int16]},
	Int32:   fixed[int32]{arrow.PrimitiveTypes.Int32, fromInt32[int32]},
	Int64:   fixed[int64]{arrow.PrimitiveTypes.Int64, fromUint32[int64]},
	Uint8:   fixed[uint8]{arrow.PrimitiveTypes.Uint8, nothing},
	Uint16:  fixed[uint16]{arrow.PrimitiveTypes.Uint16, narrowerUint[uint16](16)},
	Uint32:  fixed[uint32]{arrow.PrimitiveTypes.Uint32, narrowerUint[uint32](32)},
	Uint64:  fixed[uint64]{arrow.PrimitiveTypes.Uint64, narrowerUint[uint64](64)},
	Float32: fixed[float32]{arrow.PrimitiveTypes.Float32, fromInt16Float},
	Float64: fixed[float64]{arrow.PrimitiveTypes.Float64, fromFloat32[float64]},
}

func fromInt16Float(dt arrow.DataType) reader {
	if dt.ID() == arrow.UINT16 {
		return widen[uint16, float32]{}
	}
	return fromInt16[float32](dt)
}
