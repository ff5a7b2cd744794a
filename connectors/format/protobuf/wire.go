package protobuf

import (
	"strconv"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"google.golang.org/protobuf/encoding/protowire"
)

// short is the error of a value that is longer than what is left of its message.
func short(i int) error { return &slot.Misfit{What: " ends too early, at byte " + strconv.Itoa(i)} }

func garbled(what string, i int) error {
	return &slot.Misfit{What: " has " + what + " at byte " + strconv.Itoa(i)}
}

// tag reads which field comes next.
func tag(b []byte, i int) (protowire.Number, protowire.Type, int, error) {
	u, at, err := varint(b, i)
	if err != nil {
		return 0, 0, i, err
	}
	n := u >> 3
	if n < uint64(protowire.MinValidNumber) || n > uint64(protowire.MaxValidNumber) {
		return 0, 0, i, garbled("a field of number "+strconv.FormatUint(n, 10), i)
	}
	return protowire.Number(n), protowire.Type(u & 7), at, nil
}

func varint(b []byte, i int) (u uint64, end int, err error) {
	if i < len(b) && b[i] < 0x80 {
		return uint64(b[i]), i + 1, nil
	}
	u, n := protowire.ConsumeVarint(b[i:])
	if n < 0 {
		return 0, i, wireError(n, i)
	}
	return u, i + n, nil
}

func wireError(n, i int) error {
	if protowire.ParseError(n) == protowire.ParseError(-1) {
		return short(i)
	}
	return garbled("bytes that are no Protobuf ("+protowire.ParseError(n).Error()+")", i)
}

// bytesAt is where the bytes stand whose length is at b[i].
func bytesAt(b []byte, i int) (lo, hi int, err error) {
	u, lo, err := varint(b, i)
	if err == nil && u > uint64(len(b)-lo) {
		err = short(lo)
	}
	if err != nil {
		return i, i, err
	}
	return lo, lo + int(u), nil
}

// skip passes over a value.
func skip(b []byte, i int, n protowire.Number, t protowire.Type) (int, error) {
	if t == protowire.BytesType {
		_, hi, err := bytesAt(b, i)
		return hi, err
	}
	k := protowire.ConsumeFieldValue(n, t, b[i:])
	if k < 0 {
		return i, wireError(k, i)
	}
	return i + k, nil
}

// wellFormed tells whether b is a message, of whatever fields.
func wellFormed(b []byte) error {
	for i := 0; i < len(b); {
		n, t, at, err := tag(b, i)
		if err == nil {
			i, err = skip(b, at, n, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
