package avro

import (
	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
)

// shape is what it takes to pass over a value.
type shape struct {
	form  form
	fixed int      // bytes of every value; -1 if they differ
	least int      // bytes of the shortest value, or fewer
	parts []*shape // sequence, choice; the elements of a list
}

type form uint8

const (
	flat     form = iota // of fixed bytes
	number               // int, long, enum
	text                 // string, bytes
	sequence             // parts, one behind the other
	choice               // the number of a part, and that part
	list                 // blocks of parts[0]
)

const (
	maxDepth = 10_000
	hugeSize = 1 << 40 // where sums of sizes stop: no record is as long
)

// shape is the shape of a schema.
func (c *compiler) shape(s avro.Schema) *shape {
	switch s := target(s).(type) {
	case *avro.RecordSchema:
		return c.recordShape(s)
	case *avro.UnionSchema:
		out := &shape{form: choice, fixed: -1, least: hugeSize}
		for _, t := range s.Types() {
			part := c.shape(t)
			out.parts = append(out.parts, part)
			out.least = min(out.least, 1+part.least)
		}
		return out
	case *avro.ArraySchema:
		return &shape{form: list, fixed: -1, least: 1, parts: []*shape{c.shape(s.Items())}}
	case *avro.MapSchema:
		return &shape{form: list, fixed: -1, least: 1, parts: []*shape{inRow(&shape{form: text, fixed: -1, least: 1}, c.shape(s.Values()))}}
	case *avro.FixedSchema:
		if s.Size() < 0 {
			return &shape{form: flat, fixed: -1}
		}
		return fixedShape(min(s.Size(), hugeSize))
	default:
		return scalarShape(s.Type())
	}
}

func scalarShape(t avro.Type) *shape {
	switch t {
	case avro.Null:
		return fixedShape(0)
	case avro.Boolean:
		return fixedShape(1)
	case avro.Float:
		return fixedShape(4)
	case avro.Double:
		return fixedShape(8)
	case avro.String, avro.Bytes:
		return &shape{form: text, fixed: -1, least: 1}
	}
	return &shape{form: number, fixed: -1, least: 1}
}

func fixedShape(n int) *shape { return &shape{form: flat, fixed: n, least: n} }

// recordShape is entered into shapes before its parts are known. Within itself it counts as nothing, which keeps least a bound.
func (c *compiler) recordShape(s *avro.RecordSchema) *shape {
	if known, ok := c.shapes[s]; ok {
		return known
	}
	out := &shape{form: sequence, fixed: -1}
	c.shapes[s] = out
	parts := make([]*shape, len(s.Fields()))
	for i, f := range s.Fields() {
		parts[i] = c.shape(f.Type())
	}
	*out = *inRow(parts...)
	return out
}

// inRow is the shape of values that stand one behind the other.
func inRow(parts ...*shape) *shape {
	out := &shape{form: sequence, parts: parts}
	for _, p := range parts {
		out.least = min(out.least+p.least, hugeSize)
		if p.fixed < 0 || out.fixed < 0 {
			out.fixed = -1
		} else {
			out.fixed = min(out.fixed+p.fixed, hugeSize)
		}
	}
	return out
}

// skip returns where the value ends that begins at b[i]. What is passed over is not looked at but for its lengths.
func (s *shape) skip(b []byte, i, depth int) (int, error) {
	if s.fixed >= 0 {
		if s.fixed > len(b)-i {
			return i, short(i)
		}
		return i + s.fixed, nil
	}
	switch s.form {
	case flat:
		return i, garbled("a fixed of less than no bytes", i)
	case number:
		_, i, err := long(b, i)
		return i, err
	case text:
		n, i, err := size(b, i)
		return i + n, err
	}
	if depth > maxDepth {
		return i, &slot.Misfit{What: " is nested too deeply"}
	}
	switch s.form {
	case choice:
		branch, i, err := long(b, i)
		if err == nil && uint64(branch) >= uint64(len(s.parts)) {
			err = garbled("a branch that its union lacks", i)
		}
		if err != nil {
			return i, err
		}
		return s.parts[branch].skip(b, i, depth+1)
	case list:
		return s.skipList(b, i, depth)
	}
	for _, p := range s.parts {
		var err error
		if i, err = p.skip(b, i, depth+1); err != nil {
			return i, err
		}
	}
	return i, nil
}

func (s *shape) skipList(b []byte, i, depth int) (int, error) {
	e := s.parts[0]
	for {
		n, bytes, end, err := block(b, i, e.least)
		if err != nil || n == 0 {
			return end, err
		}
		i = end
		switch {
		case bytes >= 0:
			i += bytes
		case e.fixed >= 0:
			i += n * e.fixed // block saw that there are so many bytes
		default:
			for range n {
				if i, err = e.skip(b, i, depth+1); err != nil {
					return i, err
				}
			}
		}
	}
}
