package avro

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd/codec"

	"github.com/tidemill/tidemill/dstream"
)

// TestRegistry: records of several schemas of a registry, one of them with a reference, become rows of one type.
func TestRegistry(t *testing.T) {
	type row struct {
		ID  int64   `col:"id"`
		Geo *point  `col:"geo"`
		Old *string `col:"old"`
	}
	answers := map[string]any{
		"/schemas/ids/1": map[string]any{"schema": `{"type": "record", "name": "Ad", "namespace": "x", "fields": [{"name": "old", "type": "string"}, {"name": "id", "type": "int"}]}`},
		"/schemas/ids/2": map[string]any{"schemaType": "AVRO",
			"schema":     `{"type": "record", "name": "Ad", "namespace": "x", "fields": [{"name": "id", "type": "long"}, {"name": "geo", "type": "x.geo.Point"}]}`,
			"references": []map[string]any{{"name": "x.geo.Point", "subject": "points", "version": 3}}},
		"/subjects/points/versions/3": map[string]any{"schema": `{"type": "record", "name": "Point", "namespace": "x.geo", "fields": [{"name": "lat", "type": "double"}]}`},
		"/schemas/ids/3":              map[string]any{"schema": `{"type": "record", "name": "Other", "fields": [{"name": "name", "type": "string"}]}`},
		"/schemas/ids/4":              map[string]any{"schema": `{"type": "record"}`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(answers[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	c, err := codec.Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "kafka", Host: "b", RawQuery: url.Values{"format": {"avro"}, "registry": {s.URL}}.Encode()}
	open, err := Open(dstream.Endpoint{Name: "ads", URL: u, Rows: c})
	if err != nil {
		t.Fatal(err)
	}
	d := open()
	decode := func(id uint32, rec string) (row, string) {
		return one[row](t, d, append(binary.BigEndian.AppendUint32([]byte{0}, id), rec...))
	}
	if got, reason := decode(1, "\x02o\x0e"); reason != "" || got.ID != 7 || *got.Old != "o" || got.Geo != nil {
		t.Errorf("%+v %q", got, reason)
	}
	if got, reason := decode(2, "\x0e\x00\x00\x00\x00\x00\x00\xf8\x3f"); reason != "" || got.ID != 7 || got.Old != nil || *got.Geo != (point{1.5}) {
		t.Errorf("%+v %q", got, reason)
	}
	for range 2 {
		if _, reason := decode(3, "\x02x"); reason != `schema id 3: field "id" is not in the schema` {
			t.Error(reason)
		}
	}
	if _, reason := decode(4, "\x02x"); !strings.Contains(reason, "schema id 4: is no Avro schema") {
		t.Error(reason)
	}
}

type point struct {
	Lat float64 `col:"lat"`
}
