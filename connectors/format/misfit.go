package format

import (
	"strconv"
	"strings"
)

// misfit says why a value does not fit into a field. It becomes the reason of a bad record.
type misfit struct {
	path string // of the field: a.b, a[3], a["key"]; empty is the whole record
	what string // `: "cheap" is not a number`, " is missing"
}

func (m *misfit) Error() string {
	if m.path == "" {
		return "the record" + m.what
	}
	return "field " + strconv.Quote(m.path) + m.what
}

// within puts the field that m is part of in front of its path.
func within(name string, err error) error {
	m, ok := err.(*misfit)
	if !ok || name == "" {
		return err
	}
	if m.path == "" || m.path[0] == '[' {
		return &misfit{name + m.path, m.what}
	}
	return &misfit{name + "." + m.path, m.what}
}

// bad is the misfit of a token. Its path begins with n's own name.
func (n *node) bad(t token, what string) error {
	if t.quoted {
		return &misfit{"", ": " + strconv.Quote(excerpt(t.text)) + what}
	}
	return &misfit{"", ": " + excerpt(t.text) + what}
}

func excerpt(b []byte) string {
	const most = 60
	if len(b) <= most {
		return string(b)
	}
	return strings.ToValidUTF8(string(b[:most]), "") + "…"
}

func missing() error { return &misfit{"", " is missing"} }

func null() error { return &misfit{"", " is null, which only a pointer can be"} }
