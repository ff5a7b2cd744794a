package format

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// token is a value without parts, as it stands in a record.
type token struct {
	text   []byte // of a string what is between the quotes, unescaped; else the number or word itself
	quoted bool   // it is a string
}

// leaf sets the value of n at v from t. The value must be zero before, and nothing but the bytes of t is referred to
// afterwards.
func (n *node) leaf(v unsafe.Pointer, t token) error {
	switch n.kind {
	case codec.String:
		if !t.quoted {
			return n.bad(t, " is not a string")
		}
		*(*string)(v) = view(t.text)
	case codec.Time:
		return n.moment((*time.Time)(v), t)
	case codec.Bool:
		return n.truth((*bool)(v), t)
	case codec.Float32, codec.Float64:
		return n.real(v, t)
	case codec.Duration:
		return n.span((*time.Duration)(v), t)
	case codec.Bytes, codec.FixedBytes:
		return n.base64(v, t)
	default:
		u, fit := n.integer.whole(t.text)
		if fit != fits {
			return n.badWhole(t, fit)
		}
		n.store(v, u)
	}
	return nil
}

// store writes an integer in the width of its kind.
func (n *node) store(v unsafe.Pointer, u uint64) {
	switch n.kind {
	case codec.Int64, codec.Uint64:
		*(*uint64)(v) = u
	case codec.Int32, codec.Uint32:
		*(*uint32)(v) = uint32(u)
	case codec.Int16, codec.Uint16:
		*(*uint16)(v) = uint16(u)
	case codec.Int8, codec.Uint8:
		*(*uint8)(v) = uint8(u)
	}
}

func (n *node) badWhole(t token, fit fitness) error {
	if fit == overflows {
		return n.bad(t, " is out of the range of "+n.integer.name)
	}
	if !n.integer.signed && len(t.text) > 0 && t.text[0] == '-' && numberLen(t.text) == len(t.text) {
		return n.bad(t, " is out of the range of "+n.integer.name)
	}
	return n.bad(t, " is not a whole number")
}

func (n *node) moment(v *time.Time, t token) error {
	if at, ok := n.unit.epoch(t.text); ok {
		*v = at
		return nil
	}
	u, fit := n.integer.whole(t.text)
	if fit == malformed {
		if !t.quoted {
			return n.bad(t, " is not a whole number of "+n.unit.name+" since 1970")
		}
		if err := v.UnmarshalText(t.text); err != nil {
			return n.bad(t, " is neither a time of RFC 3339 nor a whole number of "+n.unit.name+" since 1970")
		}
		*v = cut(*v)
		return nil
	}
	if s := int64(u); fit == fits && s >= n.unit.min && s <= n.unit.max {
		*v = n.unit.time(s)
		return nil
	}
	return n.bad(t, " "+n.unit.name+" since 1970 is out of the range of times")
}

func (n *node) truth(v *bool, t token) error {
	switch string(t.text) {
	case "true", "True", "TRUE": // JSON has only the first
		*v = true
	case "false", "False", "FALSE":
	default:
		return n.bad(t, " is neither true nor false")
	}
	if t.quoted {
		return n.bad(t, " is a string, not true or false")
	}
	return nil
}

// The floats that JSON has no number for are strings, spelled as in the JSON mapping of Protocol Buffers.
func (n *node) real(v unsafe.Pointer, t token) error {
	f, err := n.number(t)
	if err != nil {
		return err
	}
	if n.kind == codec.Float32 {
		*(*float32)(v) = float32(f)
	} else {
		*(*float64)(v) = f
	}
	return nil
}

func (n *node) number(t token) (float64, error) {
	if t.quoted {
		switch string(t.text) {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
	}
	if len(t.text) == 0 || numberLen(t.text) != len(t.text) {
		return 0, n.bad(t, " is not a number")
	}
	f, err := strconv.ParseFloat(view(t.text), n.float)
	if err != nil {
		return 0, n.bad(t, " is out of the range of float"+strconv.Itoa(n.float))
	}
	return f, nil
}

func (n *node) span(v *time.Duration, t token) error {
	u, fit := n.integer.whole(t.text)
	if fit == fits {
		*v = time.Duration(u)
		return nil
	}
	if t.quoted && fit == malformed {
		d, err := time.ParseDuration(view(t.text))
		if err == nil {
			*v = d
			return nil
		}
	}
	return n.bad(t, " is neither a whole number of nanoseconds nor a duration like 1m30s")
}

func (n *node) base64(v unsafe.Pointer, t token) error {
	if !t.quoted {
		return n.bad(t, " is not a string of base64")
	}
	room := make([]byte, base64.StdEncoding.DecodedLen(len(t.text)))
	k, err := base64.StdEncoding.Decode(room, t.text)
	if err != nil {
		return n.bad(t, " is not base64")
	}
	if n.kind == codec.FixedBytes {
		to := unsafe.Slice((*byte)(v), n.typ.Len())
		if k != len(to) {
			return n.bad(t, " is base64 of "+strconv.Itoa(k)+" bytes, not "+strconv.Itoa(len(to)))
		}
		copy(to, room)
		return nil
	}
	if k > 0 {
		*(*[]byte)(v) = room[:k:k]
	}
	return nil
}
