package format

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// writerOfParts returns the writer of an array whose values are made of others.
func writerOfParts(a arrow.Array) (writer, error) {
	switch v := a.(type) {
	case *array.Struct:
		return objects(v)
	case *array.Map: // before List, which it embeds
		return mappings(v)
	case *array.List:
		return arrays(v, v.ListValues())
	case *array.FixedSizeList:
		return arrays(v, v.ListValues())
	case *array.Dictionary:
		w, err := writerOf(v.Dictionary())
		at := func(p put) put { return func(dst []byte, i int) []byte { return p(dst, v.GetValueIndex(i)) } }
		return writer{a, at(w.text), at(w.value)}, err
	}
	return writer{}, fmt.Errorf("no text for a column of type %s", a.DataType())
}

func objects(a *array.Struct) (writer, error) {
	fields := a.DataType().(*arrow.StructType).Fields()
	parts, names := make([]writer, len(fields)), make([][]byte, len(fields))
	for k, f := range fields {
		w, err := writerOf(a.Field(k))
		if err != nil {
			return w, fmt.Errorf("%s: %w", f.Name, err)
		}
		parts[k], names[k] = w, append(appendQuoted(nil, f.Name), ':')
	}
	return plain(a, func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		for k := range parts {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = parts[k].json(append(dst, names[k]...), i)
		}
		return append(dst, '}')
	}), nil
}

func arrays(a array.ListLike, elements arrow.Array) (writer, error) {
	w, err := writerOf(elements)
	if err != nil {
		return w, fmt.Errorf("elements: %w", err)
	}
	return plain(a, func(dst []byte, i int) []byte {
		dst = append(dst, '[')
		from, to := a.ValueOffsets(i)
		for k := from; k < to; k++ {
			if k > from {
				dst = append(dst, ',')
			}
			dst = w.json(dst, int(k))
		}
		return append(dst, ']')
	}), nil
}

func mappings(a *array.Map) (writer, error) {
	keys, err := writerOf(a.Keys())
	if err != nil {
		return keys, fmt.Errorf("keys: %w", err)
	}
	values, err := writerOf(a.Items())
	if err != nil {
		return values, fmt.Errorf("values: %w", err)
	}
	if _, isText := a.Keys().(*array.String); !isText {
		keys = inQuotes(a.Keys(), keys.text)
	}
	return plain(a, func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		from, to := a.ValueOffsets(i)
		for k := from; k < to; k++ {
			if k > from {
				dst = append(dst, ',')
			}
			dst = values.json(append(keys.json(dst, int(k)), ':'), int(k))
		}
		return append(dst, '}')
	}), nil
}
