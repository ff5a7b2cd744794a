package protobuf

import (
	"reflect"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// compiler makes what decodes the messages of one schema into one row type.
type compiler struct{ unit slot.Unit }

// message binds the fields of a struct to those of a message.
func (c *compiler) message(md protoreflect.MessageDescriptor, f *codec.Field) (whole, error) {
	m := &message{}
	made := map[protoreflect.FieldNumber]*field{}
	for i := range f.Fields {
		to := &f.Fields[i]
		fd := md.Fields().ByName(protoreflect.Name(to.Name))
		if fd == nil {
			if to.Nullable {
				continue
			}
			return nil, slot.Within(to.Name, &slot.Misfit{What: " is not in the message " + string(md.FullName())})
		}
		made[fd.Number()] = &field{number: fd.Number(), name: to.Name, offset: to.Offset, to: to, span: -1, bit: -1}
		if err := c.bind(m, made[fd.Number()], fd); err != nil {
			return nil, slot.Within(to.Name, err)
		}
		m.add(fd.Number(), made[fd.Number()])
	}
	m.rivals(md, made)
	m.sortLast()
	return m.decode, nil
}

// bind sets how the values of a field are decoded, and what is done if there are none.
func (c *compiler) bind(m *message, f *field, fd protoreflect.FieldDescriptor) (err error) {
	f.wire = wireOf(fd)
	switch {
	case fd.Kind() == protoreflect.GroupKind:
		return &slot.Misfit{What: " is a group, which is not read"}
	case fd.IsMap():
		return c.bindMap(f, fd)
	case fd.IsList():
		return c.bindList(m, f, fd)
	case fd.Message() != nil:
		f.late, err = c.whole(fd.Message(), f.to)
		m.gather(f, wellFormed)
		f.absent = absentMessage(f, fd)
		return err
	}
	if f.one, err = c.scalar(fd, f.to); err != nil {
		return err
	}
	c.bindDefault(m, f, fd)
	return nil
}

func absentMessage(f *field, fd protoreflect.FieldDescriptor) func(unsafe.Pointer) error {
	switch {
	case fd.ContainingMessage().IsMapEntry(): // the value of an entry is never absent
		return func(v unsafe.Pointer) error { return f.late([]byte{}, v) }
	case f.to.Nullable:
		return nil
	}
	return func(unsafe.Pointer) error { return slot.Missing() }
}

// gather makes f a field that is decoded at the end of its message.
func (m *message) gather(f *field, complete func([]byte) error) {
	f.span, f.joined, f.complete = m.spans, m.tracked, complete
	m.spans++
	m.tracked++
	m.last = append(m.last, f)
}

func (m *message) track(f *field) {
	if f.bit < 0 {
		f.bit = m.tracked
		m.tracked++
	}
}

// bindDefault says what a scalar is that is absent.
func (c *compiler) bindDefault(m *message, f *field, fd protoreflect.FieldDescriptor) {
	switch {
	case f.to.Nullable && fd.HasPresence() && !fd.ContainingMessage().IsMapEntry():
		return
	case fd.Cardinality() == protoreflect.Required:
		f.absent = func(unsafe.Pointer) error { return slot.Missing() }
	default:
		text := encodeDefault(fd)
		f.absent = func(v unsafe.Pointer) error {
			_, err := f.one(text, 0, v)
			return err
		}
		to := reflect.New(f.to.Type)
		if !f.to.Nullable && f.absent(to.UnsafePointer()) == nil && to.Elem().IsZero() {
			f.absent = nil
			return
		}
	}
	m.track(f)
	m.last = append(m.last, f)
}

// rivals makes the members of each oneof, of which any is wanted, know the wanted ones besides them.
func (m *message) rivals(md protoreflect.MessageDescriptor, made map[protoreflect.FieldNumber]*field) {
	for i := range md.Oneofs().Len() {
		members := md.Oneofs().Get(i).Fields()
		for k := range members.Len() {
			fd := members.Get(k)
			f := made[fd.Number()]
			if f == nil {
				f = &field{number: fd.Number(), wire: wireOf(fd), span: -1, bit: -1}
			}
			for l := range members.Len() {
				if r := made[members.Get(l).Number()]; r != nil && r != f {
					m.track(r)
					f.rivals = append(f.rivals, r)
				}
			}
			if f.to == nil && len(f.rivals) > 0 {
				m.add(fd.Number(), f)
			}
		}
	}
}

// whole is what decodes a message into a field, without its tag and its length.
func (c *compiler) whole(md protoreflect.MessageDescriptor, f *codec.Field) (do whole, err error) {
	switch {
	case f.Kind == codec.Struct:
		do, err = c.message(md, f)
	case md.FullName() == "google.protobuf.Timestamp" && f.Kind == codec.Time:
		do = timestamp
	case md.FullName() == "google.protobuf.Duration" && f.Kind == codec.Duration:
		do = duration
	case wrappers[md.FullName()]:
		value := *f
		value.Name, value.Offset, value.Nullable = "value", 0, false
		do, err = c.message(md, &codec.Field{Kind: codec.Struct, Type: f.Type, Fields: []codec.Field{value}})
	default:
		return nil, misfit("message "+string(md.FullName()), f)
	}
	if err != nil || !f.Nullable {
		return do, err
	}
	return pointed(f, do), nil
}

// pointed is do for a field that is a pointer.
func pointed(f *codec.Field, do whole) whole {
	return func(b []byte, v unsafe.Pointer) error {
		to := slot.New(f)
		*(*unsafe.Pointer)(v) = to
		return do(b, to)
	}
}

var wrappers = map[protoreflect.FullName]bool{
	"google.protobuf.DoubleValue": true, "google.protobuf.FloatValue": true, "google.protobuf.Int64Value": true,
	"google.protobuf.UInt64Value": true, "google.protobuf.Int32Value": true, "google.protobuf.UInt32Value": true,
	"google.protobuf.BoolValue": true, "google.protobuf.StringValue": true, "google.protobuf.BytesValue": true,
}

func misfit(what string, f *codec.Field) error {
	return &slot.Misfit{What: " is of Protobuf's type " + what + ", which does not fit into " + slot.Describe(f)}
}

// wireOf is how one value of a field is written.
func wireOf(fd protoreflect.FieldDescriptor) protowire.Type {
	switch fd.Kind() {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}
