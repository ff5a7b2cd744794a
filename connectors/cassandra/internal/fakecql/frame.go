package fakecql

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Opcodes of the native protocol.
const (
	opError, opStartup, opReady, opAuthenticate, opOptions, opSupported = 0, 1, 2, 3, 5, 6
	opQuery, opResult, opPrepare, opExecute, opRegister, opBatch        = 7, 8, 9, 10, 11, 13
	opAuthResponse, opAuthSuccess                                       = 15, 16
)

const mostFrame = 16 << 20

type frame struct {
	stream uint16
	op     byte
	body   []byte
}

func readFrame(r io.Reader) (frame, error) {
	var h [9]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(h[5:])
	if h[0] != 4 || n > mostFrame {
		return frame{}, errors.New("no frame of version 4")
	}
	f := frame{binary.BigEndian.Uint16(h[2:]), h[4], make([]byte, n)}
	_, err := io.ReadFull(r, f.body)
	return f, err
}

func (f frame) bytes() []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x84, 0}, f.stream)
	b = binary.BigEndian.AppendUint32(append(b, f.op), uint32(len(f.body)))
	return append(b, f.body...)
}

// reader takes what a body has; beyond its end everything is zero.
type reader struct{ b []byte }

func (r *reader) take(n int) []byte {
	n = min(max(n, 0), len(r.b))
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) number(size int) (n int64) {
	for _, c := range r.take(size) {
		n = n<<8 | int64(c)
	}
	return n
}

func (r *reader) short() int   { return int(r.number(2)) }
func (r *reader) text() string { return string(r.take(r.short())) }
func (r *reader) long() string { return string(r.take(int(r.number(4)))) }
func (r *reader) value() operand {
	switch n := int32(r.number(4)); n {
	case -1:
		return operand{state: absent}
	case -2:
		return operand{state: unset}
	default:
		return operand{bytes: append([]byte{}, r.take(int(n))...)}
	}
}

func (r *reader) values() (out []operand) {
	for range r.short() {
		out = append(out, r.value())
	}
	return out
}

// parameters are those of QUERY and EXECUTE.
func (r *reader) parameters() (values []operand, bare bool, ts int64) {
	r.short() // consistency
	flags := r.number(1)
	if flags&1 != 0 {
		values = r.values()
	}
	if flags&4 != 0 {
		r.number(4)
	}
	if flags&8 != 0 {
		r.take(int(r.number(4)))
	}
	if flags&16 != 0 {
		r.short()
	}
	if flags&32 != 0 {
		ts = r.number(8)
	}
	return values, flags&2 != 0, ts
}

type writer struct{ b []byte }

func (w *writer) int(n int)     { w.b = binary.BigEndian.AppendUint32(w.b, uint32(int32(n))) }
func (w *writer) short(n int)   { w.b = binary.BigEndian.AppendUint16(w.b, uint16(n)) }
func (w *writer) text(s string) { w.short(len(s)); w.b = append(w.b, s...) }
func (w *writer) bytes(v []byte) {
	if v == nil {
		w.int(-1)
		return
	}
	w.int(len(v))
	w.b = append(w.b, v...)
}

var options = map[string]int{
	"ascii": 1, "bigint": 2, "blob": 3, "boolean": 4, "counter": 5, "decimal": 6, "double": 7, "float": 8, "int": 9, "timestamp": 11, "uuid": 12,
	"text": 13, "varint": 14, "timeuuid": 15, "inet": 16, "date": 17, "time": 18, "smallint": 19, "tinyint": 20,
}

// option is a type.
func (w *writer) option(typ string) {
	typ = strings.TrimSuffix(strings.TrimPrefix(typ, "frozen<"), strings.Repeat(">", strings.Count(typ, "frozen<")))
	name, of, nested := strings.Cut(strings.TrimSuffix(typ, ">"), "<")
	if !nested {
		w.short(options[name])
		return
	}
	w.short(map[string]int{"list": 32, "map": 33, "set": 34}[name])
	for _, e := range strings.Split(of, ";") {
		w.option(e)
	}
}

func (w *writer) columns(t *table, names []string) {
	w.text(t.keyspace)
	w.text(t.name)
	for _, n := range names {
		w.text(n)
		typ := "int" // of a time to live
		if c, ok := t.column(n); ok {
			typ = c.typ
		}
		w.option(typ)
	}
}

// prepared is the answer to PREPARE.
func prepared(s statement) []byte {
	w := &writer{}
	w.int(4)
	w.text(s.text) // as the ID
	binds := s.binds()
	w.int(1)
	w.int(len(binds))
	w.int(0)
	w.columns(s.table, binds)
	if s.verb != "select" {
		w.int(4)
		w.int(0)
		return w.b
	}
	w.int(1)
	w.int(len(s.columns))
	w.columns(s.table, s.columns)
	return w.b
}

// rows is the answer to a query.
func rows(s statement, found []map[string][]byte, bare bool) []byte {
	w := &writer{}
	w.int(2)
	if bare {
		w.int(4)
		w.int(len(s.columns))
	} else {
		w.int(1)
		w.int(len(s.columns))
		w.columns(s.table, s.columns)
	}
	w.int(len(found))
	for _, r := range found {
		for _, c := range s.columns {
			w.bytes(r[c])
		}
	}
	return w.b
}
