package codec

import (
	"encoding/binary"
	"iter"
)

// table is a table of a flatbuffer: just enough of the format to look at Arrow's
// metadata before Arrow does. Offsets that lie outside panic, which decodeBody
// turns into an error.
type table struct {
	b   []byte
	pos int
}

func root(b []byte) table { return table{b, int(binary.LittleEndian.Uint32(b))} }

// field is the place of field i, 0 if it is not set.
func (t table) field(i int) int {
	vtable := t.pos - int(int32(binary.LittleEndian.Uint32(t.b[t.pos:])))
	if 4+2*i >= int(binary.LittleEndian.Uint16(t.b[vtable:])) {
		return 0
	}
	at := int(binary.LittleEndian.Uint16(t.b[vtable+4+2*i:]))
	if at == 0 {
		return 0
	}
	return t.pos + at
}

func (t table) byte(i int) byte {
	if at := t.field(i); at != 0 {
		return t.b[at]
	}
	return 0
}

func (t table) int64(i int) int64 {
	if at := t.field(i); at != 0 {
		return int64(binary.LittleEndian.Uint64(t.b[at:]))
	}
	return 0
}

// indirect follows the offset that stands at a place.
func (t table) indirect(at int) int { return at + int(binary.LittleEndian.Uint32(t.b[at:])) }

func (t table) table(i int) (table, bool) {
	at := t.field(i)
	if at == 0 {
		return table{}, false
	}
	return table{t.b, t.indirect(at)}, true
}

// length is the number of elements of the vector, or bytes of the string, in field i.
func (t table) length(i int) int {
	at := t.field(i)
	if at == 0 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(t.b[t.indirect(at):]))
}

// tables is the elements of the vector of tables in field i.
func (t table) tables(i int) iter.Seq[table] {
	return func(yield func(table) bool) {
		n := t.length(i)
		for k := range n {
			at := t.indirect(t.field(i)) + 4 + 4*k
			if !yield(table{t.b, t.indirect(at)}) {
				return
			}
		}
	}
}
