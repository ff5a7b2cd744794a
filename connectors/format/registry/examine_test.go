package registry

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

func TestExamine(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	examine := func() dstream.Finding {
		t.Helper()
		open, err := open(t, url.Values{"registry": {s.URL}})
		if err != nil {
			t.Fatal(err)
		}
		found := open().(dstream.Examined).Examine(t.Context())
		if len(found) != 1 || !strings.HasPrefix(found[0].Subject, "schema registry "+s.URL) {
			t.Fatalf("found %+v", found)
		}
		return found[0]
	}
	for _, c := range []struct {
		status int
		want   dstream.Severity
		text   string
	}{
		{http.StatusOK, dstream.Fine, "answers in "}, {http.StatusNotFound, dstream.Fine, "answers in "}, {http.StatusMethodNotAllowed, dstream.Fine, "answers in "},
		{http.StatusUnauthorized, dstream.Broken, "check the user and password"}, {http.StatusBadGateway, dstream.Broken, "answers 502 Bad Gateway"},
	} {
		status = c.status
		if f := examine(); f.Severity != c.want || !strings.Contains(f.Text, c.text) || (f.Remedy == "") != (c.want == dstream.Fine) {
			t.Errorf("%d: found %+v", c.status, f)
		}
	}
	s.Close()
	if f := examine(); f.Severity != dstream.Broken || !strings.Contains(f.Text, "connection refused") {
		t.Errorf("away: found %+v", f)
	}
}
