package slot

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// view is b as a string without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Raw returns the setter of a field for bytes.
func Raw(f *codec.Field) func(v unsafe.Pointer, b []byte) error {
	switch f.Kind {
	case codec.String:
		return setString
	case codec.Bytes:
		return setBytes
	case codec.FixedBytes:
		n := f.Type.Len()
		return func(v unsafe.Pointer, b []byte) error {
			if len(b) != n {
				return &Misfit{"", " has " + strconv.Itoa(len(b)) + " bytes, not " + strconv.Itoa(n)}
			}
			copy(unsafe.Slice((*byte)(v), n), b)
			return nil
		}
	}
	return nil
}

func setString(v unsafe.Pointer, b []byte) error {
	if !utf8.Valid(b) {
		return &Misfit{"", " is not valid UTF-8"}
	}
	*(*string)(v) = view(b)
	return nil
}

func setBytes(v unsafe.Pointer, b []byte) error {
	if len(b) > 0 {
		*(*[]byte)(v) = bytes.Clone(b)
	}
	return nil
}

// Text returns the setter of a field for text. Times that are numbers count u since 1970.
func Text(f *codec.Field, u Unit) func(v unsafe.Pointer, b []byte) error {
	switch f.Kind {
	case codec.String:
		return setString
	case codec.Bytes:
		return setBytes
	case codec.Time:
		return u.text
	case codec.Duration:
		return setSpan
	case codec.Float32, codec.Float64:
		return realText(f)
	case codec.Int8, codec.Int16, codec.Int32, codec.Int64:
		set := Int(f, u)
		return func(v unsafe.Pointer, b []byte) error { return wholeText(f.Kind, v, b, parseInt, set) }
	case codec.Uint8, codec.Uint16, codec.Uint32, codec.Uint64:
		set := Uint(f, u)
		return func(v unsafe.Pointer, b []byte) error { return wholeText(f.Kind, v, b, parseUint, set) }
	}
	return nil
}

func parseInt(s string) (int64, error)   { return strconv.ParseInt(s, 10, 64) }
func parseUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }

func wholeText[N int64 | uint64](k codec.Kind, v unsafe.Pointer, b []byte, parse func(string) (N, error), set func(unsafe.Pointer, N) error) error {
	x, err := parse(view(b))
	switch {
	case errors.Is(err, strconv.ErrRange):
		return BadText(b, " is out of the range of "+k.String())
	case err != nil || b[0] == '+':
		return BadText(b, " is not a whole number")
	}
	return set(v, x)
}

func realText(f *codec.Field) func(v unsafe.Pointer, b []byte) error {
	bits := int(f.Type.Size()) * 8
	return func(v unsafe.Pointer, b []byte) error {
		x, err := parseFloat(b, bits)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return BadText(b, " is out of the range of "+f.Kind.String())
		case err != nil:
			return BadText(b, " is not a number")
		}
		if bits == 32 {
			*(*float32)(v) = float32(x)
		} else {
			*(*float64)(v) = x
		}
		return nil
	}
}

// parseFloat takes the numbers of JSON, and what its mapping of Protocol Buffers writes for those that it lacks.
func parseFloat(b []byte, bits int) (float64, error) {
	switch string(b) {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if n := len(b); n == 0 || b[0] != '-' && !digit(b[0]) || !digit(b[n-1]) || !json.Valid(b) {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(view(b), bits)
}

func digit(c byte) bool { return c-'0' <= 9 }

func (u Unit) text(v unsafe.Pointer, b []byte) error {
	if x, err := parseInt(view(b)); err == nil && b[0] != '+' {
		return u.set(v, x)
	}
	t := (*time.Time)(v)
	if err := t.UnmarshalText(b); err != nil {
		return BadText(b, " is neither a time of RFC 3339 nor a whole number of "+u.name+" since 1970")
	}
	*t = cut(*t)
	return nil
}

func setSpan(v unsafe.Pointer, b []byte) error {
	x, err := parseInt(view(b))
	if err != nil || b[0] == '+' {
		var d time.Duration
		if d, err = time.ParseDuration(view(b)); err != nil {
			return BadText(b, " is neither a whole number of nanoseconds nor a duration like 1m30s")
		}
		x = int64(d)
	}
	*(*time.Duration)(v) = time.Duration(x)
	return nil
}
