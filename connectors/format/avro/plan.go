package avro

import (
	"strconv"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
)

// An op decodes what stands at b[i:] into the value at v, which is zero, and returns where it ends. Ops are made once a schema and
// row type, and call each other down to single values.
type op func(b []byte, i int, v unsafe.Pointer) (end int, err error)

// plan implements registry.Plan.
type plan struct{ root op }

func newPlan(s avro.Schema, rows *codec.Codec, u slot.Unit) (*plan, error) {
	root := slot.Root(rows)
	c := &compiler{unit: u, shapes: map[avro.NamedSchema]*shape{}, records: map[bound]opOrError{}}
	do, err := c.field(s, &root)
	if err != nil {
		return nil, err
	}
	return &plan{do}, nil
}

// Decode implements registry.Plan.
func (p *plan) Decode(row unsafe.Pointer, payload []byte) error {
	end, err := p.root(payload, 0, row)
	if err == nil && end != len(payload) {
		err = &slot.Misfit{What: " has " + strconv.Itoa(len(payload)-end) + " bytes behind its end"}
	}
	return err
}

// compiler makes the ops of one schema and row type.
type compiler struct {
	unit   slot.Unit
	shapes map[avro.NamedSchema]*shape // of records that were seen, which may contain themselves

	// A union may lead to the same record on more ways than anybody can go.
	records map[bound]opOrError
}

// bound is a record and the struct that it is bound to.
type bound struct {
	from *avro.RecordSchema
	to   *codec.Field
}

type opOrError struct {
	do  op
	err error
}

// field is the op of a field, or of a part of one, for values of a schema.
func (c *compiler) field(s avro.Schema, f *codec.Field) (op, error) {
	s = target(s)
	if u, ok := s.(*avro.UnionSchema); ok {
		return c.union(u, f)
	}
	if s.Type() == avro.Null {
		if !takesNull(f) {
			return nil, slot.Null()
		}
		return nothing, nil
	}
	do, err := c.present(s, f)
	if err != nil || !f.Nullable {
		return do, err
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		to := slot.New(f)
		i, err := do(b, i, to)
		*(*unsafe.Pointer)(v) = to
		return i, err
	}, nil
}

// present is field for what is no null and no pointer.
func (c *compiler) present(s avro.Schema, f *codec.Field) (op, error) {
	var do op
	var err error
	switch s := s.(type) {
	case *avro.RecordSchema:
		if f.Kind == codec.Struct {
			do, err = c.recordOnce(s, f)
		}
	case *avro.ArraySchema:
		switch f.Kind {
		case codec.List:
			do, err = c.list(s, f)
		case codec.Array:
			do, err = c.array(s, f)
		}
	case *avro.MapSchema:
		if f.Kind == codec.Map {
			do, err = c.mapping(s, f)
		}
	default:
		do, err = c.scalar(s, f)
	}
	if do == nil && err == nil {
		err = &slot.Misfit{What: " is of Avro's type " + describe(s) + ", which does not fit into " + slot.Describe(f)}
	}
	return do, err
}

// target is what a schema stands for: the one that it refers to, or itself.
func target(s avro.Schema) avro.Schema {
	if r, ok := s.(*avro.RefSchema); ok {
		return r.Schema()
	}
	return s
}

func describe(s avro.Schema) string {
	name := string(s.Type())
	if l := logical(s); l != "" {
		name += " (" + string(l) + ")"
	}
	return name
}

func takesNull(f *codec.Field) bool {
	return f.Nullable || f.Kind == codec.List || f.Kind == codec.Map || f.Kind == codec.Bytes
}

func nothing(_ []byte, i int, _ unsafe.Pointer) (int, error) { return i, nil }

// union is the op of a union: that of the branch that a record names. Branches that do not fit make bad records.
func (c *compiler) union(u *avro.UnionSchema, f *codec.Field) (op, error) {
	branches := make([]op, len(u.Types()))
	var first error
	fits := false
	for i, s := range u.Types() {
		do, err := c.field(s, f)
		if err != nil {
			do = func(_ []byte, i int, _ unsafe.Pointer) (int, error) { return i, err }
			if first == nil && s.Type() != avro.Null {
				first = err
			}
		}
		fits = fits || err == nil && s.Type() != avro.Null
		branches[i] = do
	}
	if !fits && first != nil {
		return nil, first
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		branch, i, err := long(b, i)
		if err != nil {
			return i, err
		}
		if uint64(branch) >= uint64(len(branches)) {
			return i, &slot.Misfit{What: " is of branch " + strconv.FormatInt(branch, 10) + " of a union of " + strconv.Itoa(len(branches))}
		}
		return branches[branch](b, i, v)
	}, nil
}
