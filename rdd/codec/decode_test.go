package codec

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// mangler makes arrays that lie, as its bytes say.
type mangler struct{ rest []byte }

func (m *mangler) next() int {
	if len(m.rest) == 0 {
		return 0
	}
	b := m.rest[0]
	m.rest = m.rest[1:]
	return int(b)
}

// number changes v in one of a few ways, mostly not at all.
func (m *mangler) number(v int) int {
	switch m.next() {
	case 1:
		return v + 1
	case 2:
		return v - 1
	case 3:
		return -1
	case 4:
		return 1 << 31
	case 5:
		return 1 << 62
	case 6:
		return m.next()
	}
	return v
}

func (m *mangler) array(d arrow.ArrayData) arrow.ArrayData {
	bufs := make([]*memory.Buffer, 0, 3)
	for i, b := range d.Buffers() {
		if m.next() == 1 && i == 0 {
			bufs = append(bufs, memory.NewBufferBytes([]byte{byte(m.next())}))
			continue
		}
		if b == nil {
			bufs = append(bufs, nil)
			continue
		}
		bufs = append(bufs, m.buffer(b.Bytes()))
	}
	if m.next() == 1 {
		bufs = bufs[:len(bufs)-1]
	}
	var kids []arrow.ArrayData
	for _, kid := range d.Children() {
		if m.next() != 1 {
			kids = append(kids, m.array(kid))
		}
	}
	return array.NewData(d.DataType(), m.number(d.Len()), bufs, kids, m.number(d.NullN()), m.number(d.Offset()))
}

func (m *mangler) buffer(b []byte) *memory.Buffer {
	out := append([]byte(nil), b...)
	switch m.next() {
	case 1:
		out = out[:len(out)/2]
	case 2:
		if len(out) >= 8 {
			at := m.next() % (len(out) / 4) * 4
			binary.LittleEndian.PutUint32(out[at:], uint32(m.number(1)))
		}
	case 3: // misaligned
		out = append([]byte{0}, out...)[1:]
	}
	return memory.NewBufferBytes(out)
}

// FuzzDecode decodes arrays that lie about everything: there must be an error or rows
// that can be read and encoded again.
func FuzzDecode(f *testing.F) {
	for i := range shapes() {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{0, 2, 1, 5, 0, 0, 1, 3})
		f.Add(uint8(i), []byte{1, 7, 0, 0, 0, 0, 0, 0, 0, 2, 3, 4, 0, 0, 6, 9})
	}
	all := shapes()
	f.Fuzz(func(t *testing.T, shape uint8, lies []byte) {
		s := all[int(shape)%len(all)]
		c := s.codec(t)
		rec := encodeRows(t, c, s.rows)
		n := s.rows.Len()
		rows := reflect.MakeSlice(reflect.SliceOf(s.t), n, n)
		m := &mangler{lies}
		for i, r := range c.readers {
			d := m.array(rec.Column(i).Data())
			if r.column(c.window(rows.UnsafePointer(), n).part(c.Fields[i].Offset), d) != nil {
				return
			}
		}
		if _, err := c.Encode(rows.UnsafePointer(), n); err != nil {
			t.Fatal(err)
		}
	})
}

