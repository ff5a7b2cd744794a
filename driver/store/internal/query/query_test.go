package query

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParams(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"on=true&n=5&wait=2s&kind=b&name=x", ""},
		{"on=yes", "true or false"},
		{"n=11", "a number from 1 to 10"},
		{"wait=0s", "a duration like"},
		{"kind=c", "one of a, b"},
		{"n=1&n=2", "once"},
		{"wiat=1s", `unknown parameter "wiat"; known are kind, n, name, on, wait; did you mean wait?`},
		{"quite_other=1", "known are kind, n, name, on, wait"},
		{"%zz=1", "cannot be read"},
	} {
		p := Of(&url.URL{RawQuery: c.query})
		on, n, wait, kind, name := p.Bool("on"), p.Int("n", 3, 1, 10), p.Duration("wait", time.Second), p.OneOf("kind", "a", "b"), p.String("name")
		err := p.Err()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.query, err, c.want)
		}
		if c.query == "" && (on || n != 3 || wait != time.Second || kind != "a" || name != "") {
			t.Errorf("defaults: %v %v %v %v %q", on, n, wait, kind, name)
		}
	}
}
