package cqltype

import (
	"fmt"
	"strings"
)

// Definition is what a keyspace says about a user-defined type: the names of its parts and their types, in order.
type Definition struct{ Names, Types []string }

// Bounds of a type: far beyond what tables have, so that definitions that contain each other end in an error.
const (
	maxDepth = 32
	maxParts = 4096
	maxText  = 1 << 16
)

// Parse reads a type as system_schema writes it. definitions are the user-defined types of its keyspace, by name. Vectors and custom types are
// parsed, but have no encoder.
func Parse(text string, definitions map[string]Definition) (Type, error) {
	p := parser{text: text, definitions: definitions}
	t, err := p.whole(text, 0)
	if err != nil {
		return Type{}, fmt.Errorf("CQL type %.200q: %w", text, err)
	}
	return t, nil
}

type parser struct {
	text        string
	at          int
	parts       int
	definitions map[string]Definition
}

// whole parses a text of its own: all of it, or the definition of a part.
func (p *parser) whole(text string, depth int) (Type, error) {
	if len(text) > maxText {
		return Type{}, fmt.Errorf("is longer than %d bytes", maxText)
	}
	outer, at := p.text, p.at
	p.text, p.at = text, 0
	defer func() { p.text, p.at = outer, at }()
	t, err := p.one(depth)
	if err == nil && p.at < len(p.text) {
		err = fmt.Errorf("%.20q follows behind its end", p.text[p.at:])
	}
	return t, err
}

// one parses the type that begins here.
func (p *parser) one(depth int) (Type, error) {
	if p.parts++; depth > maxDepth || p.parts > maxParts {
		return Type{}, fmt.Errorf("is deeper than %d types or has more than %d parts", maxDepth, maxParts)
	}
	p.space()
	start := p.at
	name, quoted, err := p.name()
	switch {
	case err != nil:
		return Type{}, err
	case quoted == '\'':
		return Type{ID: Custom, Name: p.text[start:p.at]}, nil
	case quoted == 0:
		if t, ok, err := p.native(strings.ToLower(name), start, depth); ok || err != nil {
			return t, err
		}
	}
	return p.defined(name, depth)
}

var natives = func() map[string]ID {
	m := map[string]ID{"varchar": Text}
	for id := ASCII; id <= Varint; id++ {
		m[id.String()] = id
	}
	return m
}()

// native parses what stands behind the name of a type that CQL itself has.
func (p *parser) native(name string, start, depth int) (t Type, ok bool, err error) {
	if id, ok := natives[name]; ok {
		return Type{ID: id}, true, nil
	}
	want := 0
	switch name {
	case "frozen":
		of, err := p.arguments(depth)
		if err == nil && len(of) != 1 {
			err = fmt.Errorf("frozen<> has %d types, not one", len(of))
		}
		if err != nil {
			return t, true, err
		}
		of[0].Frozen = of[0].ID >= List && of[0].ID <= UDT && of[0].ID != Tuple
		return of[0], true, nil
	case "vector":
		return p.vector(start)
	case "list":
		t.ID, want = List, 1
	case "set":
		t.ID, want = Set, 1
	case "map":
		t.ID, want = Map, 2
	case "tuple":
		t.ID = Tuple
	default:
		return t, false, nil
	}
	t.Of, err = p.arguments(depth)
	if err == nil && want > 0 && len(t.Of) != want {
		err = fmt.Errorf("%s<> has %d types, not %d", name, len(t.Of), want)
	}
	return t, true, err
}

// vector skips <element, length>: nothing here reads vectors.
func (p *parser) vector(start int) (Type, bool, error) {
	open := 0
	for ; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '<':
			open++
		case '>':
			if open--; open == 0 {
				p.at++
				return Type{ID: Vector, Name: p.text[start:p.at]}, true, nil
			}
		}
	}
	return Type{}, true, fmt.Errorf("vector<> does not end")
}

// arguments parses <type, …>.
func (p *parser) arguments(depth int) (of []Type, err error) {
	if !p.take('<') {
		return nil, fmt.Errorf("< is missing at byte %d", p.at)
	}
	for {
		t, err := p.one(depth + 1)
		if err != nil {
			return nil, err
		}
		of = append(of, t)
		switch {
		case p.take(','):
		case p.take('>'):
			return of, nil
		default:
			return nil, fmt.Errorf("> is missing at byte %d", p.at)
		}
	}
}

// defined resolves a user-defined type.
func (p *parser) defined(name string, depth int) (Type, error) {
	d, ok := p.definitions[name]
	if !ok || len(d.Names) != len(d.Types) || len(d.Names) == 0 {
		return Type{}, fmt.Errorf("its keyspace has no type %q", name)
	}
	t := Type{ID: UDT, Name: name, Parts: d.Names}
	for i, text := range d.Types {
		part, err := p.whole(text, depth+1)
		if err != nil {
			return Type{}, fmt.Errorf("type %s, part %s: %w", Quote(name), Quote(d.Names[i]), err)
		}
		t.Of = append(t.Of, part)
	}
	return t, nil
}

// name takes an identifier, which may be in quotes of either kind.
func (p *parser) name() (name string, quoted byte, err error) {
	start := p.at
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		quoted = p.text[p.at]
		for p.at++; p.at < len(p.text); p.at++ {
			if p.text[p.at] != quoted {
				continue
			}
			if p.at++; p.at == len(p.text) || p.text[p.at] != quoted {
				q := string(quoted)
				return strings.ReplaceAll(p.text[start+1:p.at-1], q+q, q), quoted, nil
			}
		}
		return "", 0, fmt.Errorf("a quote does not end")
	}
	for p.at < len(p.text) && !strings.ContainsRune("<>, \"'", rune(p.text[p.at])) {
		p.at++
	}
	if p.at == start {
		return "", 0, fmt.Errorf("a name is missing at byte %d", start)
	}
	return p.text[start:p.at], 0, nil
}

func (p *parser) space() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// take skips spaces and c, if it is there.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}
