package format

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

type sale struct {
	Key   string `col:"key,partition"`
	Count int64
	Note  *string
	At    time.Time
	Tags  []string
}

func sales() []sale {
	note := ""
	return []sale{
		{"a\"b", 1, nil, time.Unix(0, 0), nil},
		{"\xff,\n", -2, &note, time.UnixMicro(1_700_000_000_123_456), []string{"x", "\u00e9"}},
	}
}

func encode[T any](t *testing.T, params string, rows []T, deleted []bool) (string, error) {
	t.Helper()
	e := endpoint[T](t, "files:./dir?"+params)
	enc, err := OpenEncoder(e)
	if err != nil {
		t.Fatal(err)
	}
	var rec arrow.Record
	if rec, err = codec.Encode(e.Rows, rows); err != nil {
		t.Fatal(err)
	}
	out, err := enc.Append(enc.Header([]byte("> ")), rec, deleted)
	return string(out), err
}

func TestEncode(t *testing.T) {
	for params, want := range map[string]string{
		"format=json": `> {"key":"a\"b","Count":1,"Note":null,"At":"1970-01-01T00:00:00Z","Tags":[]}` + "\n" +
			`{"key":"�,\n","Count":-2,"Note":"","At":"2023-11-14T22:13:20.123456Z","Tags":["x","é"],"_deleted":true}` + "\n",
	} {
		if got, err := encode(t, params, sales(), []bool{false, true}); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", params, err, got, want)
		}
	}
	want := "> key,Count,Note,At,Tags\n\"a\"\"b\",1,,1970-01-01T00:00:00Z,[]\n" +
		"\"�,\n\",-2,\"\",2023-11-14T22:13:20.123456Z,\"[\"\"x\"\",\"\"é\"\"]\"\n"
	if got, err := encode(t, "format=csv", sales(), []bool{false, false}); err != nil || got != want {
		t.Errorf("csv: %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestEncodeErrors(t *testing.T) {
	for _, c := range []struct {
		params string
		rows   []sale
		gone   []bool
		want   string
	}{
		{"format=csv", sales(), []bool{false, true}, "row 1 is deleted, which CSV cannot say"},
		{"format=json", []sale{{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}, nil, `column "At": row 0: the year 10000 cannot be written`},
	} {
		got, err := encode(t, c.params, c.rows, c.gone)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q %v, want %s", c.params, got, err, c.want)
		}
	}
	if _, err := encode(t, "format=text", []string{"a\nb"}, nil); err == nil || !strings.Contains(err.Error(), "line end") {
		t.Error(err)
	}
	if _, err := encode(t, "format=json", []string{"a"}, []bool{true}); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Error(err)
	}
	if _, err := OpenEncoder(endpoint[sale](t, "files:./dir?format=text")); err == nil {
		t.Error("an encoder of text for many columns")
	}
	if _, err := OpenEncoder(endpoint[struct{ A *int64 }](t, "files:./dir?format=csv")); err == nil || !strings.Contains(err.Error(), "empty line") {
		t.Error(err)
	}
}

// A dead letter can be any bytes, and none may break its file.
func TestEncodeAnyBytes(t *testing.T) {
	type letter struct {
		Reason string
		Bytes  []byte
	}
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	for _, params := range []string{"format=json", "format=csv"} {
		got := roundTrip(t, params, []letter{{string(all[1:]), all}})
		if len(got.rows) != 1 || string(got.rows[0].Bytes) != string(all) {
			t.Errorf("%s: %q %q", params, got.rows, got.bad)
		}
	}
}
