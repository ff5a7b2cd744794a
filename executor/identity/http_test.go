package identity_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidemill/tidemill/executor/identity"
)

func TestHTTP(t *testing.T) {
	c, other := newCA(t), newCA(t)
	var logged record
	o := c.issue("drv", identity.Driver)
	o.Log = logged.log()
	drv := load(t, o)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	s := httptest.NewUnstartedServer(drv.HTTP(page, identity.Viewer, identity.Submitter))
	s.TLS = drv.TLSConfig()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	fetch := func(url string, max uint16, certs ...tls.Certificate) (string, error) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certs, MaxVersion: max}}
		defer tr.CloseIdleConnections()
		r, err := (&http.Client{Transport: tr}).Get(url)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return r.Status + " " + string(b), err
	}
	get := func(max uint16, certs ...tls.Certificate) (string, error) { return fetch(s.URL, max, certs...) }
	const v13 = tls.VersionTLS13
	if got, err := get(v13, pair(t, c.issue("eve", identity.Viewer))); got != "200 OK page" {
		t.Error(got, err)
	}
	if got, err := get(v13, pair(t, c.issue("ex-1", identity.Executor))); !contains(got, "403", "ex-1 (executor) asks for GET /, which needs the role viewer or submitter") {
		t.Error(got, err)
	}
	for name, try := range map[string]func() (string, error){
		"none":     func() (string, error) { return get(v13) },
		"wrong CA": func() (string, error) { return get(v13, pair(t, other.issue("eve", identity.Viewer))) },
		"TLS 1.2":  func() (string, error) { return get(tls.VersionTLS12, pair(t, c.issue("eve", identity.Viewer))) },
	} {
		if got, err := try(); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	if !contains(logged.String(), `certificate "eve" is of another CA`) {
		t.Error(&logged)
	}
	if got, err := fetch("http://"+s.Listener.Addr().String(), v13); err == nil && !contains(got, "400") {
		t.Errorf("without TLS: %s", got)
	}
}

func TestHTTPWithoutCertificates(t *testing.T) {
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, k := range []struct {
		name string
		c    *identity.Credentials
		from string
		want int
	}{
		{"here", nil, "127.0.0.1:9", 200},
		{"here", nil, "[::1]:9", 200},
		{"away", nil, "10.1.2.3:9", 403},
		{"nowhere", nil, "x", 403},
		{"insecure", load(t, identity.Options{Insecure: true}), "10.1.2.3:9", 200},
		{"a page that was not put behind TLS", newCA(t).load("drv", identity.Driver), "127.0.0.1:9", 403},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = k.from
		w := httptest.NewRecorder()
		k.c.HTTP(page).ServeHTTP(w, r)
		if w.Code != k.want {
			t.Errorf("%s from %s: %d", k.name, k.from, w.Code)
		}
	}
}
