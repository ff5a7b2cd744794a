package format

import (
	"bytes"
	"errors"
	"math/bits"

	"github.com/tidemill/tidemill/rdd/codec"
)

// layouts are the shapes of records that a decoder keeps in mind. A new shape takes the place of the last; each record that
// fits moves its shape one forward. So an odd record now and then never displaces a shape that others have.
type layouts struct {
	known   []*layout
	misses  int    // records in a row that fit no layout
	escapes finder // of backslashes
}

const (
	mostLayouts = 4
	mostSlots   = 256 // of a layout; larger records take the general way,
	deepest     = 16  // and so do those that are nested deeper
)

// find returns the layout that the record at b[from:] fits, and where the record ends.
func (ls *layouts) find(b []byte, from int) (*layout, int) {
	for i, l := range ls.known {
		end := l.match(b, from)
		if end == 0 || ls.escapes.in(b, from, end, '\\') || !l.proves(b[from:end]) {
			continue
		}
		ls.misses = 0
		if i > 0 {
			ls.known[i-1], ls.known[i] = l, ls.known[i-1]
		}
		return l, end
	}
	return nil, 0
}

// learn takes note of the shape of a good record that fit no layout. The more records of new shapes came in a row, the more
// rarely it looks: where no two records are alike, learning is in vain.
func (ls *layouts) learn(root *node, rec []byte) {
	ls.misses++
	if bits.OnesCount(uint(ls.misses)) > 1 || bytes.IndexByte(rec, '\\') >= 0 {
		return
	}
	l, ok := layoutOf(root, rec)
	switch {
	case !ok:
	case len(ls.known) < mostLayouts:
		ls.known = append(ls.known, l)
	default:
		ls.known[mostLayouts-1] = l
	}
}

var errNoLayout = errors.New("this record has no layout")

// layoutOf is the layout of a valid record without a backslash. False: it has none, since it has a field twice, or one
// that is a slice, a map or a pointer to a struct.
func layoutOf(root *node, rec []byte) (*layout, bool) {
	if classOf(bytes.TrimRight(rec, "\r")) == control {
		return nil, false
	}
	s := surveyor{rec: rec, l: &layout{}}
	x := lexer{b: rec}
	lo, hi, err := x.whole()
	if err != nil || !s.value(root, 0, lo, hi) {
		return nil, false
	}
	s.literal(hi)
	return s.l, true
}

// surveyor measures out the layout of a record.
type surveyor struct {
	rec   []byte
	done  int // how much of rec is in the layout
	depth int // of nesting
	l     *layout
}

// literal ends the literal at hand before rec[end].
func (s *surveyor) literal(end int) {
	text := string(s.rec[s.done:end])
	if n := len(s.l.slots); n > 0 {
		s.l.slots[n-1].after = newLiteral(text)
	} else {
		s.l.first = newLiteral(text)
	}
	s.l.quotes += bytes.Count([]byte(text), quote)
	s.done = end
}

// slot puts a slot where the value at rec[lo:hi] is.
func (s *surveyor) slot(n *node, offset uintptr, lo, hi int) {
	v := slot{quoted: s.rec[lo] == '"', guess: unguessed, to: n, offset: offset}
	if v.quoted {
		lo, hi = lo+1, hi-1
	}
	if n != nil {
		s.l.set = append(s.l.set, len(s.l.slots))
		v.string = n.kind == codec.String && v.quoted && !n.nullable
		v.moment = n.kind == codec.Time && !n.nullable
	}
	s.literal(lo)
	s.done = hi
	s.l.slots = append(s.l.slots, v)
}

// value lays out a value for n, which stands at offset in the row; n is nil for what no field takes.
func (s *surveyor) value(n *node, offset uintptr, lo, hi int) bool {
	if n != nil && n.nested() && (n.kind != codec.Struct || n.nullable) {
		return false
	}
	if s.depth > deepest || len(s.l.slots) == mostSlots {
		return false
	}
	s.depth++
	defer func() { s.depth-- }()
	x := lexer{b: s.rec, i: lo}
	switch s.rec[lo] {
	case '{':
		return s.object(n, offset, &x)
	case '[':
		return x.array(func(lo, hi int) error { return s.part(nil, 0, lo, hi) }) == nil
	}
	s.slot(n, offset, lo, hi)
	return true
}

func (s *surveyor) object(n *node, offset uintptr, x *lexer) bool {
	seen := map[int]bool{}
	err := x.object(func(keyLo, keyHi, lo, hi int) error {
		if n == nil {
			return s.part(nil, 0, lo, hi)
		}
		i, ok := n.index[string(unquote(s.rec[keyLo:keyHi]))]
		if !ok {
			return s.part(nil, 0, lo, hi)
		}
		if seen[i] {
			return errNoLayout
		}
		seen[i] = true
		return s.part(n.fields[i], offset+n.fields[i].offset, lo, hi)
	})
	return err == nil
}

// part is value as a lexer's callback.
func (s *surveyor) part(n *node, offset uintptr, lo, hi int) error {
	if !s.value(n, offset, lo, hi) {
		return errNoLayout
	}
	return nil
}
