package files

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

func endpoint[T any](t testing.TB, u string) dstream.Endpoint {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return dstream.Endpoint{Name: "x", URL: parsed, Rows: c}
}

func put(t testing.TB, dir, name, content string) {
	t.Helper()
	tmp := filepath.Join(dir, "."+name)
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// jsonRow is the row that a sink's reader finds.
type jsonRow struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	N    int64  `json:"n"`
}

func jsonInput(parameters string) conformance.Input[conformance.Row] {
	in := conformance.Input[conformance.Row]{
		Prepare: func(t testing.TB, dir string) {
			var b strings.Builder
			for i := range 130 {
				r := conformance.NewRow(i)
				line, _ := json.Marshal(jsonRow{r.ID, r.Text, r.N})
				b.Write(append(line, '\n'))
				if i%50 == 7 {
					b.WriteString("{\"id\": \"bad\"\n\n")
				}
				if i%40 == 39 || i == 129 {
					put(t, dir, fmt.Sprintf("part-%03d.ndjson", i), strings.TrimSuffix(b.String(), "\n"))
					b.Reset()
				}
			}
			put(t, dir, "empty.ndjson", "")
			put(t, dir, "other.txt", "no row")
			put(t, dir, "half.ndjson.tmp", "no row")
			put(t, dir, "_hidden.ndjson", "no row")
		},
		Open: func(dir string) (dstream.Connector, error) {
			return openSource(endpoint[conformance.Row](&testing.T{}, "files://"+dir+"?pattern=*.ndjson&format=json"+parameters))
		},
		Bad: 3,
	}
	for i := range 130 {
		in.Rows = append(in.Rows, conformance.NewRow(i))
	}
	return in
}

func TestBoundedConformance(t *testing.T) {
	conformance.Source(t, jsonInput("&bounded=true&split=700"))
}

func TestEndlessConformance(t *testing.T) {
	in := jsonInput("")
	in.Endless = true
	conformance.Source(t, in)
}

func TestCSVConformance(t *testing.T) {
	in := conformance.Input[conformance.Row]{
		Prepare: func(t testing.TB, dir string) {
			b := "n,more,id,text\r\n"
			for i := range 60 {
				b += fmt.Sprintf("%d,\"a\nb \"\"x\"\"\",row-%d,\"line 1\nline \"\"%d\"\"\"\n", i, i, i)
				if i%20 == 3 {
					b += "1,\"x\"y,\"broken\n"
				}
			}
			put(t, dir, "a.csv", b)
		},
		Open: func(dir string) (dstream.Connector, error) {
			return openSource(endpoint[conformance.Row](&testing.T{}, "files:"+dir+"/a.csv?split=100"))
		},
		Bad:   3,
		Slack: 0,
	}
	for i := range 60 {
		in.Rows = append(in.Rows, conformance.Row{ID: fmt.Sprintf("row-%d", i), Text: fmt.Sprintf("line 1\nline \"%d\"", i), N: int64(i)})
	}
	conformance.Source(t, in)
}

// manifested reads the rows of the files that manifests list, as a reader of the sink does.
func manifested(dir string) ([]conformance.Row, error) {
	names, err := filepath.Glob(filepath.Join(dir, manifests, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []conformance.Row
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var m Manifest
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, err
		}
		for _, e := range m.Files {
			rows, err := entryRows(dir, e)
			if err != nil {
				return nil, err
			}
			out = append(out, rows...)
		}
	}
	return out, nil
}

func entryRows(dir string, e Entry) ([]conformance.Row, error) {
	f, err := os.Open(filepath.Join(dir, e.Name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []conformance.Row
	var size int64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r jsonRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		out = append(out, conformance.Row(r))
		size += int64(len(lines.Bytes())) + 1
	}
	if int64(len(out)) != e.Rows || size != e.Size {
		return nil, fmt.Errorf("file %s has %d rows and %d bytes, the manifest says %d and %d", e.Name, len(out), size, e.Rows, e.Size)
	}
	return out, nil
}

func TestSinkConformance(t *testing.T) {
	conformance.Sink(t, conformance.Outlet[conformance.Row]{
		Open: func(dir string) (dstream.RecordSink, error) {
			return openSink(endpoint[conformance.Row](&testing.T{}, "files:"+dir+"?format=json"))
		},
		Row: conformance.NewRow, Read: manifested,
	})
}

func TestKinds(t *testing.T) {
	for _, f := range []string{"json", "csv", "text"} {
		t.Run(f, func(t *testing.T) {
			conformance.Kinds(t, func(dir string, c *codec.Codec) (dstream.RecordSink, error) {
				e := endpoint[int](t, "files:"+dir+"?format="+f)
				e.Rows = c
				return openSink(e)
			})
		})
	}
}
