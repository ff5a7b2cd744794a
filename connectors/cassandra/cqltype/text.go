package cqltype

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds numbers in text, since to convert them takes more than linear time.
const maxDigits = 4096

// appendUUID appends the 16 bytes of 8-4-4-4-12 hexadecimal digits.
func appendUUID(dst []byte, s string) ([]byte, error) {
	var digits [32]byte
	n := 0
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || len(s) != 36 {
			break
		} else if !dash {
			digits[n] = s[i]
			n++
		}
	}
	out, err := hex.AppendDecode(dst, digits[:n])
	if n != 32 || err != nil {
		return dst, fmt.Errorf("%.60q is no UUID like 01234567-89ab-cdef-0123-456789abcdef", s)
	}
	return out, nil
}

func formatUUID(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// parseDecimal reads unscaled·10^-scale, keeping zeros at the end: 1.50 has scale 2.
func parseDecimal(s string) (unscaled *big.Int, scale int32, ok bool) {
	if len(s) > maxDigits {
		return nil, 0, false
	}
	digits, exponent := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.ParseInt(s[i+1:], 10, 33)
		if err != nil {
			return nil, 0, false
		}
		digits, exponent = s[:i], e
	}
	whole, part, _ := strings.Cut(digits, ".")
	if strings.ContainsAny(part, "+-_") || strings.Contains(whole, "_") {
		return nil, 0, false
	}
	at := int64(len(part)) - exponent
	unscaled, ok = new(big.Int).SetString(whole+part, 10)
	return unscaled, int32(at), ok && at >= math.MinInt32 && at <= math.MaxInt32
}

// formatDecimal writes a decimal as java.math.BigDecimal.toString does: in short form where its first digit is far from the point.
func formatDecimal(unscaled *big.Int, scale int32) string {
	digits, sign := new(big.Int).Abs(unscaled).String(), ""
	if unscaled.Sign() < 0 {
		sign = "-"
	}
	point := int64(len(digits)) - int64(scale) // digits before the point
	switch {
	case scale == 0:
		return sign + digits
	case scale > 0 && point > 0:
		return sign + digits[:point] + "." + digits[point:]
	case scale > 0 && point > -6:
		return sign + "0." + strings.Repeat("0", int(-point)) + digits
	}
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	return fmt.Sprintf("%s%sE%+d", sign, digits, point-1)
}
