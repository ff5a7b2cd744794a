package format

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// endpoint is one with rows of T and the URL's parameters.
func endpoint[T any](t testing.TB, rawURL string) dstream.Endpoint {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return dstream.Endpoint{Name: "test", URL: u, Rows: c}
}

func decoder[T any](t testing.TB, params string) Decoder {
	t.Helper()
	open, err := Open(endpoint[T](t, "files:./dir?"+params))
	if err != nil {
		t.Fatal(err)
	}
	return open()
}

// outcome is what became of records: rows, and bad records as "position: reason: bytes".
type outcome[T any] struct {
	rows    []T
	bad     []string
	records int64
}

// reader returns a reader whose rows and rejections go to out. Its chunks are small, so that many are emitted.
func reader[T any](t testing.TB, out *outcome[T]) *dstream.Reader {
	t.Helper()
	b, err := rdd.NewBuilder[T](3, func(c rdd.Chunk) bool {
		out.rows = append(out.rows, c.(*rdd.Rows[rdd.None, T]).Vals...)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return &dstream.Reader{Builder: b, Reject: func(b dstream.BadRecord) error {
		out.bad = append(out.bad, fmt.Sprintf("%s: %s: %q", b.Position, b.Reason, b.Bytes))
		return nil
	}}
}

// decode decodes a file of which so many more bytes arrive before each call, and the rest before the last.
func decode[T any](t testing.TB, d Decoder, file string, cuts ...int) outcome[T] {
	t.Helper()
	var out outcome[T]
	to := reader(t, &out)
	done, have := 0, 0
	for last := false; !last; {
		if last = len(cuts) == 0; last {
			have = len(file)
		} else {
			have, cuts = min(have+cuts[0], len(file)), cuts[1:] // what was not taken comes again
		}
		buf := []byte(file[done:have])
		n, records, err := d.Decode(buf, last, func(off int) string { return fmt.Sprint(done + off) }, to)
		if err != nil {
			t.Fatal(err)
		}
		if n < 0 || n > len(buf) || last && n != len(buf) {
			t.Fatalf("took %d of %d bytes, last=%v", n, len(buf), last)
		}
		done += n
		out.records += records
	}
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := int64(len(out.rows) + len(out.bad)); got != out.records {
		t.Fatalf("%d records, but %d delivered and %d rejected", out.records, len(out.rows), len(out.bad))
	}
	return out
}

// decodeRecord decodes one record that came alone.
func decodeRecord[T any](t testing.TB, d Decoder, rec string) outcome[T] {
	t.Helper()
	var out outcome[T]
	to := reader(t, &out)
	if err := d.DecodeRecord([]byte(rec), "p", to); err != nil {
		t.Fatal(err)
	}
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(out.rows)+len(out.bad) != 1 {
		t.Fatalf("%q: %d rows and %d rejections", rec, len(out.rows), len(out.bad))
	}
	return out
}

func TestOpenErrors(t *testing.T) {
	type row struct{ A string }
	for params, want := range map[string]string{
		"format=xml":                  "json, csv and text are",
		"format=json&sep=tab":         "parameter sep is not known with format=json: valid are format, max_record, time, ended",
		"tiem=ms":                     "parameter tiem is not known",
		"format=json&time=m":          "time=m: want s, ms, us or ns",
		"format=csv&sep=ab":           "sep=ab: want one of",
		"format=csv&header=yes":       "header=yes: want true or false",
		"max_record=0":                "max_record=0: want a number of bytes",
		"max_record=257MiB":           "from 1 to 256MiB",
		"max_record=-1":               "want a number",
		"max_record=9999999999999MiB": "want a number",
		"format=csv&sep=;":            "write %3B for ;",
		"time=ms&time=s":              "given 2 times",
	} {
		_, err := Open(endpoint[struct{ A, B string }](t, "files:./dir?"+params), "ended")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", params, err, want)
		}
	}
	if _, err := Open(endpoint[struct{ A, B string }](t, "files:./a.txt")); err == nil {
		t.Error("text of two strings opened")
	}
	if _, err := Open(endpoint[row](t, "files:./dir?ended=true&format=csv&sep=tab&header=false&time=ns&max_record=2MiB"), "ended"); err != nil {
		t.Error(err)
	}
}

func TestDefaultFormat(t *testing.T) {
	type two struct{ A, B string }
	for _, c := range []struct {
		e    dstream.Endpoint
		want string
	}{
		{endpoint[two](t, "files:./ads"), "json"},
		{endpoint[string](t, "files:./ads"), "text"},
		{endpoint[struct{ Line string }](t, "socket://127.0.0.1:1"), "text"},
		{endpoint[two](t, "files:./campaigns.csv"), "csv"},
		{endpoint[two](t, "files:///x/campaigns.CSV"), "csv"},
		{endpoint[string](t, "files:///x/words.ndjson"), "json"},
		{endpoint[string](t, "files:///x/words.ndjson?format=text"), "text"},
	} {
		if o, err := parse(c.e, nil); err != nil || o.format != c.want {
			t.Errorf("%s of %s: %s %v, want %s", c.e.URL, c.e.Rows.Type, o.format, err, c.want)
		}
	}
}
