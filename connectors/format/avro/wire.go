package avro

import (
	"math"
	"strconv"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
)

// short is the error of a value that is longer than what is left of its record.
func short(i int) error { return &slot.Misfit{What: " ends too early, at byte " + strconv.Itoa(i)} }

func garbled(what string, i int) error {
	return &slot.Misfit{What: " has " + what + " at byte " + strconv.Itoa(i)}
}

// long reads an int or a long: base 128, the lowest digits first, signs alternating.
func long(b []byte, i int) (x int64, end int, err error) {
	if i < len(b) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1, nil
	}
	return manyDigits(b, i)
}

func manyDigits(b []byte, i int) (x int64, end int, err error) {
	var u uint64
	for k := range 10 {
		if i+k >= len(b) {
			return 0, i, short(i)
		}
		d := b[i+k]
		if k == 9 && d > 1 {
			break
		}
		u |= uint64(d&0x7f) << (7 * k)
		if d < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + k + 1, nil
		}
	}
	return 0, i, garbled("a number of more than 64 bits", i)
}

// size reads the length of what follows it in the record.
func size(b []byte, i int) (n, end int, err error) {
	x, end, err := long(b, i)
	switch {
	case err != nil:
		return 0, i, err
	case x < 0:
		return 0, i, garbled("a negative length", i)
	case x > int64(len(b)-end):
		return 0, i, short(i)
	}
	return int(x), end, nil
}

// maxHollow is the most elements of a list that take no bytes in the record, whose size bounds all others.
const maxHollow = 1 << 16

// block reads how many elements follow, each of at least least bytes; 0 ends a list. bytes is how long they are, -1 if it does not say.
func block(b []byte, i, least int) (n, bytes, end int, err error) {
	x, end, err := long(b, i)
	if err != nil {
		return 0, 0, i, err
	}
	bytes = -1
	if x < 0 {
		if bytes, end, err = size(b, end); err != nil {
			return 0, 0, i, err
		}
		x = -x
	}
	most := maxHollow
	if least > 0 {
		most = (len(b) - end) / least
	}
	if x == math.MinInt64 || x > int64(most) {
		return 0, 0, i, garbled("a list longer than itself", i)
	}
	return int(x), bytes, end, nil
}
