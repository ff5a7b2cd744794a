package codec

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Compact returns rec with arrays that begin at place 0 of their buffers, with first
// offset 0 and no slack. Bytes are shared with rec where that is possible: only bitmaps
// that begin within a byte and offsets that begin elsewhere than at 0 are made anew.
// rec must come from Codec.Encode or ReadFrame, or be as sound as those.
//
// Frames are written of compact records, because Arrow v15's IPC writer gets other
// ones wrong: it panics at empty slices of binary columns, and does not notice a first
// offset that is not 0.
func Compact(rec arrow.Record) arrow.Record {
	cols := make([]arrow.Array, rec.NumCols())
	for i, col := range rec.Columns() {
		d := col.Data()
		cols[i] = array.MakeFromData(compact(d, d.Offset(), d.Len()))
	}
	return array.NewRecord(rec.Schema(), cols, rec.NumRows())
}

// compact is n values from place pos of d's buffers on.
func compact(d arrow.ArrayData, pos, n int) arrow.ArrayData {
	valid, nulls := compactValidity(d, pos, n)
	var bufs [][]byte
	var kids []arrow.ArrayData
	switch t := d.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		offsets, from, to := rebase[int32](d, pos, n)
		bufs = [][]byte{offsets, buffer(d, 2)[from:to]}
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		offsets, from, to := rebase[int64](d, pos, n)
		bufs = [][]byte{offsets, buffer(d, 2)[from:to]}
	case *arrow.ListType, *arrow.MapType:
		offsets, from, to := rebase[int32](d, pos, n)
		bufs, kids = [][]byte{offsets}, []arrow.ArrayData{compactChild(d, 0, from, to-from)}
	case *arrow.LargeListType:
		offsets, from, to := rebase[int64](d, pos, n)
		bufs, kids = [][]byte{offsets}, []arrow.ArrayData{compactChild(d, 0, from, to-from)}
	case *arrow.FixedSizeListType:
		width := int(t.Len())
		kids = []arrow.ArrayData{compactChild(d, 0, pos*width, n*width)}
	case *arrow.StructType:
		kids = make([]arrow.ArrayData, len(d.Children()))
		for i := range kids {
			kids[i] = compactChild(d, i, pos, n)
		}
	case *arrow.BooleanType:
		bufs = [][]byte{align(buffer(d, 1), pos, n)}
	case arrow.FixedWidthDataType: // dictionaries too: the width of their codes
		width := t.BitWidth() / 8
		bufs = [][]byte{cut(buffer(d, 1), pos*width, (pos+n)*width)}
	}
	all := []*memory.Buffer{valid}
	for _, b := range bufs {
		all = append(all, memory.NewBufferBytes(b))
	}
	out := array.NewData(d.DataType(), n, all, kids, nulls, 0)
	if dict, ok := d.Dictionary().(*array.Data); ok && dict != nil {
		out.SetDictionary(compact(dict, dict.Offset(), dict.Len()))
	}
	return out
}

func compactChild(d arrow.ArrayData, i, lo, n int) arrow.ArrayData {
	kid := d.Children()[i]
	return compact(kid, kid.Offset()+lo, n)
}

func compactValidity(d arrow.ArrayData, pos, n int) (*memory.Buffer, int) {
	valid := buffer(d, 0)
	if len(valid) == 0 {
		return nil, 0
	}
	nulls := n - countSet(valid, pos, n)
	if nulls == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(align(valid, pos, n)), nulls
}

// align is n bits from pos on, from the beginning of a byte on.
func align(bitmap []byte, pos, n int) []byte {
	if pos%8 == 0 {
		return cut(bitmap, pos/8, (pos+n+7)/8)
	}
	out := make([]byte, (n+7)/8)
	for i := range n {
		if bit(bitmap, pos+i) {
			out[i>>3] |= 1 << (i & 7)
		}
	}
	return out
}

// rebase is the offsets of n values, counted from 0, and what they span.
func rebase[O offset](d arrow.ArrayData, pos, n int) (offsets []byte, from, to int) {
	if n == 0 {
		return make([]byte, 8), 0, 0
	}
	src, err := words[O](d, 1, pos, n+1)
	if err != nil {
		panic(err)
	}
	from, to = int(src[0]), int(src[n])
	if from == 0 {
		return bytesOf(src), from, to
	}
	out := make([]O, n+1)
	for i := range out {
		out[i] = src[i] - src[0]
	}
	return bytesOf(out), from, to
}
