package cqltype

import (
	"encoding/hex"
	"reflect"
	"strconv"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// maxShown bounds a value in a message.
const maxShown = 200

// Format is a value as a person would write it in a statement, for messages: 'c1', 17, 2026-01-01T00:00:00Z in quotes. What has no short form, and what is
// broken, is its bytes: 0x0001.
func Format(t Type, b []byte) string {
	switch t.ID {
	case Text, ASCII, Inet:
		return quotedText(t, b)
	case UUID, Timeuuid, Varint, Decimal:
		if s, ok := read[string](t, b); ok {
			return shown(s)
		}
	case Tinyint, Smallint, Int, Bigint, Counter:
		if v, ok := read[int64](t, b); ok {
			return strconv.FormatInt(v, 10)
		}
	case Boolean:
		if v, ok := read[bool](t, b); ok {
			return strconv.FormatBool(v)
		}
	case Timestamp, Date:
		if v, ok := read[time.Time](t, b); ok {
			layout := "2006-01-02T15:04:05.999Z"
			if t.ID == Date {
				layout = time.DateOnly
			}
			return Literal(v.Format(layout))
		}
	}
	if b == nil {
		return "null"
	}
	return "0x" + shown(hex.EncodeToString(b[:min(len(b), maxShown)]))
}

func quotedText(t Type, b []byte) string {
	if s, ok := read[string](t, b); ok {
		return Literal(shown(s))
	}
	return "0x" + shown(hex.EncodeToString(b[:min(len(b), maxShown)]))
}

func shown(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}

// read decodes a single value.
func read[T any](t Type, b []byte) (v T, ok bool) {
	c, err := codec.For(reflect.TypeFor[T]())
	if err != nil || b == nil {
		return v, false
	}
	get, err := NewDecoder(t, &c.Fields[0])
	return v, err == nil && get(b, unsafe.Pointer(&v)) == nil
}
