package format

import (
	"encoding/binary"
	"math"

	"github.com/tidemill/tidemill/rdd/codec"
)

// integer is a range of whole numbers and the name that a user knows it by.
type integer struct {
	name   string
	min    int64
	max    uint64
	signed bool
}

var integers = map[codec.Kind]integer{
	codec.Int8:     {"int8", math.MinInt8, math.MaxInt8, true},
	codec.Int16:    {"int16", math.MinInt16, math.MaxInt16, true},
	codec.Int32:    {"int32", math.MinInt32, math.MaxInt32, true},
	codec.Int64:    {"int64", math.MinInt64, math.MaxInt64, true},
	codec.Duration: {"int64", math.MinInt64, math.MaxInt64, true},
	codec.Time:     {"int64", math.MinInt64, math.MaxInt64, true},
	codec.Uint8:    {"uint8", 0, math.MaxUint8, false},
	codec.Uint16:   {"uint16", 0, math.MaxUint16, false},
	codec.Uint32:   {"uint32", 0, math.MaxUint32, false},
	codec.Uint64:   {"uint64", 0, math.MaxUint64, false},
}

// fitness is how a text fits into a number.
type fitness uint8

const (
	fits fitness = iota
	malformed
	overflows
)

// whole parses digits, behind a minus sign if the range has negative numbers. The result is that of a conversion to uint64.
func (r *integer) whole(s []byte) (uint64, fitness) {
	negative := r.signed && len(s) > 0 && s[0] == '-'
	limit := r.max
	if negative {
		s = s[1:]
		limit = uint64(-(r.min + 1)) + 1
	}
	v, fit := digits(s)
	switch {
	case fit != fits:
		return 0, fit
	case v > limit:
		return 0, overflows
	case negative:
		return -v, fits
	}
	return v, fits
}

// digits parses decimal digits and nothing else.
func digits(s []byte) (v uint64, fit fitness) {
	if len(s) == 0 {
		return 0, malformed
	}
	if len(s) > safeDigits {
		return manyDigits(s)
	}
	for ; len(s) >= 8; s = s[8:] {
		eight, ok := eightDigits(binary.LittleEndian.Uint64(s))
		if !ok {
			return 0, malformed
		}
		v = v*100_000_000 + eight
	}
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 {
			return 0, malformed
		}
		v = v*10 + d
	}
	return v, fits
}

// safeDigits is how many digits cannot overflow a uint64.
const safeDigits = 19

func manyDigits(s []byte) (v uint64, fit fitness) {
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 {
			return 0, malformed
		}
		if v > math.MaxUint64/10 || v*10 > math.MaxUint64-d {
			fit = overflows // go on: it may yet be malformed
		}
		v = v*10 + d
	}
	return v, fit
}

// eightDigits is the number that eight digits make, the first in the lowest byte: pairs of neighbours are joined to numbers
// below 100, those to numbers below 10,000, and those to the whole.
func eightDigits(w uint64) (uint64, bool) {
	w -= '0' * ones
	if (w|(w+0x76*ones))&tops != 0 { // a byte is above 9
		return 0, false
	}
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	return (w*10_000 + w>>32) & 0xffffffff, true
}

// numberLen is the length of the number of RFC 8259 that b begins with, 0 if it begins with none.
func numberLen(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch n := digitsLen(b, i); {
	case n == 0 || n > 1 && b[i] == '0':
		return 0
	default:
		i += n
	}
	if i < len(b) && b[i] == '.' {
		n := digitsLen(b, i+1)
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digitsLen(b, i)
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func digitsLen(b []byte, from int) int {
	i := from
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i - from
}
