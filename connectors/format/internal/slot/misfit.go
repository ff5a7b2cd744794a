package slot

import (
	"strconv"
	"strings"
)

// Misfit says why a value does not fit into a field, or why its bytes are none. It becomes the reason of a bad record.
type Misfit struct {
	Path string // of the field: a.b, a[3], a["key"]; empty is the whole record
	What string // `: "cheap" is not a number`, " is missing"
}

// Error says what of a record does not fit where.
func (m *Misfit) Error() string {
	if m.Path == "" {
		return "the record" + m.What
	}
	return "field " + strconv.Quote(m.Path) + m.What
}

// Within puts the name of the field that err, a Misfit, is part of in front of its path. Other errors stay as they are.
func Within(name string, err error) error {
	m, ok := err.(*Misfit)
	if !ok || name == "" {
		return err
	}
	if m.Path == "" || m.Path[0] == '[' {
		return &Misfit{name + m.Path, m.What}
	}
	return &Misfit{name + "." + m.Path, m.What}
}

// WithinItem is Within for element i of a list.
func WithinItem(i int, err error) error { return Within("["+strconv.Itoa(i)+"]", err) }

// WithinEntry is Within for a map's value, where the key is text, or for the key itself.
func WithinEntry(key string, err error) error {
	return Within("["+strconv.Quote(excerpt(key))+"]", err)
}

// Bad is the Misfit of a value that is shown as text.
func Bad(text, what string) error { return &Misfit{"", ": " + excerpt(text) + what} }

// BadText is the Misfit of a value that is text itself.
func BadText(text []byte, what string) error {
	return &Misfit{"", ": " + strconv.Quote(excerpt(string(text))) + what}
}

// Missing is the Misfit of a field whose value is not there.
func Missing() error { return &Misfit{"", " is missing"} }

// Null is the Misfit of a null in a field that cannot be null.
func Null() error { return &Misfit{"", " is null, which only a pointer can be"} }

func excerpt(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
