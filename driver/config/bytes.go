package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is an amount of bytes.
type Bytes int64

// byteUnits in falling order within each family, so that String finds the largest that divides.
var byteUnits = []struct {
	name string
	size Bytes
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// String writes the amount as ParseBytes reads it: 64MiB, 1500B, 0.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return "0"
}

// ParseBytes reads a whole number with its unit: B, KiB, MiB, GiB, TiB (powers of 1024) or KB, MB, GB, TB (powers of
// 1000), in any case, with or without a space. Only 0 needs no unit.
func ParseBytes(s string) (Bytes, error) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := s[len(digits):]
	n, err := strconv.ParseInt(strings.TrimSuffix(digits, " "), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not an amount of bytes", s)
	}
	if unit == "" && n == 0 {
		return 0, nil
	}
	if unit == "" {
		return 0, fmt.Errorf("%s what? write %sMiB or %sB", s, s, s)
	}
	for _, u := range byteUnits {
		if strings.EqualFold(unit, u.name) {
			if n > int64(math.MaxInt64/u.size) {
				return 0, fmt.Errorf("%q is more than this machine can count", s)
			}
			return Bytes(n) * u.size, nil
		}
	}
	return 0, fmt.Errorf("%q has an unknown unit", s)
}
