package param

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestErr(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"n=3&d=5ms&b=true&f=1.5&t=2026-01-01T00:00:00Z&o=b&s=x", ""},
		{"rosw=5", `unknown parameter "rosw"; known are b, d, f, n, o, rows, s, t; did you mean rows?`},
		{"n=0", "n=0: want a whole number from 1 to 9"},
		{"n=x", "want a whole number"},
		{"n=1&n=2", "given 2 times"},
		{"d=5", "with its unit"},
		{"d=-1s", "at least 0s"},
		{"b=yes", "true or false"},
		{"f=NaN", "a number from 0 to 2"},
		{"t=today", "a time like"},
		{"o=c", "one of a, b"},
		{"a;b", "cannot be read"},
	} {
		p := Of(parse(t, "x://y?"+c.query))
		p.String("s", "")
		p.String("rows", "")
		p.OneOf("o", "a", "b")
		p.Int("n", 1, 1, 9)
		p.Float("f", 1, 0, 2)
		p.Bool("b", false)
		p.Duration("d", time.Second, 0)
		p.Time("t", time.Time{})
		err := p.Err()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.query, err, c.want)
		}
	}
	if err := Of(parse(t, "x://y?z=1")).Err(); err == nil || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("got %v", err)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"files:///var/in", "/var/in"},
		{"files:///var/in/", "/var/in"},
		{"files:data/in", "data/in"},
		{"files:../in?format=json", "../in"},
		{"files://./data/in", "data/in"},
		{"files://data/in", "data/in"},
		{"files:a%20b", "a b"},
		{"files:///a%20b", "/a b"},
		{"files://", ""},
		{"files://u@h/x", ""},
	} {
		got, err := Path(parse(t, c.url))
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.url, got, err, c.want)
		}
	}
}
