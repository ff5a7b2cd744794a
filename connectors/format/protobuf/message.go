package protobuf

import (
	"slices"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/rdd/codec"
	"google.golang.org/protobuf/encoding/protowire"
)

type (
	// An op decodes a value that stands at b[i:], behind its tag, into the value at v, and returns where it ends.
	op func(b []byte, i int, v unsafe.Pointer) (end int, err error)
	// A whole decodes a value that is all of b.
	whole func(b []byte, v unsafe.Pointer) error
)

// message decodes the messages of one type into structs. It is immutable.
type message struct {
	fields  []*field // of low numbers, by number
	others  map[protowire.Number]*field
	last    []*field // what there is to do at the end of a message, in the order of the struct
	spans   int      // of fields whose bytes are gathered
	tracked int      // fields of which it matters whether they are there
}

// field is a field of a message that the row wants, or one that makes another one absent.
type field struct {
	number protowire.Number
	name   string
	offset uintptr
	to     *codec.Field // nil: it is not wanted

	wire   protowire.Type
	one    op    // a value of that wire type, at once; nil if values are gathered
	packed whole // many of them in one value of bytes; nil if there cannot be
	late   whole // what was gathered: of messages, which are merged, or of arrays

	span     int                          // of what is gathered, else -1
	joined   int                          // of tracked: what was gathered is of several values
	complete func([]byte) error           // an error unless a gathered value is whole by itself
	bit      int                          // of tracked, else -1
	prefix   bool                         // gather with the length in front, as elements
	absent   func(v unsafe.Pointer) error // instead of a value; nil: zero is right
	rivals   []*field                     // the wanted ones of the oneof that it is a member of
}

// lowNumbers is how many fields are found without a map.
const lowNumbers = 256

func (m *message) add(n protowire.Number, f *field) {
	if n >= lowNumbers {
		if m.others == nil {
			m.others = map[protowire.Number]*field{}
		}
		m.others[n] = f
		return
	}
	if int(n) >= len(m.fields) {
		m.fields = append(m.fields, make([]*field, int(n)+1-len(m.fields))...)
	}
	m.fields[n] = f
}

func (m *message) find(n protowire.Number) *field {
	if int(n) < len(m.fields) {
		return m.fields[n]
	}
	if m.others == nil {
		return nil
	}
	return m.others[n]
}

// frame is what decoding one message has to remember.
type frame struct {
	spans [][]byte // gathered; nil = absent
	seen  []uint64 // a bit for each tracked field
}

// decode implements whole.
func (m *message) decode(b []byte, v unsafe.Pointer) error {
	var spans [8][]byte
	var seen [2]uint64
	fr := frame{spans[:], seen[:]}
	if m.spans > len(spans) {
		fr.spans = make([][]byte, m.spans)
	}
	if m.tracked > 64*len(seen) {
		fr.seen = make([]uint64, (m.tracked+63)/64)
	}
	for i := 0; i < len(b); {
		n, t, at, err := tag(b, i)
		if err != nil {
			return err
		}
		f := m.find(n)
		if f == nil || f.wire != t && (t != protowire.BytesType || f.packed == nil) {
			i, err = skip(b, at, n, t)
		} else {
			i, err = f.value(&fr, b, at, t, v)
		}
		if err != nil {
			if f != nil {
				err = slot.Within(f.name, err)
			}
			return err
		}
	}
	return m.finish(&fr, v)
}

// value takes one value of f, behind its tag.
func (f *field) value(fr *frame, b []byte, i int, t protowire.Type, v unsafe.Pointer) (int, error) {
	for _, r := range f.rivals {
		r.forget(fr, v)
	}
	if f.to == nil {
		return skip(b, i, f.number, t)
	}
	if f.bit >= 0 {
		fr.seen[f.bit/64] |= 1 << (f.bit % 64)
	}
	switch {
	case f.span >= 0:
		return f.gather(fr, b, i, t)
	case t != f.wire:
		lo, hi, err := bytesAt(b, i)
		if err != nil {
			return i, err
		}
		return hi, f.packed(b[lo:hi], unsafe.Add(v, f.offset))
	}
	return f.one(b, i, unsafe.Add(v, f.offset))
}

// gather keeps the bytes of a value for the end of the message. The bytes of a message that comes in several values are those of
// the values one behind the other: that is how they merge.
func (f *field) gather(fr *frame, b []byte, i int, t protowire.Type) (int, error) {
	lo, hi := i, 0
	var err error
	if t == protowire.BytesType {
		if lo, hi, err = bytesAt(b, i); f.prefix && t == f.wire {
			lo = i
		}
	} else {
		hi, err = skip(b, i, f.number, t)
	}
	if err != nil {
		return i, err
	}
	have := fr.spans[f.span]
	if have == nil {
		fr.spans[f.span] = b[lo:hi:hi] // an append copies
		return hi, nil
	}
	// Each has to be whole by itself: two halves of a value must not become one.
	if !fr.has(f.joined) {
		fr.seen[f.joined/64] |= 1 << (f.joined % 64)
		err = f.complete(have)
	}
	if err == nil {
		err = f.complete(b[lo:hi])
	}
	fr.spans[f.span] = append(have, b[lo:hi]...)
	return hi, err
}

func (fr *frame) has(bit int) bool { return fr.seen[bit/64]&(1<<(bit%64)) != 0 }

// forget makes f absent, since another member of its oneof came behind it.
func (f *field) forget(fr *frame, v unsafe.Pointer) {
	if !fr.has(f.bit) {
		return
	}
	fr.seen[f.bit/64] &^= 1 << (f.bit % 64)
	if f.span >= 0 {
		fr.spans[f.span] = nil
		fr.seen[f.joined/64] &^= 1 << (f.joined % 64)
		return
	}
	slot.Clear(f.to, unsafe.Add(v, f.offset))
}

// finish decodes what was gathered and does what there is to do for what was absent.
func (m *message) finish(fr *frame, v unsafe.Pointer) (err error) {
	for _, f := range m.last {
		switch {
		case f.span >= 0 && fr.spans[f.span] != nil:
			err = f.late(fr.spans[f.span], unsafe.Add(v, f.offset))
		case f.absent != nil && (f.bit < 0 || !fr.has(f.bit)):
			err = f.absent(unsafe.Add(v, f.offset))
		}
		if err != nil {
			return slot.Within(f.name, err)
		}
	}
	return nil
}

// sortLast puts what is done last into the order of the struct, so that of several reasons the first is given.
func (m *message) sortLast() {
	slices.SortFunc(m.last, func(a, b *field) int { return int(a.offset) - int(b.offset) })
}
