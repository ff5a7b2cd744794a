package protobuf

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// TestRegistry: records of a registry's schema, which imports another one, say which message of it they are.
func TestRegistry(t *testing.T) {
	answers := map[string]any{
		"/schemas/ids/1": map[string]any{"schemaType": "PROTOBUF",
			"schema": `syntax = "proto3"; package ads; import "geo/point.proto"; import "google/protobuf/wrappers.proto";
				message Click { int64 a = 1; geo.Point p = 2; } message View { message Within { sint64 a = 1; } string x = 1; }`,
			"references": []map[string]any{{"name": "geo/point.proto", "subject": "points", "version": 3}}},
		"/subjects/points/versions/3": map[string]any{"schemaType": "PROTOBUF", "schema": `syntax = "proto3"; package geo; message Point { double lat = 1; }`},
		"/schemas/ids/2":              map[string]any{"schemaType": "PROTOBUF", "schema": `syntax = "proto3"; import "gone.proto";`},
		"/schemas/ids/3":              map[string]any{"schemaType": "PROTOBUF", "schema": `syntax = "proto3";`},
		"/schemas/ids/4":              map[string]any{"schema": `"long"`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(answers[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	for _, c := range []struct {
		message string
		id      uint32
		rec     string
		want    int64
		reason  string
	}{
		{"", 1, "\x00\x08\x07", 7, ""},
		{"", 1, "\x00", 0, ""},
		{"", 1, "\x02\x00\x08\x07\x12\x00", 7, ""}, // the first in full
		{"", 1, "\x04\x02\x00\x08\x07", -4, ""},
		{"", 1, "\x02\x02\x0a\x01x", 0, `schema id 1: field "a" is not in the message ads.View`},
		{"", 1, "\x02\x08", 0, "is message [4] of its schema, which has no such"},
		{"", 1, "\x02\x01", 0, "is message [-1] of its schema"},
		{"", 1, "\x80", 0, "does not say which message"},
		{"", 1, "", 0, "does not say which message"},
		{"", 1, "\x7e\x00", 0, "does not say which message"},
		{"ads.View.Within", 1, "\x04\x02\x00\x08\x07", -4, ""},
		{"ads.View.Within", 1, "\x00\x08\x07", 0, "is a message ads.Click, not the ads.View.Within of the parameter message"},
		{"", 2, "\x00", 0, "gone.proto"},
		{"", 3, "\x00", 0, "the schema has no message"},
		{"", 4, "\x00", 0, "schema id 4 is a schema of type AVRO, not PROTOBUF: use format=avro"},
	} {
		rows, err := codec.Of[col[int64]]()
		if err != nil {
			t.Fatal(err)
		}
		q := url.Values{"format": {"protobuf"}, "registry": {s.URL}, "message": {c.message}}
		open, err := Open(dstream.Endpoint{Name: "ads", URL: &url.URL{Scheme: "kafka", Host: "b", RawQuery: q.Encode()}, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		got, reason := one[col[int64]](t, open(), append(binary.BigEndian.AppendUint32([]byte{0}, c.id), c.rec...))
		if got.A != c.want || (reason == "") != (c.reason == "") || !strings.Contains(reason, c.reason) {
			t.Errorf("%d %q: %v %q, want %d %q", c.id, c.rec, got, reason, c.want, c.reason)
		}
	}
}

// TestFileBehindHeader: with a file and a registry the header and the index are passed over.
func TestFileBehindHeader(t *testing.T) {
	d := decoder[col[int64]](t, `syntax = "proto3"; message A { int64 a = 1; } message B { string b = 1; }`, "registry", "http://127.0.0.1:1", "message", "A")
	for _, rec := range []string{"\x00\x00\x00\x00\x09\x00\x08\x07", "\x00\x00\x00\x00\x09\x02\x02\x08\x07"} {
		if got, reason := one[col[int64]](t, d, []byte(rec)); got.A != 7 || reason != "" {
			t.Errorf("%q: %v %q", rec, got, reason)
		}
	}
	if _, reason := one[col[int64]](t, d, []byte("\x00\x00\x00\x00\x09")); !strings.Contains(reason, "does not say which message") {
		t.Error(reason)
	}
}
