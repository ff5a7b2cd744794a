package cqltype

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// integerSetter sets whole numbers, and times from numbers; nil if the type cannot be read into the field.
func integerSetter(t Type, f *codec.Field) setter {
	switch {
	case t.ID == Varint && f.Kind == codec.String:
		return textSetter(t)
	case t.ID == Varint && f.Kind == codec.Uint64:
		return unsignedSetter
	case needs(f.Kind) == 0, (f.Kind == codec.Duration || f.Kind == codec.Time) && t.ID != Bigint:
		return nil
	case widths[t.ID] == 8 && f.Kind == codec.Int64:
		return func(b []byte, at unsafe.Pointer) error {
			if len(b) != 8 {
				return exactly(b, 8, t)
			}
			*(*int64)(at) = int64(binary.BigEndian.Uint64(b))
			return nil
		}
	}
	width, store := widths[t.ID], storeOf(f.Kind)
	return func(b []byte, at unsafe.Pointer) error {
		v := shortest(b)
		if width > 0 && len(b) != width {
			return exactly(b, width, t)
		} else if width == 0 && (len(b) == 0 || len(b) > 8) {
			return fmt.Errorf("is a varint of %d bytes, which is no %s", len(b), f.Kind)
		}
		if !store(at, v) {
			return fmt.Errorf("%d is no %s", v, f.Kind)
		}
		return nil
	}
}

// shortest reads at most 8 bytes of two's complement.
func shortest(b []byte) int64 {
	var v int64
	if len(b) > 0 {
		v = int64(int8(b[0])) >> 8 // the sign, in all bits
	}
	for _, c := range b {
		v = v<<8 | int64(c)
	}
	return v
}

// unsignedSetter reads a varint of up to 64 bits without a sign.
func unsignedSetter(b []byte, at unsafe.Pointer) error {
	v := uint64(shortest(b))
	if len(b) == 9 && b[0] == 0 {
		v = binary.BigEndian.Uint64(b[1:])
	} else if len(b) == 0 || len(b) > 8 || int64(v) < 0 {
		return fmt.Errorf("is a varint of %d bytes that is no uint64", len(b))
	}
	*(*uint64)(at) = v
	return nil
}

// storeOf stores a number in a field of a kind, and reports whether it fits.
func storeOf(k codec.Kind) func(at unsafe.Pointer, v int64) bool {
	switch k {
	case codec.Int8:
		return store[int8]
	case codec.Int16:
		return store[int16]
	case codec.Int32:
		return store[int32]
	case codec.Uint8:
		return store[uint8]
	case codec.Uint16:
		return store[uint16]
	case codec.Uint32:
		return store[uint32]
	case codec.Uint64:
		return func(at unsafe.Pointer, v int64) bool {
			*(*uint64)(at) = uint64(v)
			return v >= 0
		}
	case codec.Time:
		return setMicros
	}
	return store[int64] // time.Duration too
}

func store[N int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](at unsafe.Pointer, v int64) bool {
	*(*N)(at) = N(v)
	return int64(N(v)) == v
}

// inRange is times that µs in an int64 count, as columns do.
func inRange(v, micros int64) bool { return v >= math.MinInt64/micros && v <= math.MaxInt64/micros }
