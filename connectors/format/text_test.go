package format

import (
	"fmt"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		file string
		rows []string
		bad  []string
	}{
		{"", nil, nil},
		{"\n\na\r\n", []string{"", "", "a"}, nil},
		{"a", []string{"a"}, nil},
		{"\ufeffa\nb", []string{"a", "b"}, nil},
		{"a\n\ufeffb\n\ufeff", []string{"a"}, []string{"2: begins with a byte order mark", "7: begins with"}},
		{"a\x00\nb\xffc\nd\n", []string{"d"}, []string{"0: has a NUL byte at byte 1", "3: is not valid UTF-8 at byte 1"}},
		{strings.Repeat("x", 21) + "\ny\n" + strings.Repeat("z", 20), []string{"y", strings.Repeat("z", 20)}, []string{`0: longer than 20 bytes; the parameter max_record allows more: "` + strings.Repeat("x", 20) + `"`}},
		{"tab\there \x7f Grüße\n", []string{"tab\there \x7f Grüße"}, nil},
	} {
		got := decode[string](t, decoder[string](t, "format=text&max_record=20"), c.file)
		if fmt.Sprintf("%q", got.rows) != fmt.Sprintf("%q", c.rows) {
			t.Errorf("%q: %q, want %q", c.file, got.rows, c.rows)
		}
		checkReasons(t, c.file, got.bad, c.bad)
	}
	type line struct{ Line userID }
	got := decode[line](t, decoder[line](t, "format=text"), "a\nb\n")
	if fmt.Sprint(got.rows) != "[{a} {b}]" {
		t.Error(got)
	}
	for rec, want := range map[string]string{"": "[]", "a\r\n": "[a]", "a\nb": "[a\nb]"} {
		if got := decodeRecord[string](t, decoder[string](t, "format=text"), rec); fmt.Sprint(got.rows) != want {
			t.Errorf("%q: %v", rec, got)
		}
	}
}
