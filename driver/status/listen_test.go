package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func serve(t *testing.T, addr string) *Server {
	t.Helper()
	b, _ := adsBoard(2)
	s, err := Listen(addr, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw sends bytes and returns the whole answer.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Fatal(err)
	}
	return string(answer)
}

func TestServer(t *testing.T) {
	s := serve(t, "localhost:0")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "<h1>ads</h1>") {
		t.Errorf("%d %v: %s", answer.StatusCode, err, page)
	}
	if s.Moved() {
		t.Errorf("moved to %s from any free port", s.Addr())
	}
}

// What a browser would not send, but somebody else may.
func TestRawRequests(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	for request, want := range map[string]string{
		"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n":                                                            "405",
		"GET http://evil.example/api/v1/job HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":              "421",
		"GET /api/v1/job HTTP/1.0\r\n\r\n":                                                                         "421",
		"GET /api/v1/job HTTP/1.1\r\nConnection: close\r\n\r\n":                                                    "400",
		"GET /api/v1/job HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n":           "400",
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":                                    "200",
		"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":                                          "200",
		"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":                           "307",
		"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\nConnection: close\r\n\r\n": "431",
		"POST /api/v1/job HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n":                          "405",
	} {
		answer := raw(t, s.Addr(), request)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+want) && !strings.HasPrefix(answer, "HTTP/1.0 "+want) {
			t.Errorf("%.80q: %.200q, want %s", request, answer, want)
		}
	}
	head := raw(t, s.Addr(), "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if _, body, _ := strings.Cut(head, "\r\n\r\n"); body != "" {
		t.Errorf("HEAD has a body: %.80q", body)
	}
}

func TestNoServer(t *testing.T) {
	for _, addr := range []string{"", "off"} {
		s, err := Listen(addr, NewBoard(Options{}))
		if err != nil || s != nil {
			t.Errorf("%q: %v, %v", addr, s, err)
		}
		if s.URL() != "" || s.Addr() != "" || s.Moved() || s.Close(context.Background()) != nil {
			t.Errorf("%q: no server, but it says something", addr)
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		":4040": "loopback addresses only", "0.0.0.0:4040": "no login or TLS", "[::]:4040": "use 127.0.0.1:4040", "10.1.2.3:80": "loopback",
		"example.org:80": "loopback", "LOCALHOST.:80": "loopback", "127.0.0.1": "write it like 127.0.0.1:4040", "127.0.0.1:http": "not a number",
		"127.0.0.1:65536": "not a number", "127.0.0.1:-1": "not a number", "4040": "write it like",
	} {
		s, err := Listen(addr, NewBoard(Options{}))
		if err == nil {
			t.Errorf("%q is served at %s", addr, s.Addr())
			_ = s.Close(context.Background())
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", addr, err, want)
		}
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := serve(t, taken.Addr().String())
	if !s.Moved() || s.Addr() == taken.Addr().String() {
		t.Errorf("%s is taken, and the page is at %s, moved: %t", taken.Addr(), s.Addr(), s.Moved())
	}
	port := taken.Addr().(*net.TCPAddr).Port
	if got := s.listen.Addr().(*net.TCPAddr).Port; got <= port || got > port+morePorts {
		t.Errorf("port %d is not one of the next %d after %d", got, morePorts, port)
	}
}

func TestAllPortsTaken(t *testing.T) {
	last, err := net.Listen("tcp", "127.0.0.1:65535") // the only one whose next ten are none
	if err == nil {
		defer last.Close()
	}
	if _, err = Listen("127.0.0.1:65535", NewBoard(Options{})); err == nil || !strings.Contains(err.Error(), "choose another, or off") {
		t.Errorf("got %v, want the ports named", err)
	}
}

// A client that hangs is cut off when the time for closing is over.
func TestCloseCutsOff(t *testing.T) {
	b, _ := adsBoard(1)
	s, err := Listen("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil { // it is served, so the server knows of the connection
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}
