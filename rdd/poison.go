package rdd

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// What follows runs in builds with the tag invariants only.

// poison overwrites columns, which their owner is about to reuse: who reads them still, sees it.
func (r *Rows[K, V]) poison(columns Columns) {
	if columns&KeyColumn != 0 {
		poison(r.Keys)
	}
	if columns&ValColumn != 0 {
		poison(r.Vals)
	}
	if columns&TimeColumn != 0 {
		poison(r.Times)
	}
	if columns&TokenColumn != 0 {
		poison(r.Tokens)
	}
}

// poison overwrites rows: text with "poisoned", integers with the smallest, everything else with zero.
func poison[T any](rows []T) {
	var bad T
	spoil(codecFor[T]().Fields, unsafe.Pointer(&bad))
	for i := range rows {
		rows[i] = bad
	}
}

func spoil(fields []codec.Field, row unsafe.Pointer) {
	for i := range fields {
		f := &fields[i]
		at := unsafe.Add(row, f.Offset)
		switch {
		case f.Nullable:
		case f.Kind == codec.String:
			*(*string)(at) = "poisoned"
		case f.Kind == codec.Int64:
			*(*int64)(at) = math.MinInt64
		case f.Kind == codec.Struct:
			spoil(f.Fields, at)
		}
	}
}

// ownership checks that a kernel owns an output column always or never, that columns are of equal length, and that a column
// which it declared sealed is not written again.
type ownership[K, V, L, W any] struct {
	owned, known, was Columns
	at                [4]unsafe.Pointer // of the columns of the chunk before
}

func (o *ownership[K, V, L, W]) check(kind string, in *Rows[K, V], out *Rows[L, W]) {
	from, to := in.columns(), out.columns()
	for i, c := range to {
		column := Columns(1) << i
		if c.rows == 0 {
			continue
		}
		if c.rows != out.Len() {
			panic(fmt.Sprintf("rdd: %s: a column of %d rows beside one of %d", kind, c.rows, out.Len()))
		}
		mine := column
		for _, f := range from {
			if c.base == f.base {
				mine = 0
			}
		}
		if o.known&column != 0 && o.owned&column != mine {
			panic(fmt.Sprintf("rdd: %s owns column %d of one chunk and shares that of another", kind, i))
		}
		if mine != 0 && o.was&column != 0 && o.at[i] == c.base {
			panic(fmt.Sprintf("rdd: %s reuses column %d, which it had sealed", kind, i))
		}
		o.known, o.owned, o.at[i] = o.known|column, o.owned&^column|mine, c.base
	}
	o.was = out.Sealed
}

type extent struct {
	base unsafe.Pointer
	rows int
}

// columns are the columns in the order of Columns; those of no width have no rows.
func (r *Rows[K, V]) columns() [4]extent {
	return [4]extent{extentOf(r.Keys), extentOf(r.Vals), extentOf(r.Times), extentOf(r.Tokens)}
}

func extentOf[E any](s []E) extent {
	var e E
	if unsafe.Sizeof(e) == 0 {
		return extent{}
	}
	return extent{unsafe.Pointer(unsafe.SliceData(s)), len(s)}
}

// spoiling lets merge see a copy of what it must neither keep nor change, and wipes that copy afterwards.
func spoiling[A any](merge func(*A, A)) func(*A, A) {
	return func(into *A, from A) {
		own(&from)
		merge(into, from)
		wipe(reflect.ValueOf(&from).Elem())
	}
}

// wipe clears what v refers to.
func wipe(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			wipe(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		v.Clear()
	case reflect.Pointer:
		if !v.IsNil() {
			v.Elem().SetZero()
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				wipe(v.Field(i))
			}
		}
	}
}
