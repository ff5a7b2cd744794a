package avro

import (
	"slices"
	"strconv"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
)

// step is a part of a record, in the writer's order: a field that the row wants, or some that it does not.
type step struct {
	do     op // nil = skip
	offset uintptr
	name   string
	skip   *shape
}

// recordOnce is record for a struct that may have been bound to s before.
func (c *compiler) recordOnce(s *avro.RecordSchema, f *codec.Field) (op, error) {
	known, ok := c.records[bound{s, f}]
	if !ok {
		known.do, known.err = c.record(s, f)
		c.records[bound{s, f}] = known
	}
	return known.do, known.err
}

// record is the op of a struct.
func (c *compiler) record(s *avro.RecordSchema, f *codec.Field) (op, error) {
	for i := range f.Fields {
		part := &f.Fields[i]
		if !part.Nullable && !slices.ContainsFunc(s.Fields(), func(w *avro.Field) bool { return w.Name() == part.Name }) {
			return nil, slot.Within(part.Name, &slot.Misfit{What: " is not in the schema"})
		}
	}
	var steps []step
	var skipped []*shape
	pass := func() {
		if len(skipped) > 0 {
			steps = append(steps, step{skip: inRow(skipped...)})
		}
		skipped = nil
	}
	for _, w := range s.Fields() {
		i := slices.IndexFunc(f.Fields, func(part codec.Field) bool { return part.Name == w.Name() })
		if i < 0 {
			skipped = append(skipped, c.shape(w.Type()))
			continue
		}
		pass()
		part := &f.Fields[i]
		do, err := c.field(w.Type(), part)
		if err != nil {
			return nil, slot.Within(part.Name, err)
		}
		steps = append(steps, step{do: do, offset: part.Offset, name: part.Name})
	}
	pass()
	return inOrder(steps), nil
}

func inOrder(steps []step) op {
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		var err error
		for k := range steps {
			st := &steps[k]
			if st.do == nil {
				i, err = st.skip.skip(b, i, 0)
			} else {
				i, err = st.do(b, i, unsafe.Add(v, st.offset))
			}
			if err != nil {
				return i, slot.Within(st.name, err)
			}
		}
		return i, nil
	}
}

// growth bounds the bytes that a list is made longer by at once: it may be shorter than it says, and a row's elements larger than
// those in the record.
const growth = 64 << 10

// list is the op of a slice.
func (c *compiler) list(s *avro.ArraySchema, f *codec.Field) (op, error) {
	elem, least, stride, err := c.element(s, f)
	if err != nil {
		return nil, err
	}
	most := max(1, growth/int(max(stride, 1)))
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		for total := 0; ; {
			n, _, end, err := block(b, i, least)
			if err != nil || n == 0 {
				return end, err
			}
			if i = end; least == 0 && total+n > maxHollow {
				return i, garbled("a list of too many elements without bytes", i)
			}
			for n > 0 {
				k := min(n, most)
				if i, err = elements(elem, k, total, stride, b, i, slot.Extend(f, v, k)); err != nil {
					return i, err
				}
				n, total = n-k, total+k
			}
		}
	}, nil
}

// element is what there is to know of the elements of a list.
func (c *compiler) element(s *avro.ArraySchema, f *codec.Field) (do op, least int, stride uintptr, err error) {
	e := &f.Fields[0]
	do, err = c.field(s.Items(), e)
	return do, c.shape(s.Items()).least, slot.Stride(e), slot.Within("[]", err)
}

// elements decodes n elements, of which the first is the one of number from.
func elements(elem op, n, from int, stride uintptr, b []byte, i int, v unsafe.Pointer) (int, error) {
	var err error
	for k := range n {
		if i, err = elem(b, i, unsafe.Add(v, uintptr(k)*stride)); err != nil {
			return i, slot.WithinItem(from+k, err)
		}
	}
	return i, nil
}

// array is the op of a Go array.
func (c *compiler) array(s *avro.ArraySchema, f *codec.Field) (op, error) {
	elem, least, stride, err := c.element(s, f)
	if err != nil {
		return nil, err
	}
	want := f.Type.Len()
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		for total := 0; ; {
			n, _, end, err := block(b, i, least)
			switch {
			case err != nil:
				return end, err
			case n == 0 && total != want:
				return end, &slot.Misfit{What: " has " + strconv.Itoa(total) + " elements, not " + strconv.Itoa(want)}
			case n == 0:
				return end, nil
			case n > want-total:
				return end, &slot.Misfit{What: " has more than " + strconv.Itoa(want) + " elements"}
			}
			if i, err = elements(elem, n, total, stride, b, end, unsafe.Add(v, uintptr(total)*stride)); err != nil {
				return i, err
			}
			total += n
		}
	}, nil
}

// mapping is the op of a map.
func (c *compiler) mapping(s *avro.MapSchema, f *codec.Field) (op, error) {
	key := keySetter(&f.Fields[0], c.unit)
	if key == nil {
		return nil, nil
	}
	elem, err := c.field(s.Values(), &f.Fields[1])
	if err != nil {
		return nil, slot.Within("[]", err)
	}
	least := 1 + c.shape(s.Values()).least
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		var to *slot.Entries
		for {
			n, _, end, err := block(b, i, least)
			if err != nil || n == 0 {
				return end, err
			}
			if i = end; to == nil {
				to = slot.NewEntries(f, v, min(n, 1024))
			}
			for range n {
				if i, err = entry(key, elem, to, b, i); err != nil {
					return i, err
				}
			}
		}
	}, nil
}

func entry(key func(unsafe.Pointer, []byte) error, elem op, to *slot.Entries, b []byte, i int) (int, error) {
	n, i, err := size(b, i)
	if err != nil {
		return i, err
	}
	name := b[i : i+n]
	if err := key(to.Key, name); err != nil {
		return i, slot.Within("[key]", err)
	}
	if i, err = elem(b, i+n, to.Value); err != nil {
		return i, slot.WithinEntry(string(name), err)
	}
	to.Put()
	return i, nil
}

// keySetter sets the key of a map, which Avro has as a string whatever it is.
func keySetter(f *codec.Field, u slot.Unit) func(unsafe.Pointer, []byte) error {
	switch f.Kind {
	case codec.Bool:
		return func(v unsafe.Pointer, b []byte) error {
			if string(b) != "true" && string(b) != "false" {
				return slot.BadText(b, " is neither true nor false")
			}
			*(*bool)(v) = string(b) == "true"
			return nil
		}
	case codec.FixedBytes:
		return slot.Raw(f)
	}
	return slot.Text(f, u)
}
