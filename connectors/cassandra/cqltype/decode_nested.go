package cqltype

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// cut takes a value behind its length from the start of b; nil = null.
func cut(b []byte) (v, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errors.New("is cut short")
	}
	n := int32(binary.BigEndian.Uint32(b))
	switch b = b[4:]; {
	case n < 0:
		return nil, b, nil
	case int(n) > len(b):
		return nil, nil, errors.New("is cut short")
	}
	return b[:n:n], b[n:], nil
}

// count takes the number of elements from the start of b. Each has at least the given bytes there, so that no number is believed that makes
// more memory than b stands for.
func count(b []byte, each int, size uintptr) (n int, rest []byte, err error) {
	if len(b) < 4 {
		return 0, nil, errors.New("is cut short")
	}
	n = int(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > (len(b)-4)/each || uintptr(n)*size > codec.MaxColumnBytes {
		return 0, nil, fmt.Errorf("says that it has %d elements, in %d bytes", n, len(b))
	}
	return n, b[4:], nil
}

func sequenceSetter(t Type, f *codec.Field) (setter, error) {
	if f.Kind != codec.List && f.Kind != codec.Array {
		return nil, unreadable(t, f, "")
	}
	get, err := NewDecoder(t.Of[0], &f.Fields[0])
	if err != nil {
		return nil, fmt.Errorf("element: %w", err)
	}
	size := f.Type.Elem().Size()
	fill := func(b []byte, n int, base unsafe.Pointer) error {
		for i := range n {
			var v []byte
			var err error
			if v, b, err = cut(b); err != nil {
				return err
			}
			if err := get(v, unsafe.Add(base, uintptr(i)*size)); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
	return func(b []byte, at unsafe.Pointer) error {
		n, b, err := count(b, 4, size)
		switch {
		case err != nil:
			return err
		case f.Kind == codec.Array && n != f.Type.Len():
			return fmt.Errorf("has %d elements, and the field has %d", n, f.Type.Len())
		case f.Kind == codec.Array:
			return fill(b, n, at)
		case n == 0:
			return nil
		}
		slice := reflect.MakeSlice(f.Type, n, n)
		reflect.NewAt(f.Type, at).Elem().Set(slice)
		return fill(b, n, slice.UnsafePointer())
	}, nil
}

func mapSetter(t Type, f *codec.Field) (setter, error) {
	if f.Kind != codec.Map {
		return nil, unreadable(t, f, "")
	}
	getKey, err := NewDecoder(t.Of[0], &f.Fields[0])
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	getValue, err := NewDecoder(t.Of[1], &f.Fields[1])
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return func(b []byte, at unsafe.Pointer) error {
		n, b, err := count(b, 8, f.Type.Key().Size()+f.Type.Elem().Size())
		if err != nil || n == 0 {
			return err
		}
		m, key, value := reflect.MakeMapWithSize(f.Type, n), reflect.New(f.Type.Key()), reflect.New(f.Type.Elem())
		for i := range n {
			key.Elem().SetZero()
			value.Elem().SetZero()
			if b, err = entry(b, getKey, getValue, key.UnsafePointer(), value.UnsafePointer()); err != nil {
				return fmt.Errorf("entry %d: %w", i, err)
			}
			m.SetMapIndex(key.Elem(), value.Elem())
		}
		reflect.NewAt(f.Type, at).Elem().Set(m)
		return nil
	}, nil
}

// entry takes a key and a value.
func entry(b []byte, getKey, getValue Decoder, key, value unsafe.Pointer) (rest []byte, err error) {
	k, b, err := cut(b)
	if err != nil {
		return nil, err
	}
	v, b, err := cut(b)
	if err != nil {
		return nil, err
	}
	return b, errors.Join(getKey(k, key), getValue(v, value))
}

func structSetter(t Type, f *codec.Field) (setter, error) {
	at, err := partsOf(t, f)
	if err != nil {
		return nil, err
	}
	get := make([]Decoder, len(at))
	for i, from := range at {
		if from < 0 {
			continue
		}
		if get[i], err = NewDecoder(t.Of[i], &f.Fields[from]); err != nil {
			return nil, fmt.Errorf("part %s: %w", f.Fields[from].Name, err)
		}
	}
	return func(b []byte, row unsafe.Pointer) error {
		for i, from := range at {
			var v []byte
			var err error
			if len(b) > 0 { // a value that is older than a part of its type ends before it
				if v, b, err = cut(b); err != nil {
					return err
				}
			}
			if from < 0 {
				continue
			}
			if err := get[i](v, row); err != nil {
				return fmt.Errorf("part %s: %w", f.Fields[from].Name, err)
			}
		}
		return nil
	}, nil
}
