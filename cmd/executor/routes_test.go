package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/driver/status"
)

// TestPage shows that the status page, the only thing here that speaks HTTP, is not to be had beyond loopback, and that packages which put
// routes into the default mux, as pprof does, have put none into it.
func TestPage(t *testing.T) {
	board := status.NewBoard(status.Options{})
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", ":0", "10.0.0.1:0", "192.0.2.1:0", "[fe80::1]:0", "example.com:0"} {
		if s, err := status.Listen(addr, board); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v, %v", addr, s, err)
		}
	}
	s, err := status.Listen("127.0.0.1:0", board)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	for _, path := range []string{"debug/pprof/", "debug/pprof/cmdline", "debug/pprof/heap", "debug/vars", "debug/requests", "debug/events", "api/v1/stop"} {
		r, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("/%s: %s", path, r.Status)
		}
	}
}
