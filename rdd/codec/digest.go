package codec

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/zeebo/xxh3"
)

// Digest returns the XXH3 hash of a record's logical content: column types, number of
// rows, nulls and values in order. Column names, offsets of slices, slack in buffers
// and what lies under a null do not count; a dictionary counts as its codes stand
// for. rec must come from Codec.Encode or ReadFrame, or be as sound as those.
func Digest(rec arrow.Record) uint64 {
	d := &digester{h: xxh3.New()}
	d.count(int(rec.NumRows()))
	for _, col := range rec.Columns() {
		d.h.WriteString(col.DataType().String())
		a := col.Data()
		d.values(a, a.Offset(), a.Len())
	}
	return d.h.Sum64()
}

type digester struct {
	h   *xxh3.Hasher
	buf []byte
}

func (g *digester) count(n int) {
	g.buf = binary.LittleEndian.AppendUint64(g.buf[:0], uint64(n))
	g.h.Write(g.buf)
}

// values adds n values from place pos of d's buffers on: the lengths of runs that are
// valid and null by turns, and the valid ones' content.
func (g *digester) values(d arrow.ArrayData, pos, n int) {
	valid := buffer(d, 0)
	if len(valid) == 0 {
		g.count(n)
		g.content(d, pos, n)
		return
	}
	for i := 0; i < n; {
		set := run(valid, pos+i, n-i, true)
		g.count(set)
		g.content(d, pos+i, set)
		i += set
		if i < n {
			nulls := run(valid, pos+i, n-i, false)
			g.count(nulls)
			i += nulls
		}
	}
	if n == 0 {
		g.count(0)
		g.content(d, pos, 0)
	}
}

// content adds values none of which is null.
func (g *digester) content(d arrow.ArrayData, pos, n int) {
	switch t := d.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		from, to := relative[int32](g, d, pos, n)
		g.h.Write(buffer(d, 2)[from:to])
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		from, to := relative[int64](g, d, pos, n)
		g.h.Write(buffer(d, 2)[from:to])
	case *arrow.ListType, *arrow.MapType:
		from, to := relative[int32](g, d, pos, n)
		g.child(d, 0, from, to-from)
	case *arrow.LargeListType:
		from, to := relative[int64](g, d, pos, n)
		g.child(d, 0, from, to-from)
	case *arrow.FixedSizeListType:
		g.child(d, 0, pos*int(t.Len()), n*int(t.Len()))
	case *arrow.StructType:
		for i := range d.Children() {
			g.child(d, i, pos, n)
		}
	case *arrow.DictionaryType:
		g.coded(d, t, pos, n)
	case *arrow.BooleanType:
		g.bits(buffer(d, 1), pos, n)
	case arrow.FixedWidthDataType:
		if n > 0 {
			width := t.BitWidth() / 8
			g.h.Write(buffer(d, 1)[pos*width : (pos+n)*width])
		}
	default:
		panic(fmt.Sprintf("codec: digest of a column of type %s", t))
	}
}

// child adds n values of a child from its value lo on.
func (g *digester) child(d arrow.ArrayData, i, lo, n int) {
	kid := d.Children()[i]
	g.values(kid, kid.Offset()+lo, n)
}

func (g *digester) coded(d arrow.ArrayData, t *arrow.DictionaryType, pos, n int) {
	c, err := codesOf(t, nil)
	if err != nil {
		panic(err)
	}
	dict := d.Dictionary()
	for i := range n {
		g.values(dict, dict.Offset()+c.code(d, pos+i), 1)
	}
}

func (g *digester) bits(bitmap []byte, pos, n int) {
	out := align(bitmap, pos, n)
	g.h.Write(out[:n/8])
	if n%8 != 0 {
		g.h.Write([]byte{out[n/8] & (1<<(n%8) - 1)})
	}
}

// relative adds the ends of n values, counted from the first one's beginning, and
// returns what they span.
func relative[O offset](g *digester, d arrow.ArrayData, pos, n int) (from, to int) {
	if n == 0 {
		return 0, 0
	}
	offsets, err := words[O](d, 1, pos, n+1)
	if err != nil {
		panic(err)
	}
	g.buf = append(g.buf[:0], make([]byte, 8*n)...)
	ends := unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(g.buf))), n)
	for i := range ends {
		ends[i] = int64(offsets[i+1] - offsets[0])
	}
	g.h.Write(g.buf)
	return int(offsets[0]), int(offsets[n])
}
