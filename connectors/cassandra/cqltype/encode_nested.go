package cqltype

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/rdd/codec"
)

// within is the encoder of a part, whose errors say where it is.
func within(what string, t Type, f *codec.Field, part bool) (Encoder, error) {
	if f.Nullable && !part {
		return nil, fmt.Errorf("%s: CQL has no null there: make it a %s instead of a pointer", what, f.Type)
	}
	put, err := NewEncoder(t, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		out, null, err := put(dst, col, row)
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return out, null, err
	}, nil
}

// sequenceEncoder encodes lists and arrays: a count, and each element behind its length.
func sequenceEncoder(t Type, f *codec.Field) (Encoder, error) {
	if f.Kind != codec.List && f.Kind != codec.Array {
		return nil, misfit(t, f, "")
	}
	put, err := within("element", t.Of[0], &f.Fields[0], false)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		l := col.(array.ListLike)
		from, to := l.ValueOffsets(row)
		dst, values := binary.BigEndian.AppendUint32(dst, uint32(to-from)), l.ListValues()
		var err error
		for i := from; i < to && err == nil; i++ {
			dst, err = put.sized(dst, values, int(i))
		}
		return dst, false, err
	}, nil
}

func mapEncoder(t Type, f *codec.Field) (Encoder, error) {
	if f.Kind != codec.Map {
		return nil, misfit(t, f, "")
	}
	key, err := within("key", t.Of[0], &f.Fields[0], false)
	if err != nil {
		return nil, err
	}
	value, err := within("value", t.Of[1], &f.Fields[1], false)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		m := col.(*array.Map)
		from, to := m.ValueOffsets(row)
		dst, keys, items := binary.BigEndian.AppendUint32(dst, uint32(to-from)), m.Keys(), m.Items()
		for i := from; i < to; i++ {
			var err error
			if dst, err = key.sized(dst, keys, int(i)); err != nil {
				return dst, false, err
			}
			if dst, err = value.sized(dst, items, int(i)); err != nil {
				return dst, false, err
			}
		}
		return dst, false, nil
	}, nil
}

// structEncoder encodes structs: each part behind its length.
func structEncoder(t Type, f *codec.Field) (Encoder, error) {
	at, err := partsOf(t, f)
	if err != nil {
		return nil, err
	}
	put := make([]Encoder, len(at))
	for i, from := range at {
		if from < 0 {
			continue
		}
		part := &f.Fields[from]
		if put[i], err = within("part "+part.Name, t.Of[i], part, true); err != nil {
			return nil, err
		}
	}
	return func(dst []byte, col arrow.Array, row int) ([]byte, bool, error) {
		s := col.(*array.Struct)
		for i, from := range at {
			if from < 0 {
				dst = append(dst, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			var err error
			if dst, err = put[i].sized(dst, s.Field(from), row); err != nil {
				return dst, false, err
			}
		}
		return dst, false, nil
	}, nil
}

// partsOf is which field each part of a tuple or user-defined type is; -1 = none.
func partsOf(t Type, f *codec.Field) ([]int, error) {
	if f.Kind != codec.Struct {
		return nil, misfit(t, f, "")
	}
	at := make([]int, len(t.Of))
	if t.ID == Tuple {
		if len(t.Of) != len(f.Fields) {
			return nil, misfit(t, f, fmt.Sprintf("one has %d parts, the other %d", len(t.Of), len(f.Fields)))
		}
		for i := range at {
			at[i] = i
		}
		return at, nil
	}
	for i, name := range t.Parts {
		at[i] = slices.IndexFunc(f.Fields, func(p codec.Field) bool { return p.Name == name })
	}
	for i, p := range f.Fields {
		if !slices.Contains(at, i) {
			return nil, misfit(t, f, fmt.Sprintf("the type has no part %s; it has %s", p.Name, strings.Join(t.Parts, ", ")))
		}
	}
	return at, nil
}
