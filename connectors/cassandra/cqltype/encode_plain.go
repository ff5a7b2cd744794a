package cqltype

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/tidemill/tidemill/rdd/ring"
)

// plainEncoder encodes what is neither a whole number nor a time; nil if the type does not hold the field.
func plainEncoder(t Type, f *codec.Field) Encoder {
	switch f.Kind {
	case codec.Bool:
		if t.ID == Boolean {
			return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
				return ring.AppendBoolean(dst, col.(*array.Boolean).Value(row)), false, nil
			}
		}
	case codec.Float32, codec.Float64:
		return floatEncoder(t, f)
	case codec.String:
		if put := appendText[t.ID]; put != nil {
			return textEncoder(put)
		}
	case codec.Bytes:
		if t.ID == Blob {
			return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
				return append(dst, col.(*array.Binary).Value(row)...), false, nil
			}
		}
	case codec.FixedBytes:
		return fixedEncoder(t, f)
	}
	return nil
}

func floatEncoder(t Type, f *codec.Field) Encoder {
	switch {
	case t.ID == Float && f.Kind == codec.Float32:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			return ring.AppendFloat(dst, col.(*array.Float32).Value(row)), false, nil
		}
	case t.ID == Double && f.Kind == codec.Float32:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			return ring.AppendDouble(dst, float64(col.(*array.Float32).Value(row))), false, nil
		}
	case t.ID == Double:
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			return ring.AppendDouble(dst, col.(*array.Float64).Value(row)), false, nil
		}
	}
	return nil
}

// fixedEncoder encodes [N]byte.
func fixedEncoder(t Type, f *codec.Field) Encoder {
	check := func([]byte) error { return nil }
	switch {
	case t.ID == Blob, t.ID == UUID && f.Size == 16:
	case t.ID == Timeuuid && f.Size == 16:
		check = version1
	case t.ID == Inet && (f.Size == 4 || f.Size == 16):
		return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
			a, _ := netip.AddrFromSlice(col.(*array.FixedSizeBinary).Value(row))
			return ring.AppendInet(dst, a), false, nil
		}
	default:
		return nil
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		v := col.(*array.FixedSizeBinary).Value(row)
		return append(dst, v...), false, check(v)
	}
}

func version1(id []byte) error {
	if id[6]>>4 != 1 {
		return fmt.Errorf("%s has version %d, and a timeuuid has version 1", formatUUID(id), id[6]>>4)
	}
	return nil
}

func textEncoder(put func(dst []byte, s string) ([]byte, error)) Encoder {
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		out, err := put(dst, col.(*array.String).Value(row))
		return out, false, err
	}
}

// appendText is the types that a string can be written to.
var appendText = [Custom + 1]func(dst []byte, s string) ([]byte, error){
	Text: func(dst []byte, s string) ([]byte, error) {
		if !utf8.ValidString(s) {
			return dst, errors.New("the text is no UTF-8: make the field []byte and the column blob")
		}
		return append(dst, s...), nil
	},
	ASCII: func(dst []byte, s string) ([]byte, error) {
		for i := range len(s) {
			if s[i] >= utf8.RuneSelf {
				return dst, errors.New("the text is not only ASCII: make the column text")
			}
		}
		return append(dst, s...), nil
	},
	UUID: appendUUID,
	Timeuuid: func(dst []byte, s string) ([]byte, error) {
		out, err := appendUUID(dst, s)
		if err == nil {
			err = version1(out[len(dst):])
		}
		return out, err
	},
	Inet: func(dst []byte, s string) ([]byte, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return dst, fmt.Errorf("%.60q is no address like 10.0.0.7 or 2001:db8::7", s)
		}
		return ring.AppendInet(dst, a), nil
	},
	Varint: func(dst []byte, s string) ([]byte, error) {
		v, ok := new(big.Int), len(s) <= maxDigits
		if ok {
			v, ok = v.SetString(s, 10)
		}
		if !ok {
			return dst, fmt.Errorf("%.60q is no whole number in at most %d decimal digits", s, maxDigits)
		}
		return ring.AppendVarint(dst, v), nil
	},
	Decimal: func(dst []byte, s string) ([]byte, error) {
		unscaled, scale, ok := parseDecimal(s)
		if !ok {
			return dst, fmt.Errorf("%.60q is no decimal number like -12.50 or 1E+3 in at most %d digits", s, maxDigits)
		}
		return ring.AppendDecimal(dst, unscaled, scale), nil
	},
}
