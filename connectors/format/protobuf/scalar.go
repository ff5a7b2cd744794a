package protobuf

import (
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar is the op of a value without parts.
func (c *compiler) scalar(fd protoreflect.FieldDescriptor, f *codec.Field) (op, error) {
	do := c.plain(fd, f)
	switch {
	case do == nil:
		return nil, misfit(fd.Kind().String(), f)
	case f.Nullable:
		return func(b []byte, i int, v unsafe.Pointer) (int, error) {
			to := slot.New(f)
			*(*unsafe.Pointer)(v) = to
			return do(b, i, to)
		}, nil
	case f.Kind == codec.Bytes: // an empty value sets nothing, and there may have been one before
		return func(b []byte, i int, v unsafe.Pointer) (int, error) {
			*(*[]byte)(v) = nil
			return do(b, i, v)
		}, nil
	}
	return do, nil
}

// plain is scalar for what is no pointer; nil if the field does not take such values.
func (c *compiler) plain(fd protoreflect.FieldDescriptor, f *codec.Field) op {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return truthOp(f)
	case protoreflect.EnumKind:
		return enumOp(fd.Enum().Values(), f)
	case protoreflect.Int32Kind:
		return intOp(slot.Int(f, c.unit), func(u uint64) int64 { return int64(int32(u)) })
	case protoreflect.Sint32Kind:
		return intOp(slot.Int(f, c.unit), func(u uint64) int64 { return int64(int32(protowire.DecodeZigZag(u & math.MaxUint32))) })
	case protoreflect.Int64Kind:
		return intOp(slot.Int(f, c.unit), func(u uint64) int64 { return int64(u) })
	case protoreflect.Sint64Kind:
		return intOp(slot.Int(f, c.unit), protowire.DecodeZigZag)
	case protoreflect.Uint32Kind:
		return uintOp(slot.Uint(f, c.unit), math.MaxUint32)
	case protoreflect.Uint64Kind:
		return uintOp(slot.Uint(f, c.unit), math.MaxUint64)
	case protoreflect.Fixed32Kind:
		return fixedOp(slot.Uint(f, c.unit), 4, func(u uint64) uint64 { return u })
	case protoreflect.Fixed64Kind:
		return fixedOp(slot.Uint(f, c.unit), 8, func(u uint64) uint64 { return u })
	case protoreflect.Sfixed32Kind:
		return fixedOp(slot.Int(f, c.unit), 4, func(u uint64) int64 { return int64(int32(u)) })
	case protoreflect.Sfixed64Kind:
		return fixedOp(slot.Int(f, c.unit), 8, func(u uint64) int64 { return int64(u) })
	case protoreflect.FloatKind:
		return fixedOp(slot.Float(f), 4, func(u uint64) float64 { return float64(math.Float32frombits(uint32(u))) })
	case protoreflect.DoubleKind:
		return fixedOp(slot.Float(f), 8, math.Float64frombits)
	case protoreflect.StringKind:
		return bytesOp(slot.Text(f, c.unit))
	case protoreflect.BytesKind:
		return bytesOp(slot.Raw(f))
	}
	return nil
}

func truthOp(f *codec.Field) op {
	set := slot.Truth(f)
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		u, i, err := varint(b, i)
		if err != nil {
			return i, err
		}
		return i, set(v, u != 0)
	}
}

func intOp(set func(unsafe.Pointer, int64) error, of func(uint64) int64) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		u, i, err := varint(b, i)
		if err != nil {
			return i, err
		}
		return i, set(v, of(u))
	}
}

func uintOp(set func(unsafe.Pointer, uint64) error, mask uint64) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		u, i, err := varint(b, i)
		if err != nil {
			return i, err
		}
		return i, set(v, u&mask)
	}
}

func fixedOp[N any](set func(unsafe.Pointer, N) error, size int, of func(uint64) N) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		if size > len(b)-i {
			return i, short(i)
		}
		var u uint64
		if size == 4 {
			u = uint64(binary.LittleEndian.Uint32(b[i:]))
		} else {
			u = binary.LittleEndian.Uint64(b[i:])
		}
		return i + size, set(v, of(u))
	}
}

func bytesOp(set func(unsafe.Pointer, []byte) error) op {
	if set == nil {
		return nil
	}
	return func(b []byte, i int, v unsafe.Pointer) (int, error) {
		lo, hi, err := bytesAt(b, i)
		if err != nil {
			return i, err
		}
		return hi, set(v, b[lo:hi:hi])
	}
}

func enumOp(values protoreflect.EnumValueDescriptors, f *codec.Field) op {
	set := slot.Int(f, slot.Unit{})
	switch {
	case f.Kind == codec.String:
		names := map[int64]string{}
		for i := values.Len() - 1; i >= 0; i-- { // of several names the first
			names[int64(values.Get(i).Number())] = string(values.Get(i).Name())
		}
		set = func(v unsafe.Pointer, x int64) error {
			name, ok := names[x]
			if !ok {
				return slot.Bad(strconv.FormatInt(x, 10), " is a number for which the enum has no name")
			}
			*(*string)(v) = name
			return nil
		}
	case f.Kind < codec.Int8 || f.Kind > codec.Uint64:
		return nil
	}
	return intOp(set, func(u uint64) int64 { return int64(int32(u)) })
}

// encodeDefault is the default of a scalar as it would stand in a message, behind its tag.
func encodeDefault(fd protoreflect.FieldDescriptor) []byte {
	d := fd.Default()
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protowire.AppendVarint(nil, protowire.EncodeBool(d.Bool()))
	case protoreflect.EnumKind:
		return protowire.AppendVarint(nil, uint64(d.Enum()))
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return protowire.AppendVarint(nil, uint64(d.Int()))
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(nil, protowire.EncodeZigZag(d.Int()))
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return protowire.AppendVarint(nil, d.Uint())
	case protoreflect.Fixed32Kind:
		return protowire.AppendFixed32(nil, uint32(d.Uint()))
	case protoreflect.Fixed64Kind:
		return protowire.AppendFixed64(nil, d.Uint())
	case protoreflect.Sfixed32Kind:
		return protowire.AppendFixed32(nil, uint32(d.Int()))
	case protoreflect.Sfixed64Kind:
		return protowire.AppendFixed64(nil, uint64(d.Int()))
	case protoreflect.FloatKind:
		return protowire.AppendFixed32(nil, math.Float32bits(float32(d.Float())))
	case protoreflect.DoubleKind:
		return protowire.AppendFixed64(nil, math.Float64bits(d.Float()))
	case protoreflect.StringKind:
		return protowire.AppendString(nil, d.String())
	}
	return protowire.AppendBytes(nil, d.Bytes())
}
