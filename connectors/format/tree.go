package format

import (
	"bytes"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// span is where a value stands in a record; hi is 0 if it stands nowhere.
type span struct{ lo, hi int }

// value sets the value of n at v from the JSON at b[lo:hi], which is valid and has no white space around it. v must be zero.
func (n *node) value(v unsafe.Pointer, b []byte, lo, hi int) error {
	if b[lo] == 'n' {
		if n.nullable || n.kind == codec.List || n.kind == codec.Map || n.kind == codec.Bytes {
			return nil
		}
		return null()
	}
	if n.nullable {
		to := reflect.New(n.typ).UnsafePointer()
		if err := n.present(to, b, lo, hi); err != nil {
			return err
		}
		*(*unsafe.Pointer)(v) = to
		return nil
	}
	return n.present(v, b, lo, hi)
}

// present is value for what is not null.
func (n *node) present(v unsafe.Pointer, b []byte, lo, hi int) error {
	c := b[lo]
	switch n.kind {
	case codec.Struct:
		if c != '{' {
			return n.bad(token{text: b[lo:hi]}, " is not an object")
		}
		x := lexer{b: b, i: lo}
		return n.object(v, &x, false)
	case codec.Map:
		if c != '{' {
			return n.bad(token{text: b[lo:hi]}, " is not an object")
		}
		return n.entries(v, b, lo)
	case codec.List, codec.Array:
		if c != '[' {
			return n.bad(token{text: b[lo:hi]}, " is not an array")
		}
		return n.elements(v, b, lo)
	}
	return n.leaf(v, tokenOf(b[lo:hi]))
}

func tokenOf(raw []byte) token {
	if raw[0] == '"' {
		return token{unquote(raw), true}
	}
	return token{raw, false}
}

// object sets the fields of a struct at v from the object at x, behind which nothing may follow if it is alone. Fields are
// set when all members are known, so that of members of one name the last counts.
func (n *node) object(v unsafe.Pointer, x *lexer, alone bool) error {
	var few [24]span
	found := few[:]
	if len(n.fields) > len(few) {
		found = make([]span, len(n.fields))
	}
	err := x.object(func(keyLo, keyHi, lo, hi int) error {
		if i, ok := n.index[string(unquote(x.b[keyLo:keyHi]))]; ok {
			found[i] = span{lo, hi}
		}
		return nil
	})
	if err == nil && alone {
		err = x.end()
	}
	if err != nil {
		return err
	}
	return n.members(v, x.b, found)
}

func (n *node) members(v unsafe.Pointer, b []byte, found []span) error {
	for i, f := range n.fields {
		at := found[i]
		if at.hi == 0 {
			if f.nullable {
				continue
			}
			return within(f.name, missing())
		}
		if err := f.value(unsafe.Add(v, f.offset), b, at.lo, at.hi); err != nil {
			return within(f.name, err)
		}
	}
	return nil
}

// elements sets a slice or an array.
func (n *node) elements(v unsafe.Pointer, b []byte, lo int) error {
	count := 0
	x := lexer{b: b, i: lo}
	if err := x.array(func(int, int) error { count++; return nil }); err != nil {
		return err
	}
	to := reflect.NewAt(n.typ, v).Elem()
	switch {
	case n.kind == codec.Array && count != to.Len():
		return &misfit{"", " has " + strconv.Itoa(count) + " elements, not " + strconv.Itoa(to.Len())}
	case n.kind == codec.List && count == 0:
		return nil
	case n.kind == codec.List:
		to.Set(reflect.MakeSlice(n.typ, count, count))
	}
	i := 0
	x = lexer{b: b, i: lo}
	return x.array(func(lo, hi int) error {
		at := to.Index(i).Addr().UnsafePointer()
		i++
		return within("["+strconv.Itoa(i-1)+"]", n.elem.value(at, b, lo, hi))
	})
}

// entries sets a map. Of equal names the last counts.
func (n *node) entries(v unsafe.Pointer, b []byte, lo int) error {
	var names [][]byte
	last := map[string]span{}
	x := lexer{b: b, i: lo}
	err := x.object(func(keyLo, keyHi, lo, hi int) error {
		name := unquote(b[keyLo:keyHi])
		if _, again := last[string(name)]; !again {
			names = append(names, name)
		}
		last[string(name)] = span{lo, hi}
		return nil
	})
	if err != nil || len(names) == 0 {
		return err
	}
	to := reflect.MakeMapWithSize(n.typ, len(names))
	for _, name := range names {
		if err := n.entry(to, name, b, last[string(name)]); err != nil {
			return err
		}
	}
	reflect.NewAt(n.typ, v).Elem().Set(to)
	return nil
}

func (n *node) entry(to reflect.Value, name, b []byte, at span) error {
	key, value := reflect.New(n.typ.Key()), reflect.New(n.typ.Elem())
	if err := n.key.mapKey(key.UnsafePointer(), name); err != nil {
		return within("[key]", err)
	}
	if err := n.elem.value(value.UnsafePointer(), b, at.lo, at.hi); err != nil {
		return within("["+strconv.Quote(excerpt(name))+"]", err)
	}
	to.SetMapIndex(key.Elem(), value.Elem())
	return nil
}

// mapKey sets the key of a map, which JSON has as a string whatever it is.
func (n *node) mapKey(v unsafe.Pointer, text []byte) error {
	return n.leaf(v, token{text, n.kind != codec.Bool})
}

// unquote returns what a valid string stands for: a part of s itself if nothing is escaped.
func unquote(s []byte) []byte {
	s = s[1 : len(s)-1]
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		out, i = unescape(out, s, i+1)
	}
	return out
}
