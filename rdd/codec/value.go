package codec

import (
	"fmt"
	"reflect"

	"github.com/apache/arrow/go/v15/arrow"
)

// column is the field and column of a value of type t; its name and place are the caller's.
func (d *deriving) column(path string, t reflect.Type) (Field, column, error) {
	if t.Kind() != reflect.Pointer {
		return d.value(path, t)
	}
	to := t.Elem()
	if to.Kind() == reflect.Pointer {
		return Field{}, nil, fmt.Errorf("%s: a pointer to a pointer (%s) cannot travel: a column has one kind of null", path, t)
	}
	f, col, err := d.value(path, to)
	if err == nil && hollow([]Field{f}) {
		err = fmt.Errorf("%s: a pointer to a type without columns (%s): use a bool", path, to)
	}
	f.Nullable = true
	return f, pointer{col, elementOf(to)}, err
}

// value is column for what is not a pointer.
func (d *deriving) value(path string, t reflect.Type) (Field, column, error) {
	f := Field{Type: t, Size: t.Size()}
	switch {
	case t == timeType:
		f.Kind = Time
		return f, moment{}, nil
	case t == durationType:
		f.Kind = Duration
		return f, newSpan(), nil
	}
	var col column
	var err error
	switch t.Kind() {
	case reflect.Struct:
		f.Kind = Struct
		col, f.Fields, err = d.structure(path, t)
	case reflect.Slice, reflect.Array:
		f.Kind, col, f.Fields, err = d.sequence(path, t)
	case reflect.Map:
		f.Kind = Map
		col, f.Fields, err = d.mapping(path, t)
	default:
		f.Kind, col, err = simple(path, t)
	}
	return f, col, err
}

func (d *deriving) structure(path string, t reflect.Type) (column, []Field, error) {
	var p parts
	if err := d.fields(&p, path, t, 0, false); err != nil {
		return nil, nil, err
	}
	if hollow(p.fields) && t.Size() > 0 {
		return nil, nil, fmt.Errorf("%s: no field of %s has a column: leave the whole field out by col:\"-\"", path, t)
	}
	return newNested(p), p.fields, nil
}

// hollow reports whether a struct of these fields has no byte in any column. Foreign
// bytes could claim any number of such: where one takes memory it must not exist.
func hollow(fields []Field) bool {
	for _, f := range fields {
		if f.Nullable || f.Kind != Struct && f.Kind != Array || !hollow(f.Fields) {
			return false
		}
	}
	return true
}

func (d *deriving) sequence(path string, t reflect.Type) (Kind, column, []Field, error) {
	isArray, n := t.Kind() == reflect.Array, 0
	if isArray {
		if n = t.Len(); n == 0 || t.Size() > MaxColumnBytes {
			return 0, nil, nil, fmt.Errorf("%s: an array of %d elements cannot be a column", path, n)
		}
	}
	if t.Elem().Kind() == reflect.Uint8 {
		if isArray {
			return FixedBytes, fixedBytes{&arrow.FixedSizeBinaryType{ByteWidth: n}}, nil, nil
		}
		return Bytes, blob{}, nil, nil
	}
	elem, col, err := d.column(path+"[]", t.Elem())
	if err != nil {
		return 0, nil, nil, err
	}
	elem.Name = "item"
	if isArray {
		return Array, newBlock(t, col, elem.Nullable), []Field{elem}, nil
	}
	return List, newList(col, elementOf(t.Elem()), elem.Nullable), []Field{elem}, nil
}

func (d *deriving) mapping(path string, t reflect.Type) (column, []Field, error) {
	k := t.Key()
	if !mapKey(k) {
		return nil, nil, fmt.Errorf("%s: the keys of a map must be strings, integers, bools or [N]byte, not %s: use a slice of key and value", path, k)
	}
	key, keys, err := d.column(path+"[key]", k)
	if err != nil {
		return nil, nil, err
	}
	value, vals, err := d.column(path+"[]", t.Elem())
	if err != nil {
		return nil, nil, err
	}
	key.Name, value.Name = "key", "value"
	return newMapping(t, keys, vals, value.Nullable), []Field{key, value}, nil
}

// mapKey reports whether keys of type t have an order and equal only themselves.
func mapKey(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.String, reflect.Bool:
		return true
	case reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	default:
		return k >= reflect.Int && k <= reflect.Uint64
	}
}

var numberKinds = map[reflect.Kind]Kind{
	reflect.Int: Int64, reflect.Int8: Int8, reflect.Int16: Int16, reflect.Int32: Int32, reflect.Int64: Int64,
	reflect.Uint: Uint64, reflect.Uint8: Uint8, reflect.Uint16: Uint16, reflect.Uint32: Uint32, reflect.Uint64: Uint64,
	reflect.Float32: Float32, reflect.Float64: Float64,
}

// advice is what to do about a kind that no column can hold.
var advice = map[reflect.Kind]string{
	reflect.Interface:  "give it a concrete type",
	reflect.Complex64:  "use two float32 fields",
	reflect.Complex128: "use two float64 fields",
	reflect.Uintptr:    "use uint64",
}

func simple(path string, t reflect.Type) (Kind, column, error) {
	switch t.Kind() {
	case reflect.Bool:
		return Bool, boolean{}, nil
	case reflect.String:
		return String, text{}, nil
	}
	if k, ok := numberKinds[t.Kind()]; ok {
		return k, numbers[k], nil
	}
	what, ok := advice[t.Kind()]
	if !ok {
		what = "its values mean nothing outside this process"
	}
	return 0, nil, fmt.Errorf("%s: no column can hold the type %s: %s, or tag the field col:\"-\" if rows may lose it", path, t, what)
}
