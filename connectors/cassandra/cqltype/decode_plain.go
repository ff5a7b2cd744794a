package cqltype

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"unicode/utf8"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// plainSetter sets what is neither a whole number nor a time; nil if the type cannot be read into the field.
func plainSetter(t Type, f *codec.Field) setter {
	switch f.Kind {
	case codec.Bool:
		if t.ID == Boolean {
			return func(b []byte, at unsafe.Pointer) error {
				if err := exactly(b, 1, t); err != nil {
					return err
				}
				*(*bool)(at) = b[0] != 0
				return nil
			}
		}
	case codec.Float32, codec.Float64:
		return floatSetter(t, f)
	case codec.String:
		return textSetter(t)
	case codec.Bytes:
		if t.ID == Blob {
			return func(b []byte, at unsafe.Pointer) error {
				*(*[]byte)(at) = append([]byte(nil), b...)
				return nil
			}
		}
	case codec.FixedBytes:
		return fixedSetter(t, f)
	}
	return nil
}

func floatSetter(t Type, f *codec.Field) setter {
	wide := f.Kind == codec.Float64
	switch t.ID {
	case Float:
		return func(b []byte, at unsafe.Pointer) error {
			if err := exactly(b, 4, t); err != nil {
				return err
			}
			v := math.Float32frombits(binary.BigEndian.Uint32(b))
			if wide {
				*(*float64)(at) = float64(v)
			} else {
				*(*float32)(at) = v
			}
			return nil
		}
	case Double:
		return func(b []byte, at unsafe.Pointer) error {
			if err := exactly(b, 8, t); err != nil {
				return err
			}
			v := math.Float64frombits(binary.BigEndian.Uint64(b))
			switch {
			case wide:
				*(*float64)(at) = v
			case v == v && float64(float32(v)) != v:
				return fmt.Errorf("%v is no float32", v)
			default:
				*(*float32)(at) = float32(v)
			}
			return nil
		}
	}
	return nil
}

// textSetter sets strings; nil if the type has no form in text.
func textSetter(t Type) setter {
	switch t.ID {
	case Text, ASCII:
		return func(b []byte, at unsafe.Pointer) error {
			if !utf8.Valid(b) {
				return errors.New("is no UTF-8")
			}
			*(*string)(at) = unsafe.String(unsafe.SliceData(b), len(b))
			return nil
		}
	case UUID, Timeuuid:
		return formatted(func(b []byte) (string, error) {
			if err := exactly(b, 16, t); err != nil {
				return "", err
			}
			return formatUUID(b), nil
		})
	case Inet:
		return formatted(func(b []byte) (string, error) {
			a, ok := netip.AddrFromSlice(b)
			if !ok {
				return "", fmt.Errorf("has %d bytes, and an inet has 4 or 16", len(b))
			}
			return a.String(), nil
		})
	case Varint:
		return formatted(func(b []byte) (string, error) {
			v, err := bigOf(b)
			return v.String(), err
		})
	case Decimal:
		return formatted(func(b []byte) (string, error) {
			if len(b) < 5 {
				return "", fmt.Errorf("has %d bytes, and a decimal has at least 5", len(b))
			}
			v, err := bigOf(b[4:])
			return formatDecimal(v, int32(binary.BigEndian.Uint32(b))), err
		})
	}
	return nil
}

func formatted(text func([]byte) (string, error)) setter {
	return func(b []byte, at unsafe.Pointer) error {
		s, err := text(b)
		*(*string)(at) = s
		return err
	}
}

// maxBig bounds the bytes of a varint that is written in digits.
const maxBig = maxDigits / 4

// bigOf reads two's complement.
func bigOf(b []byte) (*big.Int, error) {
	v := new(big.Int)
	if len(b) == 0 || len(b) > maxBig {
		return v, fmt.Errorf("has a number of %d bytes, and only 1 to %d can be read", len(b), maxBig)
	}
	v.SetBytes(b)
	if b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return v, nil
}

func fixedSetter(t Type, f *codec.Field) setter {
	size := int(f.Size)
	switch {
	case t.ID == Blob, (t.ID == UUID || t.ID == Timeuuid) && size == 16:
		return func(b []byte, at unsafe.Pointer) error {
			if len(b) != size {
				return fmt.Errorf("has %d bytes, and the field has %d", len(b), size)
			}
			copy(unsafe.Slice((*byte)(at), size), b)
			return nil
		}
	case t.ID == Inet && (size == 4 || size == 16):
		return func(b []byte, at unsafe.Pointer) error {
			a, ok := netip.AddrFromSlice(b)
			a = a.Unmap()
			switch to := unsafe.Slice((*byte)(at), size); {
			case ok && size == 4 && a.Is4():
				v := a.As4()
				copy(to, v[:])
			case ok && size == 16:
				v := a.As16()
				copy(to, v[:])
			default:
				return fmt.Errorf("is an address of %d bytes, and the field has %d", len(b), size)
			}
			return nil
		}
	}
	return nil
}
