package sqlite

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// setter sets a field of a row, or says why it cannot.
type setter func(row unsafe.Pointer, v driver.Value) (reason string)

// setterOf returns the setter of a field; nil if there is none for its kind.
func setterOf(f codec.Field) setter {
	set := plainSetter(f)
	if set == nil {
		return nil
	}
	return func(row unsafe.Pointer, v driver.Value) string {
		at := unsafe.Add(row, f.Offset)
		switch {
		case v == nil && f.Nullable:
			return ""
		case v == nil:
			return "is NULL, and the field is no pointer"
		case f.Nullable:
			p := reflect.New(f.Type)
			*(*unsafe.Pointer)(at) = p.UnsafePointer()
			at = p.UnsafePointer()
		}
		if set(at, v) {
			return ""
		}
		return fmt.Sprintf("%.100v (%T) is no %s", v, v, f.Kind)
	}
}

// plainSetter sets what lies at a place and reports whether the value fits.
func plainSetter(f codec.Field) func(at unsafe.Pointer, v driver.Value) bool {
	switch f.Kind {
	case codec.Bool:
		return setBool
	case codec.Int8, codec.Int16, codec.Int32, codec.Int64, codec.Uint8, codec.Uint16, codec.Uint32, codec.Uint64, codec.Duration:
		return func(at unsafe.Pointer, v driver.Value) bool { return setInt(reflect.NewAt(f.Type, at).Elem(), v) }
	case codec.Float32, codec.Float64:
		return func(at unsafe.Pointer, v driver.Value) bool { return setFloat(reflect.NewAt(f.Type, at).Elem(), v) }
	case codec.String:
		return setString
	case codec.Bytes:
		return setBytes
	case codec.FixedBytes:
		return func(at unsafe.Pointer, v driver.Value) bool {
			b, ok := v.([]byte)
			return ok && len(b) == int(f.Size) && copy(unsafe.Slice((*byte)(at), f.Size), b) == len(b)
		}
	case codec.Time:
		return setTime
	}
	return nil
}

func setBool(at unsafe.Pointer, v driver.Value) bool {
	switch v := v.(type) {
	case bool:
		*(*bool)(at) = v
		return true
	case int64:
		*(*bool)(at) = v == 1
		return v == 0 || v == 1
	}
	return false
}

func setInt(to reflect.Value, v driver.Value) bool {
	n, ok := v.(int64)
	switch {
	case !ok:
		return false
	case to.CanInt():
		to.SetInt(n)
		return to.Int() == n
	}
	to.SetUint(uint64(n))
	return n >= 0 && to.Uint() == uint64(n)
}

func setFloat(to reflect.Value, v driver.Value) bool {
	switch v := v.(type) {
	case float64:
		to.SetFloat(v)
		return true
	case int64:
		to.SetFloat(float64(v))
		return true
	}
	return false
}

func setString(at unsafe.Pointer, v driver.Value) bool {
	s, ok := v.(string)
	*(*string)(at) = s
	return ok && utf8.ValidString(s)
}

// setBytes copies: the driver may use its buffer again.
func setBytes(at unsafe.Pointer, v driver.Value) bool {
	switch v := v.(type) {
	case []byte:
		*(*[]byte)(at) = append([]byte(nil), v...)
		return true
	case string:
		*(*[]byte)(at) = []byte(v)
		return true
	}
	return false
}

// layouts are the forms of SQLite's own date functions, and RFC 3339; a time without a zone is in UTC.
var layouts = []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02"}

func setTime(at unsafe.Pointer, v driver.Value) bool {
	switch v := v.(type) {
	case time.Time: // what the driver makes of columns that are declared as times
		*(*time.Time)(at) = v.UTC()
		return true
	case int64:
		*(*time.Time)(at) = time.UnixMicro(v).UTC()
		return true
	case string:
		for _, l := range layouts {
			if t, err := time.Parse(l, v); err == nil {
				*(*time.Time)(at) = t.UTC()
				return true
			}
		}
	}
	return false
}
