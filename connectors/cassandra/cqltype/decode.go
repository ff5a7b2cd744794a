package cqltype

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// Decoder sets a field of the row, or of the struct, that begins at row, from a value's bytes; nil bytes are null. Strings point into b, which then must
// never be written again; everything else is copied. The field must be zero before. An error says what is wrong with the value, which may be made
// of any bytes. It is safe for concurrent use.
type Decoder func(b []byte, row unsafe.Pointer) error

var errNull = errors.New("is null, and the field is no pointer")

// NewDecoder returns the decoder of values of type t into a field. It is an error, which names both types, if they have no values in common.
func NewDecoder(t Type, f *codec.Field) (Decoder, error) {
	set, err := setterOf(t, f)
	if err != nil {
		return nil, err
	}
	off := f.Offset
	switch {
	case f.Nullable:
		return func(b []byte, row unsafe.Pointer) error {
			if b == nil {
				return nil
			}
			p := reflect.New(f.Type)
			*(*unsafe.Pointer)(unsafe.Add(row, off)) = p.UnsafePointer()
			return set(b, p.UnsafePointer())
		}, nil
	case f.Kind == codec.List || f.Kind == codec.Map:
		return func(b []byte, row unsafe.Pointer) error {
			if b == nil {
				return nil // Cassandra keeps empty collections as null
			}
			return set(b, unsafe.Add(row, off))
		}, nil
	}
	return func(b []byte, row unsafe.Pointer) error {
		if b == nil {
			return errNull
		}
		return set(b, unsafe.Add(row, off))
	}, nil
}

// setter sets what lies at a place from bytes that are not null.
type setter func(b []byte, at unsafe.Pointer) error

func setterOf(t Type, f *codec.Field) (setter, error) {
	var set setter
	switch t.ID {
	case Vector, Custom:
		return nil, unreadable(t, f, unsupported(t))
	case List, Set:
		return sequenceSetter(t, f)
	case Map:
		return mapSetter(t, f)
	case Tuple, UDT:
		return structSetter(t, f)
	case Tinyint, Smallint, Int, Bigint, Counter, Varint:
		set = integerSetter(t, f)
	case Date, Time, Timestamp, Duration:
		set = momentSetter(t, f)
	default:
		set = plainSetter(t, f)
	}
	if set == nil {
		return nil, unreadable(t, f, "")
	}
	return set, nil
}

// unreadable names both types.
func unreadable(t Type, f *codec.Field, why string) error {
	if why == "" {
		why = "it wants " + fields[t.ID]
	}
	return fmt.Errorf("%s cannot be read into a %s: %s", t, f.Type, why)
}

// fields is what a type can be read into.
var fields = [Custom + 1]string{
	ASCII: "string", Bigint: "an integer, time.Duration or time.Time", Blob: "[]byte or [N]byte", Boolean: "bool", Counter: "an integer",
	Date: "time.Time", Decimal: "string", Double: "float64", Duration: "time.Duration", Float: "float32 or float64", Inet: "string, [4]byte or [16]byte",
	Int: "an integer", Smallint: "an integer", Text: "string", Time: "time.Duration", Timestamp: "time.Time", Timeuuid: "[16]byte or string",
	Tinyint: "an integer", UUID: "[16]byte or string", Varint: "an integer or string", List: "a slice or array", Set: "a slice or array",
	Map: "a map", Tuple: "a struct with as many fields", UDT: "a struct",
}

// exactly reports values of the wrong length.
func exactly(b []byte, n int, t Type) error {
	if len(b) != n {
		return fmt.Errorf("has %d bytes, and %s has %d", len(b), t, n)
	}
	return nil
}
