package status

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	return ask(h, "GET", "127.0.0.1:4040", path)
}

func ask(h http.Handler, method, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	b, c := adsBoard(23)
	b.SetRunning(&report.Batch{Job: "ads", Batch: 24, Time: epoch.Add(24 * time.Second), Outcome: report.Running})
	c.forward(40 * time.Millisecond)
	h := guard(routes(b))
	golden(t, "index.html", get(h, "/").Body.String())
	golden(t, "older.html", get(h, "/?n=2&before=10").Body.String())
	golden(t, "batch.html", get(h, "/batches/23").Body.String())
	golden(t, "running.html", get(h, "/batches/24").Body.String())
	golden(t, "job.json", get(h, "/api/v1/job").Body.String())
	golden(t, "batches_page.json", get(h, "/api/v1/batches?n=2&before=4").Body.String())
	golden(t, "one.json", get(h, "/api/v1/batches/23").Body.String())
	golden(t, "metrics.txt", get(h, "/metrics").Body.String())
	b.Put(broken(24))
	golden(t, "index_failed.html", get(h, "/").Body.String())
	golden(t, "batch_failed.html", get(h, "/batches/24").Body.String())
	golden(t, "index_empty.html", get(guard(routes(NewBoard(Options{Now: c.Now}))), "/").Body.String())
}

// A page that failed says so first, escapes what it quotes, and stands still to be read.
func TestFailedPage(t *testing.T) {
	b, _ := adsBoard(23)
	b.Put(broken(24))
	for _, path := range []string{"/", "/batches/24"} {
		page := get(routes(b), path).Body.String()
		if strings.Contains(page, "<script") {
			t.Errorf("%s has a script", path)
		}
		if strings.Contains(page, "http-equiv") {
			t.Errorf("%s reloads under the reader", path)
		}
		if failed, tables := strings.Index(page, "sent 401,000 rows"), strings.Index(page, "<table"); failed < 0 || failed > tables {
			t.Errorf("%s: the error is at %d, the first table at %d", path, failed, tables)
		}
		if !strings.Contains(page, `<tr class="bad"><td class="text">exchange</td>`) {
			t.Errorf("%s: the edge that differs is not red", path)
		}
	}
}

// The policy allows neither styles nor scripts in the page, so there must be none.
func TestNothingInline(t *testing.T) {
	b, _ := adsBoard(3)
	b.Put(broken(4))
	for _, path := range []string{"/", "/batches/3", "/batches/4", "/batches/9"} {
		page := strings.ToLower(get(routes(b), path).Body.String())
		for _, bad := range []string{"<style", "style=", "<script", "onload=", "onclick=", "javascript:", "http://", "https://"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
	}
}

var paths = map[string]int{
	"/": 200, "/?n=1": 200, "/?n=1000&before=2": 200, "/?refresh=off": 200, "/?unknown=1": 200, "/style.css": 200, "/icon.svg": 200,
	"/batches/1": 200, "/api/v1/batches": 200, "/api/v1/batches/3": 200, "/api/v1/job": 200, "/metrics": 200,
	"/?n=0": 400, "/?n=1001": 400, "/?n=-1": 400, "/?n=99999999999999999999": 400, "/?n=x": 400, "/?before=0": 400, "/?before=-5": 400,
	"/?refresh=1": 400, "/?n=%zz": 400, "/?n=1;before=2": 400, "/api/v1/batches?n=1001": 400, "/api/v1/batches?before=x": 400,
	"/batches/x": 400, "/batches/-1": 400, "/api/v1/batches/x": 400, "/api/v1/batches/99999999999999999999": 400,
	"/batches/4": 404, "/api/v1/batches/4": 404, "/batches": 404, "/batches/": 404, "/api": 404, "/api/v1/batches/": 404, "/favicon.ico": 404,
	"/debug/pprof/": 404, "/debug/vars": 404, "/page/index.html": 404, "/index.html": 404, "/style.css/x": 404,
}

// Every route with every method: only GET and HEAD are answered, nothing else changes that, and every answer is armed.
func TestRoutesAndMethods(t *testing.T) {
	b, _ := adsBoard(3)
	h := guard(routes(b))
	for path, want := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
			w, code := ask(h, method, "localhost:4040", path), want
			if method != "GET" && method != "HEAD" {
				code = http.StatusMethodNotAllowed
				if w.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: Allow is %q", method, path, w.Header().Get("Allow"))
				}
			}
			if w.Code != code {
				t.Errorf("%s %s: %d, want %d: %s", method, path, w.Code, code, w.Body)
			}
			for name := range security {
				if w.Header().Get(name) == "" {
					t.Errorf("%s %s: no %s", method, path, name)
				}
			}
			if w.Header().Get("Content-Type") == "" {
				t.Errorf("%s %s: no type", method, path)
			}
		}
	}
}

