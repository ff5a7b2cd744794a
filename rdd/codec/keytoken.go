package codec

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/ring"
)

// KeyToken returns the function that computes the partition tokens of keys:
// ring.Murmur3 of the key as Cassandra serialises it. tokens must be as long as keys.
// A call allocates one buffer at most, whatever the number of keys.
//
//	string                    text
//	bool                      boolean
//	int8, int16, int32        tinyint, smallint, int
//	int, int64                bigint
//	uint8, uint16, uint32     smallint, int, bigint: the smallest type with all values
//	uint, uint64              bigint with the same bits
//	time.Time                 timestamp (ms)
//	time.Duration             bigint (ns)
//	[16]byte, [N]byte         uuid, blob
//	struct, [N]E              composite of the fields in order, nested ones flattened;
//	                          with only one in all, that alone
//	struct{}                  every token is 0
//
// It is an error if equal keys could have different encodings (floats, pointers,
// interfaces, channels) or a key would lose a field when it leaves memory.
func KeyToken[K comparable]() (func(keys []K, tokens []int64), error) {
	t := reflect.TypeFor[K]()
	parts, err := keyParts(typeName(t), t, 0)
	if err != nil {
		return nil, err
	}
	one, size := hashOne(parts), t.Size()
	return func(keys []K, tokens []int64) {
		tokens = tokens[:len(keys)]
		buf := make([]byte, 0, 64)
		base := unsafe.Pointer(unsafe.SliceData(keys))
		for i := range tokens {
			tokens[i], buf = one(unsafe.Add(base, uintptr(i)*size), buf)
		}
	}, nil
}

// keyPart is a component of a key: where it is, and how it is serialised.
type keyPart struct {
	off  uintptr
	text bool // a string, which needs no copy if it is alone
	add  func(dst []byte, p unsafe.Pointer) []byte
}

// hashOne returns the function from a key to its token. It also returns the buffer,
// which may have grown.
func hashOne(parts []keyPart) func(p unsafe.Pointer, buf []byte) (int64, []byte) {
	switch {
	case len(parts) == 0:
		return func(_ unsafe.Pointer, buf []byte) (int64, []byte) { return 0, buf }
	case len(parts) == 1 && parts[0].text:
		return func(p unsafe.Pointer, buf []byte) (int64, []byte) {
			s := *(*string)(unsafe.Add(p, parts[0].off))
			return int64(ring.Murmur3(unsafe.Slice(unsafe.StringData(s), len(s)))), buf
		}
	case len(parts) == 1:
		return func(p unsafe.Pointer, buf []byte) (int64, []byte) {
			buf = parts[0].add(buf[:0], unsafe.Add(p, parts[0].off))
			return int64(ring.Murmur3(buf)), buf
		}
	}
	return func(p unsafe.Pointer, buf []byte) (int64, []byte) {
		k := ring.Composite{Key: buf[:0]}
		for i := range parts {
			k.Start()
			k.Key = parts[i].add(k.Key, unsafe.Add(p, parts[i].off))
			k.End()
		}
		return int64(ring.Murmur3(k.Key)), k.Key
	}
}

// keyParts is the components of a key of type t at off.
func keyParts(path string, t reflect.Type, off uintptr) ([]keyPart, error) {
	kind := t.Kind()
	switch {
	case t == timeType:
		return []keyPart{{off: off, add: appendTimeKey}}, nil
	case kind == reflect.Array && t.Elem().Kind() == reflect.Uint8:
		n := t.Len()
		return []keyPart{{off: off, add: func(dst []byte, p unsafe.Pointer) []byte {
			return ring.AppendBlob(dst, unsafe.Slice((*byte)(p), n))
		}}}, nil
	case kind == reflect.Struct:
		return structKey(path, t, off)
	case kind == reflect.Array:
		var all []keyPart
		for i := range t.Len() {
			parts, err := keyParts(path+"[]", t.Elem(), off+uintptr(i)*t.Elem().Size())
			if err != nil {
				return nil, err
			}
			all = append(all, parts...)
		}
		return all, nil
	}
	if add, ok := keyEncoders[kind]; ok {
		return []keyPart{{off, kind == reflect.String, add}}, nil
	}
	return nil, fmt.Errorf("%s: a %s cannot be in a key: %s", path, t, noKey(kind))
}

func structKey(path string, t reflect.Type, off uintptr) ([]keyPart, error) {
	var all []keyPart
	for i := range t.NumField() {
		f := t.Field(i)
		path := path + "." + f.Name
		switch {
		case f.Name == "_": // no part of ==
			continue
		case f.Tag.Get("col") == "-":
			return nil, fmt.Errorf("%s: a field tagged col:\"-\" cannot be in a key: it would be lost when the key leaves memory", path)
		case !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct):
			return nil, fmt.Errorf("%s: an unexported field cannot be in a key: it would be lost when the key leaves memory; export it", path)
		}
		parts, err := keyParts(path, f.Type, off+f.Offset)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	return all, nil
}

// noKey says why equal keys of a kind have no common encoding.
func noKey(k reflect.Kind) string {
	switch k {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "NaN is not equal to itself, and 0 equals -0; round to an integer or format it"
	case reflect.Pointer, reflect.UnsafePointer, reflect.Uintptr:
		return "pointers are equal by address, which means nothing elsewhere; use what it points to"
	case reflect.Interface:
		return "its values have types that are not known in advance; use a concrete type"
	}
	return "its values mean nothing outside this process"
}

var keyEncoders = map[reflect.Kind]func([]byte, unsafe.Pointer) []byte{
	reflect.String: func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendText(dst, *(*string)(p)) },
	reflect.Bool:   func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendBoolean(dst, *(*bool)(p)) },
	reflect.Int8:   func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendTinyint(dst, *(*int8)(p)) },
	reflect.Int16:  func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendSmallint(dst, *(*int16)(p)) },
	reflect.Int32:  func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendInt(dst, *(*int32)(p)) },
	reflect.Int64:  appendBigintKey,
	reflect.Int:    appendBigintKey,
	reflect.Uint8:  func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendSmallint(dst, int16(*(*uint8)(p))) },
	reflect.Uint16: func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendInt(dst, int32(*(*uint16)(p))) },
	reflect.Uint32: func(dst []byte, p unsafe.Pointer) []byte { return ring.AppendBigint(dst, int64(*(*uint32)(p))) },
	reflect.Uint64: appendBigintKey,
	reflect.Uint:   appendBigintKey,
}

func appendBigintKey(dst []byte, p unsafe.Pointer) []byte {
	return ring.AppendBigint(dst, *(*int64)(p))
}

func appendTimeKey(dst []byte, p unsafe.Pointer) []byte {
	return ring.AppendTimestamp(dst, *(*time.Time)(p))
}
