package codec

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAnyRows takes random rows of every type through columns, slices and frames.
func TestAnyRows(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.t.String(), func(t *testing.T) {
			c := s.codec(t)
			rapid.Check(t, func(rt *rapid.T) {
				n := rapid.IntRange(0, 20).Draw(rt, "rows")
				rows := reflect.MakeSlice(reflect.SliceOf(s.t), n, n)
				for i := range n {
					fill(rt, rows.Index(i), 0)
				}
				roundTrip(t, c, rows, s.rows)
			})
		})
	}
}

// fill sets v to a random value that a column keeps whole.
func fill(rt *rapid.T, v reflect.Value, depth int) {
	size := func() int { return rapid.IntRange(0, 4-min(depth, 3)).Draw(rt, "size") }
	switch k := v.Kind(); {
	case v.Type() == timeType:
		us := rapid.Int64().Draw(rt, "time")
		v.Set(reflect.ValueOf(time.UnixMicro(us).UTC()))
	case k == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(rt, "bool"))
	case k >= reflect.Int && k <= reflect.Int64:
		v.SetInt(rapid.Int64().Draw(rt, "int") >> (64 - v.Type().Bits()))
	case k >= reflect.Uint && k <= reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(rt, "uint") >> (64 - v.Type().Bits()))
	case k == reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(rt, "float")))
	case k == reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(rt, "float"))
	case k == reflect.String:
		v.SetString(string(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(rt, "string")))
	case k == reflect.Pointer:
		if rapid.Bool().Draw(rt, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rt, v.Elem(), depth+1)
		}
	case k == reflect.Slice:
		n := size()
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fillElements(rt, v, depth)
	case k == reflect.Array:
		fillElements(rt, v, depth)
	case k == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range size() {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(rt, key, depth+1)
			fill(rt, value, depth+1)
			v.SetMapIndex(key, value)
		}
	case k == reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
			if (f.IsExported() || embedded) && f.Tag.Get("col") != "-" {
				fill(rt, reflect.NewAt(f.Type, v.Field(i).Addr().UnsafePointer()).Elem(), depth+1)
			}
		}
	}
}

func fillElements(rt *rapid.T, v reflect.Value, depth int) {
	for i := range v.Len() {
		fill(rt, v.Index(i), depth+1)
	}
}