func TestHosts(t *testing.T) {
	b, _ := adsBoard(1)
	h := guard(routes(b))
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:4040": true, "LOCALHOST:1": true, "127.0.0.1": true, "127.0.0.1:4040": true, "127.9.9.9:80": true,
		"[::1]": true, "[::1]:4040": true, "[::ffff:127.0.0.1]:4040": true,
		"": false, "evil.example": false, "evil.example:4040": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"evil.localhost": false, "localhost.": false, "localhost@evil.example": false, "evil.example#localhost": false, " localhost": false,
		"127.1": false, "2130706433": false, "0x7f.0.0.1": false, "0177.0.0.1": false, "0.0.0.0": false, "[::]": false, "10.0.0.1": false,
		"[::1%lo]:4040": false, "[::1": false, "::1]": false, "[localhost]": false, "127.0.0.1:4040:4040": false, "localhost:http": false,
		"localhost:80,evil.example": false, "localhost\x00": false, "169.254.169.254": false,
	} {
		w := ask(h, "GET", host, "/api/v1/job")
		if (w.Code == http.StatusOK) != ok || !ok && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("Host %q: %d, want it served: %t", host, w.Code, ok)
		}
		if !ok && strings.Contains(w.Body.String(), "ads") {
			t.Errorf("Host %q learns about the job: %s", host, w.Body)
		}
	}
}

// Following the links leads through all batches once.
func TestPagesOfBatches(t *testing.T) {
	b, _ := adsBoard(10)
	seen, path := int64(11), "/api/v1/batches?n=3"
	for path != "" {
		w := get(routes(b), path)
		var batches []report.Batch
		if err := json.Unmarshal(w.Body.Bytes(), &batches); err != nil {
			t.Fatal(err)
		}
		for _, one := range batches {
			if one.Batch != seen-1 {
				t.Fatalf("batch %d follows %d", one.Batch, seen)
			}
			seen = one.Batch
		}
		path, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	if seen != 1 {
		t.Errorf("the links end at batch %d, want 1", seen)
	}
}

func TestTooManyRequests(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{})
	h := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-hold }))
	done := make(chan struct{})
	for range maxRequests {
		go func() { get(h, "/"); done <- struct{}{} }()
		<-begun
	}
	if w := get(h, "/"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d, want 503 with Retry-After", w.Code)
	}
	close(hold)
	for range maxRequests {
		<-done
	}
	go func() { <-begun }()
	if w := get(h, "/"); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d, want 200", w.Code)
	}
}

func FuzzQuery(f *testing.F) {
	for path := range paths {
		_, query, _ := strings.Cut(path, "?")
		f.Add(query)
	}
	b, _ := adsBoard(5)
	h := guard(routes(b))
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, 7)
		if err == nil && (q.n < 1 || q.n > maxBatches || q.before < 0) {
			t.Fatalf("%q is taken as %+v", raw, q)
		}
		want := http.StatusOK
		if err != nil {
			want = http.StatusBadRequest
		}
		for _, path := range []string{"/", "/api/v1/batches"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host, r.URL.RawQuery = "localhost", raw
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Fatalf("%s?%s: %d, want %d", path, raw, w.Code, want)
			}
			if !json.Valid(w.Body.Bytes()) && path != "/" {
				t.Fatalf("%s?%s: not JSON: %s", path, raw, w.Body)
			}
		}
	})
}
