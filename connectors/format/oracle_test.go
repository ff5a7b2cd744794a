package format

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// anything has an optional field of each kind that the oracle knows, and a required one.
type anything struct {
	ID string             `col:"ad_id"`
	I  *int64             `col:"i"`
	U  *uint8             `col:"u"`
	F  *float64           `col:"f"`
	G  *float32           `col:"g"`
	B  *bool              `col:"b"`
	T  *time.Time         `col:"t"`
	D  *time.Duration     `col:"d"`
	S  *string            `col:"s"`
	Y  *[]byte            `col:"y"`
	L  *[]string          `col:"l"`
	M  *map[string]*int32 `col:"m"`
	N  *inner             `col:"n"`
}

type inner struct {
	A string `col:"a"`
	X *int16 `col:"x"`
}

// oracle is the documented mapping by encoding/json: slow, and sharing nothing with the decoder. ok is false for a record
// that must be rejected.
func oracle(rec []byte) (row anything, ok bool) {
	var m map[string]json.RawMessage
	if !utf8.Valid(rec) || json.Unmarshal(rec, &m) != nil || m == nil {
		return row, false
	}
	ok = required(m, "ad_id", &row.ID, asString) &&
		optional(m, "i", &row.I, asInt[int64](64)) &&
		optional(m, "u", &row.U, asUint8) &&
		optional(m, "f", &row.F, asFloat[float64](64)) &&
		optional(m, "g", &row.G, asFloat[float32](32)) &&
		optional(m, "b", &row.B, func(r json.RawMessage) (bool, bool) {
			return string(r) == "true", string(r) == "true" || string(r) == "false"
		}) &&
		optional(m, "t", &row.T, asTime) &&
		optional(m, "d", &row.D, asDuration) &&
		optional(m, "s", &row.S, asString) &&
		optional(m, "y", &row.Y, asBytes) &&
		optional(m, "l", &row.L, asStrings) &&
		optional(m, "m", &row.M, asMap) &&
		optional(m, "n", &row.N, asInner)
	return row, ok
}

func required[F any](m map[string]json.RawMessage, name string, to *F, as func(json.RawMessage) (F, bool)) bool {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return false
	}
	*to, ok = as(raw)
	return ok
}

func optional[F any](m map[string]json.RawMessage, name string, to **F, as func(json.RawMessage) (F, bool)) bool {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return true
	}
	v, ok := as(raw)
	*to = &v
	return ok
}

func asString(r json.RawMessage) (s string, ok bool) {
	return s, r[0] == '"' && json.Unmarshal(r, &s) == nil
}

// textOf is the text of a string, or the number itself.
func textOf(r json.RawMessage) (text string, quoted bool) {
	if s, ok := asString(r); ok {
		return s, true
	}
	return string(r), false
}

var (
	wholePattern  = regexp.MustCompile(`^-?[0-9]+$`)
	numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

func asInt[F ~int64 | ~int32 | ~int16](bits int) func(json.RawMessage) (F, bool) {
	return func(r json.RawMessage) (F, bool) {
		text, _ := textOf(r)
		v, err := strconv.ParseInt(text, 10, bits)
		return F(v), err == nil && wholePattern.MatchString(text)
	}
}

func asUint8(r json.RawMessage) (uint8, bool) {
	text, _ := textOf(r)
	v, err := strconv.ParseUint(text, 10, 8)
	return uint8(v), err == nil && wholePattern.MatchString(text)
}

func asFloat[F float32 | float64](bits int) func(json.RawMessage) (F, bool) {
	return func(r json.RawMessage) (F, bool) {
		text, quoted := textOf(r)
		switch {
		case quoted && text == "NaN":
			return F(math.NaN()), true
		case quoted && text == "Infinity":
			return F(math.Inf(1)), true
		case quoted && text == "-Infinity":
			return F(math.Inf(-1)), true
		}
		v, err := strconv.ParseFloat(text, bits)
		return F(v), err == nil && numberPattern.MatchString(text)
	}
}

// farthest is a limit in milliseconds that no sensible time is near.
const farthest = 9223372036853000

func asTime(r json.RawMessage) (time.Time, bool) {
	text, quoted := textOf(r)
	if wholePattern.MatchString(text) {
		v, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(v).UTC(), err == nil && v <= farthest && v >= -farthest
	}
	var t time.Time
	if !quoted || t.UnmarshalText([]byte(text)) != nil {
		return t, false
	}
	return time.UnixMicro(t.UnixMicro()).UTC(), true
}

func asDuration(r json.RawMessage) (time.Duration, bool) {
	if v, ok := asInt[int64](64)(r); ok {
		return time.Duration(v), true
	}
	text, quoted := textOf(r)
	d, err := time.ParseDuration(text)
	return d, quoted && err == nil && !wholePattern.MatchString(text)
}

func asBytes(r json.RawMessage) ([]byte, bool) {
	s, ok := asString(r)
	b, err := base64.StdEncoding.DecodeString(s)
	if len(b) == 0 {
		b = nil
	}
	return b, ok && err == nil
}

func asStrings(r json.RawMessage) (out []string, ok bool) {
	var parts []json.RawMessage
	if r[0] != '[' || json.Unmarshal(r, &parts) != nil {
		return nil, false
	}
	for _, p := range parts {
		s, ok := asString(p)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func asMap(r json.RawMessage) (map[string]*int32, bool) {
	var parts map[string]json.RawMessage
	if r[0] != '{' || json.Unmarshal(r, &parts) != nil {
		return nil, false
	}
	var out map[string]*int32
	for k := range parts {
		var v *int32
		if !optional(parts, k, &v, asInt[int32](32)) {
			return nil, false
		}
		if out == nil {
			out = map[string]*int32{}
		}
		out[k] = v
	}
	return out, true
}

func asInner(r json.RawMessage) (in inner, ok bool) {
	var m map[string]json.RawMessage
	if r[0] != '{' || json.Unmarshal(r, &m) != nil {
		return in, false
	}
	return in, required(m, "a", &in.A, asString) && optional(m, "x", &in.X, asInt[int16](16))
}
