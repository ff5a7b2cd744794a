package avro

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Decimals beyond these are no numbers that anybody has, and would cost more than their bytes to write down.
const (
	maxDecimalBytes = 1024
	maxScale        = 1000
)

// bytesSetter is the setter for bytes and fixed of a schema.
func bytesSetter(s avro.Schema, f *codec.Field) (func(unsafe.Pointer, []byte) error, error) {
	fixed, isFixed := s.(*avro.FixedSchema)
	switch {
	case isFixed && fixed.Size() < 0:
		return nil, &slot.Misfit{What: fmt.Sprintf(" is of Avro's type fixed of %d bytes", fixed.Size())}
	case logical(s) == avro.Decimal:
		return decimalSetter(s.(avro.LogicalTypeSchema).Logical().(*avro.DecimalLogicalSchema), f)
	case logical(s) == avro.UUID && isFixed && fixed.Size() == 16 && f.Kind == codec.String:
		return writeUUID, nil
	case isFixed && f.Kind == codec.FixedBytes && f.Type.Len() != fixed.Size():
		return nil, &slot.Misfit{What: fmt.Sprintf(" is of Avro's type fixed of %d bytes, which does not fit into %s", fixed.Size(), f.Type)}
	}
	return slot.Raw(f), nil
}

func decimalSetter(d *avro.DecimalLogicalSchema, f *codec.Field) (func(unsafe.Pointer, []byte) error, error) {
	scale := d.Scale()
	if scale > maxScale {
		return nil, &slot.Misfit{What: fmt.Sprintf(" is a decimal of scale %d, above %d", scale, maxScale)}
	}
	if f.Kind == codec.Bytes || f.Kind == codec.FixedBytes {
		return slot.Raw(f), nil
	}
	if f.Kind != codec.String && f.Kind != codec.Float32 && f.Kind != codec.Float64 {
		return nil, nil
	}
	set := slot.Text(f, slot.Unit{})
	return func(v unsafe.Pointer, b []byte) error {
		if len(b) > maxDecimalBytes {
			return &slot.Misfit{What: " is a decimal of more than " + strconv.Itoa(maxDecimalBytes) + " bytes"}
		}
		return set(v, decimal(b, scale))
	}, nil
}

// decimal writes down a number in two's complement, the highest byte first, with so many digits behind the point.
func decimal(b []byte, scale int) []byte {
	digits := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		digits.Sub(digits, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	sign := ""
	if digits.Sign() < 0 {
		sign = "-"
	}
	s := digits.Abs(digits).String()
	if scale == 0 {
		return []byte(sign + s)
	}
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	return []byte(sign + s[:len(s)-scale] + "." + s[len(s)-scale:])
}

func isUUID(f *codec.Field) bool { return f.Kind == codec.FixedBytes && f.Type.Len() == 16 }

// setUUID sets a [16]byte from the 36 characters of a UUID (RFC 9562).
func setUUID(v unsafe.Pointer, b []byte) error {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return slot.BadText(b, " is not a UUID")
	}
	to := (*[16]byte)(v)
	at := 0
	for _, part := range [...][]byte{b[:8], b[9:13], b[14:18], b[19:23], b[24:]} {
		n, err := hex.Decode(to[at:], part)
		if err != nil {
			return slot.BadText(b, " is not a UUID")
		}
		at += n
	}
	return nil
}

func writeUUID(v unsafe.Pointer, b []byte) error {
	*(*string)(v) = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	return nil
}
