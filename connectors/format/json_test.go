package format

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

var errStop = errors.New("stop")

type click struct {
	ID    string    `col:"id"`
	Price float64   `col:"price"`
	Count int8      `col:"count"`
	At    time.Time `col:"at"`
	Note  *string   `col:"note"`
	Geo   struct {
		Lat float64 `col:"lat"`
		Tag []string
	} `col:"geo"`
}

const goodClick = `{"id": "a", "price": 1.5, "count": 7, "at": 1700000000123, "geo": {"lat": 2, "Tag": ["x"]}}`

// TestJSONReasons: a bad record says what is wrong with it, whatever came before it.
func TestJSONReasons(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"price": 1.5, `, ``, `field "price" is missing`},
		{`1.5`, `"cheap"`, `field "price": "cheap" is not a number`},
		{`1.5`, `null`, `field "price" is null, which only a pointer can be`},
		{`1.5`, `1e999`, `field "price": 1e999 is out of the range of float64`},
		{`1.5`, `true`, `field "price": true is not a number`},
		{`"a"`, `5`, `field "id": 5 is not a string`},
		{`7`, `128`, `field "count": 128 is out of the range of int8`},
		{`7`, `7.0`, `field "count": 7.0 is not a whole number`},
		{`7`, `{}`, `field "count": {} is not a whole number`},
		{`1700000000123`, `"soon"`, `field "at": "soon" is neither a time of RFC 3339 nor a whole number of ms since 1970`},
		{`1700000000123`, `9999999999999999`, `field "at": 9999999999999999 ms since 1970 is out of the range of times`},
		{`"lat": 2, `, ``, `field "geo.lat" is missing`},
		{`{"lat": 2, "Tag": ["x"]}`, `[]`, `field "geo": [] is not an object`},
		{`["x"]`, `["x", 3]`, `field "geo.Tag[1]": 3 is not a string`},
		{`["x"]`, `"x"`, `field "geo.Tag": "x" is not an array`},
		{`"a"`, `"` + strings.Repeat("y", 70) + `", "id": 1`, `field "id": 1 is not a string`},
		{goodClick, `[1]`, `the record: [1] is not an object`},
		{goodClick, `null`, `the record is null`},
		{`}}`, `}`, `is not JSON: it ends too early, at byte 91`},
		{`}}`, `}}}`, `has something behind its end: '}' at byte 91`},
		{`1.5`, `01.5`, `is not JSON: unexpected '0' at byte 21`},
		{`1.5`, `1.5 2`, `is not JSON: unexpected '2' at byte 25`},
		{`a"`, "a\x00\"", `is not JSON: unexpected '\x00' at byte 9`},
		{`a"`, "a\xff\"", `is not valid UTF-8 at byte 9`},
		{goodClick, "\ufeff" + goodClick, `is not JSON: unexpected`},
		{`["x"]`, strings.Repeat("[", maxDepth) + `]`, `is nested deeper than 10000`},
		{`"a"`, `"` + strings.Repeat("z", 100_000) + `"`, `longer than 50000 bytes; the parameter max_record allows more`},
	} {
		bad := strings.Replace(goodClick, c.from, c.to, 1)
		if bad == goodClick {
			t.Fatalf("%q is not in the record", c.from)
		}
		file := goodClick + "\n" + bad + "\r\n" + goodClick + "\n" + goodClick
		got := decode[click](t, decoder[click](t, "format=json&max_record=50000"), file)
		checkReasons(t, c.to, got.bad, []string{fmt.Sprint(len(goodClick)+1) + ": " + c.want})
		if len(got.rows) != 3 || got.rows[2].ID != "a" || got.rows[2].Geo.Lat != 2 || got.rows[2].Note != nil {
			t.Errorf("%s: %+v", c.to, got.rows)
		}
	}
}

