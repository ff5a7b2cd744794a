package format

import (
	"bytes"
	"fmt"
)

// maxDepth is how deep arrays and objects may be nested: what encoding/json allows.
const maxDepth = 10_000

// lexer walks over the JSON of one record, by the grammar of RFC 8259 to the letter.
type lexer struct {
	b     []byte
	i     int
	depth int
}

// space skips white space.
func (x *lexer) space() {
	for x.i < len(x.b) {
		switch x.b[x.i] {
		case ' ', '\t', '\n', '\r':
			x.i++
		default:
			return
		}
	}
}

// peek is the next byte that is not white space, 0 at the end.
func (x *lexer) peek() byte {
	x.space()
	if x.i < len(x.b) {
		return x.b[x.i]
	}
	return 0
}

func (x *lexer) unexpected() error {
	if x.i >= len(x.b) {
		return fmt.Errorf("is not JSON: it ends too early, at byte %d", len(x.b))
	}
	return fmt.Errorf("is not JSON: unexpected %q at byte %d", x.b[x.i], x.i)
}

// value takes any value.
func (x *lexer) value() error {
	switch c := x.peek(); c {
	case '{':
		return x.object(func(_, _, _, _ int) error { return nil })
	case '[':
		return x.array(func(_, _ int) error { return nil })
	case '"':
		return x.text()
	case 't':
		return x.word("true")
	case 'f':
		return x.word("false")
	case 'n':
		return x.word("null")
	}
	n := numberLen(x.b[x.i:])
	if n == 0 {
		return x.unexpected()
	}
	x.i += n
	return nil
}

func (x *lexer) word(w string) error {
	if !bytes.HasPrefix(x.b[x.i:], []byte(w)) {
		return x.unexpected()
	}
	x.i += len(w)
	return nil
}

// text takes a string.
func (x *lexer) text() error {
	x.i++
	for x.i < len(x.b) {
		switch c := x.b[x.i]; {
		case c == '"':
			x.i++
			return nil
		case c < 0x20:
			return x.unexpected()
		case c == '\\':
			if err := x.escape(); err != nil {
				return err
			}
		default:
			x.i++
		}
	}
	return x.unexpected()
}

func (x *lexer) escape() error {
	x.i++
	if x.i >= len(x.b) {
		return x.unexpected()
	}
	if bytes.IndexByte([]byte(`"\/bfnrt`), x.b[x.i]) >= 0 {
		x.i++
		return nil
	}
	if x.b[x.i] != 'u' {
		return x.unexpected()
	}
	x.i++
	for range 4 {
		if x.i >= len(x.b) || hexOf(x.b[x.i]) < 0 {
			return x.unexpected()
		}
		x.i++
	}
	return nil
}

// object takes an object and tells where each member stands: the key with its quotes, the value without white space.
func (x *lexer) object(member func(keyLo, keyHi, lo, hi int) error) error {
	return x.sequence('}', func() error {
		if x.peek() != '"' {
			return x.unexpected()
		}
		keyLo := x.i
		if err := x.text(); err != nil {
			return err
		}
		keyHi := x.i
		if x.peek() != ':' {
			return x.unexpected()
		}
		x.i++
		lo, hi, err := x.span()
		if err != nil {
			return err
		}
		return member(keyLo, keyHi, lo, hi)
	})
}

// array takes an array and tells where each element stands.
func (x *lexer) array(element func(lo, hi int) error) error {
	return x.sequence(']', func() error {
		lo, hi, err := x.span()
		if err != nil {
			return err
		}
		return element(lo, hi)
	})
}

// sequence takes items with commas between them, from the opening bracket to end.
func (x *lexer) sequence(end byte, item func() error) error {
	if x.depth++; x.depth > maxDepth {
		return fmt.Errorf("is nested deeper than %d", maxDepth)
	}
	x.i++
	for more := x.peek() != end; more; {
		if err := item(); err != nil {
			return err
		}
		switch x.peek() {
		case ',':
			x.i++
		case end:
			more = false
		default:
			return x.unexpected()
		}
	}
	x.i++
	x.depth--
	return nil
}

// span takes a value and tells where it stands.
func (x *lexer) span() (lo, hi int, err error) {
	x.space()
	lo = x.i
	err = x.value()
	return lo, x.i, err
}

// whole takes one value with nothing but white space around it and tells where it stands.
func (x *lexer) whole() (lo, hi int, err error) {
	if lo, hi, err = x.span(); err == nil {
		err = x.end()
	}
	return lo, hi, err
}

// end is an error unless nothing but white space is left.
func (x *lexer) end() error {
	if x.peek(); x.i < len(x.b) {
		return fmt.Errorf("has something behind its end: %q at byte %d", x.b[x.i], x.i)
	}
	return nil
}