// TestLyingArrays has a lie of each kind, and which part of the error finds it.
func TestLyingArrays(t *testing.T) {
	str, bin := arrow.DataType(arrow.BinaryTypes.String), arrow.DataType(arrow.BinaryTypes.Binary)
	offsets := func(v ...int32) []byte { return bytesOf(v) }
	ints := values(arrow.PrimitiveTypes.Int64, 2, nil, bytesOf([]int64{1, 2}))
	list := arrow.DataType(arrow.ListOfNonNullable(ints.DataType()))
	two := arrow.DataType(arrow.FixedSizeListOfNonNullable(2, ints.DataType()))
	obj := arrow.DataType(arrow.StructOf(arrow.Field{Name: "A", Type: ints.DataType()}))
	dict := array.NewData(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: str}, 2,
		[]*memory.Buffer{nil, memory.NewBufferBytes([]byte{0, 1})}, nil, 0, 0)
	one := values(str, 1, nil, offsets(0, 1), []byte("a"))
	coded := array.NewDataWithDictionary(dict.DataType(), 2, dict.Buffers(), 0, 0, one.(*array.Data))
	kids := []arrow.ArrayData{ints}
	for _, c := range []struct {
		row  any
		lie  arrow.ArrayData
		want string
	}{
		{"", values(str, 2, nil, offsets(0, 1, 3), []byte("ab")), "row 1: offsets 1 to 3 into 2"},
		{"", values(str, 2, nil, offsets(0, 2, 1), []byte("ab")), "row 1: offsets 2 to 1"},
		{"", values(str, 2, nil, offsets(-1, 0, 1), []byte("ab")), "row 0: offsets -1 to 0"},
		{"", values(str, 2, nil, offsets(0, 1), []byte("ab")), "buffer of 8 bytes for 3 values"},
		{[]byte{}, values(bin, 2, nil, offsets(0, 2, 1), []byte("ab")), "offsets 0 to 2"},
		{[]byte{}, values(bin, 3, nil, offsets(0, 2, 1, 2), []byte("ab")), "row 1: offsets 2 to 1"},
		{[]byte{}, values(bin, 2, nil, offsets(0, 1, 3), []byte("ab")), "into 2 bytes"},
		{int64(0), values(ints.DataType(), 3, nil, bytesOf([]int64{1, 2})), "buffer of 16 bytes for 3 values"},
		{true, values(arrow.FixedWidthTypes.Boolean, 9, nil, []byte{1}), "buffer of 1 bytes for 2"},
		{[3]byte{}, values(&arrow.FixedSizeBinaryType{ByteWidth: 3}, 2, nil, make([]byte, 5)), "buffer of 5 bytes"},
		{[]int64{}, values(list, 2, kids, offsets(0, 1, 3)), "offset 3 after 1 into 2"},
		{[]int64{}, values(list, 2, kids, offsets(0, 2, 1)), "offset 1 after 2"},
		{[]int64{}, values(list, 2, nil, offsets(0, 1, 1)), "0 children"},
		{[]int64{}, values(list, 2, []arrow.ArrayData{one}, offsets(0, 1, 1)), "another type"},
		{[2]int64{}, values(two, 2, kids), "of 2 rows has 2 elements"},
		{[1]struct{ A int64 }{}, values(arrow.FixedSizeListOfNonNullable(1, obj), 3, []arrow.ArrayData{values(obj, 3, kids)}), "has a child of 2"},
		{[]int64{}, array.NewData(list, 1, []*memory.Buffer{nil, memory.NewBufferBytes(offsets(0, 1))}, kids, 1, 0), "says it has 1 nulls, and has 0"},
		{"", dict, "without its values"},
		{"", coded, "entry 1 of a dictionary of 1"},
		{int64(0), array.NewData(ints.DataType(), 2, []*memory.Buffer{memory.NewBufferBytes([]byte{1}), ints.Buffers()[1]}, nil, 0, 0), "row 1 is null"},
		{int64(0), array.NewData(ints.DataType(), 1, ints.Buffers(), nil, 0, 1<<62), "buffer of 16 bytes"},
		{int64(0), array.NewData(ints.DataType(), 1, ints.Buffers(), nil, 0, -1), "values at -1"},
	} {
		codec, err := For(reflect.TypeOf(c.row))
		if err != nil {
			t.Fatal(err)
		}
		b, err := bind(codec.parts.columns[0], c.lie.DataType())
		if err != nil {
			t.Fatal(err)
		}
		rows := reflect.MakeSlice(reflect.SliceOf(codec.Type), c.lie.Len(), c.lie.Len())
		err = b.column(codec.window(rows.UnsafePointer(), c.lie.Len()), c.lie)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: got %v, want %q in the error", c.row, err, c.want)
		}
	}
}