func TestJSONFraming(t *testing.T) {
	for file, want := range map[string]string{
		"":                            "[] []",
		"\ufeff1\n2":                  "[1 2] []",
		"\ufeff":                      "[] []",
		"\n \t\r\n1\r\n\r\n":          "[1] []",
		"1\n\ufeff2\n":                `[1] [2: is not JSON: unexpected 'ï' at byte 0: "\ufeff2"]`,
		" 1 \n\t2\t\r\n":              "[1 2] []",
		"1 2\n":                       `[] [0: has something behind its end: '2' at byte 2: "1 2"]`,
		"12345678901\n1\n":            `[1] [0: longer than 10 bytes; the parameter max_record allows more: "1234567890"]`,
		"1234567890\n12345678901":     `[1234567890] [11: longer than 10 bytes; the parameter max_record allows more: "1234567890"]`,
		"1234567890\r\n 123456789\n":  `[123456789] [0: longer than 10 bytes; the parameter max_record allows more: "1234567890"]`,
		"null\n":                      `[] [0: the record is null, which only a pointer can be: "null"]`,
		"\"\\u0031\"\n\"1\"\n\"x\"\n": `[1 1] [13: the record: "x" is not a whole number: "\"x\""]`,
	} {
		got := decode[int64](t, decoder[int64](t, "format=json&max_record=10"), file)
		if s := fmt.Sprint(got.rows, got.bad); s != want {
			t.Errorf("%q: %s, want %s", file, s, want)
		}
	}
	for rec, want := range map[string]string{
		"1": "[1] []", "1\n": "[1] []", "\n 1\n": "[1] []", "1\n2": "has something behind its end", "": "it ends too early, at byte 0", "12345678901": "longer than 10",
	} {
		got := decodeRecord[int64](t, decoder[int64](t, "format=json&max_record=10"), rec)
		if s := fmt.Sprint(got.rows, got.bad); !strings.Contains(s, want) {
			t.Errorf("%q: %s, want %s", rec, s, want)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)
	for _, c := range []struct {
		unit, value string
		want        time.Time
	}{
		{"s", `1700000000`, at}, {"ms", `"1700000000000"`, at}, {"us", `1700000000000000`, at},
		{"ns", `1700000000000000999`, at}, {"ns", `"-1"`, time.UnixMicro(-1).UTC()},
		{"s", `"2023-11-14T22:13:20Z"`, at}, {"ms", `"2023-11-15T00:13:20.000000999+02:00"`, at},
		{"ms", `0`, time.Unix(0, 0).UTC()}, {"ms", `-62135596800000`, time.Time{}},
	} {
		rec := c.value + "\n"
		got := decode[time.Time](t, decoder[time.Time](t, "format=json&time="+c.unit), rec+rec)
		if len(got.rows) != 2 || got.rows[0] != c.want || got.rows[1] != c.want {
			t.Errorf("%s in %s: %v, want %v", c.value, c.unit, got, c.want)
		}
	}
	for _, value := range []string{`9223372036855`, `-9223372036855`, `99999999999999999999`, `1.5`, `"2023-11-14"`, `"2023-11-14T22:13:20"`, `""`} {
		if got := decode[time.Time](t, decoder[time.Time](t, "format=json&time=s"), value); len(got.bad) != 1 {
			t.Errorf("%s s: %v", value, got)
		}
	}
}

// TestJSONArray: an array of a fixed length takes just so many elements.
func TestJSONArray(t *testing.T) {
	got := decode[[2]int16](t, decoder[[2]int16](t, "format=json"), "[1,2]\n[1]\n[1,2,3]\n[1,null]\n[]\n")
	if fmt.Sprint(got.rows) != "[[1 2]]" {
		t.Error(got.rows)
	}
	checkReasons(t, "arrays", got.bad, []string{"the record has 1 elements, not 2", "has 3 elements, not 2", `field "[1]" is null`, "has 0 elements"})
}

// TestJSONAllocates: records of a known shape cost no allocation, nor do records out of the ordinary whose text is not escaped.
func TestJSONAllocates(t *testing.T) {
	file := adEvents(1000)
	for name, file := range map[string][]byte{
		"known": file,
		"odd":   []byte(strings.ReplaceAll(string(file), `"ip_address": "1.2.3.4"`, `"ip_address": "1\u002e2.3.4"`)),
	} {
		d := decoder[adEvent](t, "format=json")
		to := drop[adEvent](t)
		allocs := testing.AllocsPerRun(10, func() {
			if _, n, err := d.Decode(file, true, func(int) string { return "" }, to); n != 1000 || err != nil {
				t.Fatal(n, err)
			}
		})
		if allocs > 2 {
			t.Errorf("%s: %v allocations for 1,000 records", name, allocs)
		}
	}
}

// TestLayouts: an odd record now and then does not make a decoder forget the common shape.
func TestLayouts(t *testing.T) {
	d := decoder[click](t, "format=json").(*ndjson)
	flat := func(extra string) string {
		return `{"id": "a", "price": 1.5, "count": 7, "at": 1700000000123, "geo": {"lat": 2, "Tag": []}` + extra + "}\n"
	}
	type narrow struct {
		ID string `col:"id"`
	}
	n := decoder[narrow](t, "format=json").(*ndjson)
	var file strings.Builder
	for i := range 50 {
		file.WriteString(flat(""))
		file.WriteString(flat(`, "x` + fmt.Sprint(i) + `": 1`))
		file.WriteString(flat(""))
	}
	if got := decode[narrow](t, n, file.String()); len(got.rows) != 150 {
		t.Fatal(got)
	}
	if len(n.layouts.known) != mostLayouts || !strings.HasSuffix(n.layouts.known[0].slots[4].after.text, `"Tag": []}}`) {
		t.Errorf("the common shape is not first of %d", len(n.layouts.known))
	}
	if got := decode[click](t, d, file.String()); len(got.rows) != 150 || len(d.layouts.known) != 0 {
		t.Errorf("%d rows; a slice in a layout: %v", len(got.rows), d.layouts.known)
	}
}

// TestJSONOverlongAsLast: a record that is too long is so also where its shape is known.
func TestJSONOverlongAsLast(t *testing.T) {
	type narrow struct{ A string }
	fits, long := `{"A":"`+strings.Repeat("x", 12)+`"}`, `{"A":"`+strings.Repeat("x", 13)+`"}`
	for _, end := range []string{"\n", "\r\n"} {
		file := strings.Repeat(`{"A":"x"}`+"\n", 3) + fits + "\n" + long + end + fits + "\r\n"
		got := decode[narrow](t, decoder[narrow](t, "format=json&max_record=20"), file)
		if len(got.rows) != 4 || len(got.bad) != 2 {
			t.Errorf("%d rows, rejected %q", len(got.rows), got.bad)
		}
	}
}

// What the consumer of the rows says is returned as it is, and nothing is counted twice.
func TestErrorsOfReader(t *testing.T) {
	var out outcome[int64]
	to := reader(t, &out)
	to.Reject = func(dstream.BadRecord) error { return errStop }
	for params, file := range map[string]string{"format=json": "1\nx\n2\n", "format=csv&header=false": "1\nx\n2\n"} {
		n, records, err := decoder[int64](t, params).Decode([]byte(file), true, func(int) string { return "" }, to)
		if err != errStop || records != 2 || n != 4 {
			t.Errorf("%s: %d bytes, %d records, %v", params, n, records, err)
		}
	}
}
