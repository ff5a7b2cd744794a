package format

import (
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

type campaign struct {
	ID     string
	Budget int32
	Note   *string
	Tags   []string
}

func TestCSV(t *testing.T) {
	note := func(s string) *string { return &s }
	for _, c := range []struct {
		name, params, file string
		rows               []campaign
		bad                []string // parts of reasons, in order
	}{
		{"header binds by name", "", "x,Budget,Note,Tags,ID\n1,2,,[],a\n", []campaign{{"a", 2, nil, nil}}, nil},
		{"without header by position", "header=false", "a,2,n,\n", []campaign{{"a", 2, note("n"), nil}}, nil},
		{"no line end", "header=false", "a,2,,", []campaign{{"a", 2, nil, nil}}, nil},
		{"CRLF and empty lines", "header=false", "a,2,,\r\n\r\n\nb,3,,\r\n", []campaign{{"a", 2, nil, nil}, {"b", 3, nil, nil}}, nil},
		{"quotes", "header=false", "\"a,\"\"\r\n\"\"\",\"2\",\"\",\"[\"\"x\"\"]\"\n", []campaign{{"a,\"\r\n\"", 2, note(""), []string{"x"}}}, nil},
		{"separator", "header=false&sep=tab", "a,b\t2\t\t\n", []campaign{{"a,b", 2, nil, nil}}, nil},
		{"a pointer's column may be missing", "", "Budget,ID,Tags\n2,a,\n", []campaign{{"a", 2, nil, nil}}, nil},
		{"too few and too many cells", "header=false", "a,2,\na,2,,,\nb,3,,\n", []campaign{{"b", 3, nil, nil}}, []string{"has 3 cells, not 4", "has 5 cells, not 4"}},
		{"numbers", "header=false", "a,x,,\na,,,\na,2147483648,,\na, 1,,\n", nil, []string{`field "Budget": "x" is not a whole number`, `field "Budget" is empty`, "out of the range of int32", `" 1" is not`}},
		{"misplaced quotes", "header=false", "a\"b,2,,\n\"a\"b,2,,\nc,3,,\n\"d,4,,\n", []campaign{{"c", 3, nil, nil}}, []string{"a cell that does not begin with one", "behind the closing quote", "not closed"}},
		{"JSON in a cell", "header=false", "a,1,,[1]\na,1,,[\na,1,,null\n", nil, []string{`field "Tags[0]": 1 is not a string`, `field "Tags" is not JSON: it ends too early`, `field "Tags" is null`}},
		{"bytes", "header=false", "a\xff,1,,\na\x00,1,,\n\ufeffa,1,,\n", nil, []string{"not valid UTF-8 at byte 1", "NUL byte at byte 1", "byte order mark"}},
		{"header lacks a column", "", "ID,Note,Tags\na,,\nb,,\n", nil, []string{`lacks the column "Budget"; if there is none, say header=false`, `lacks`}},
		{"header has a column twice", "", "ID,ID,Budget,Note,Tags\na,,,,\n", nil, []string{`two columns named "ID"`}},
		{"empty file", "", "", nil, nil},
		{"only a header", "", "ID", nil, nil},
	} {
		got := decode[campaign](t, decoder[campaign](t, "format=csv&"+c.params), c.file)
		if fmt.Sprint(follows(got.rows)) != fmt.Sprint(follows(c.rows)) {
			t.Errorf("%s: %v, want %v", c.name, follows(got.rows), follows(c.rows))
		}
		checkReasons(t, c.name, got.bad, c.bad)
	}
}

func follows[T any](rows []T) (out []any) {
	for _, r := range rows {
		out = append(out, deref(r))
	}
	return out
}

func checkReasons(t *testing.T, name string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) {
			t.Errorf("%s: rejected %q, want %q", name, got, want)
			return
		}
	}
}

func TestCSVHeaderTooLong(t *testing.T) {
	file := "value," + strings.Repeat("x", MaxHeader) + "\na,b\nc,d\n"
	whole := decode[string](t, decoder[string](t, "format=csv"), file)
	checkReasons(t, "whole", whole.bad, []string{"the header of its file is longer than", "the header of its file is longer than"})
	pieces := decode[string](t, decoder[string](t, "format=csv"), file, MaxHeader, 5, MaxHeader)
	if fmt.Sprint(pieces) != fmt.Sprint(whole) {
		t.Errorf("pieces %v", pieces)
	}
	d := decoder[string](t, "format=csv")
	d.Start([]byte(file[:MaxHeader]))
	rest := decode[string](t, d, "c,d\n")
	checkReasons(t, "rest", rest.bad, []string{"the header of its file is longer than"})
}

func TestCSVRecords(t *testing.T) {
	d := decoder[campaign](t, "format=csv")
	for rec, want := range map[string]string{
		"a,2,,": "", "a,2,,\r\n": "", "\"a\n\",2,,\n": "",
		"":               "has 1 cells, not 4",
		"a,2,,\nb,3,,\n": "is more than one record",
		"a,2":            "has 2 cells",
	} {
		got := decodeRecord[campaign](t, d, rec)
		if want == "" != (len(got.rows) == 1) || want != "" && !strings.Contains(got.bad[0], want) {
			t.Errorf("%q: %v, want %q", rec, got, want)
		}
	}
}

// quad is a row of four cells, which says what each record was.
type quad struct{ A, B, C, D string }

// FuzzCSV compares records and their boundaries with those of encoding/csv.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b,c,d\n", "\"a\",b\"b,c,d\r\na,b,c,d\n", "\"a\n\r\n\"\"b\",,,\n\n\r\n,,,", "\"a\"x\n,,,\n\"", ",,,\r", "\"\",\"\",\"\",\"\"\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if !utf8.ValidString(file) || strings.Contains(file, "\x00") || strings.Contains(file, bom) {
			t.Skip("encoding/csv does not look at text")
		}
		got := decode[quad](t, decoder[quad](t, "format=csv&header=false"), file)
		r := stdcsv.NewReader(strings.NewReader(file))
		r.FieldsPerRecord = 4
		row, bad := 0, 0
		for {
			rec, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				bad++
				continue
			}
			if row++; row > len(got.rows) {
				t.Fatalf("%q: %q is missing in %v", file, rec, got)
			}
			// encoding/csv also changes line ends within quotes.
			have := strings.ReplaceAll(fmt.Sprintf("%q", got.rows[row-1]), `\r\n`, `\n`)
			if want := fmt.Sprintf("%q", quad{rec[0], rec[1], rec[2], rec[3]}); have != want {
				t.Fatalf("%q: row %d is %s, want %s", file, row, have, want)
			}
		}
		if row != len(got.rows) || bad != len(got.bad) {
			t.Fatalf("%q: %d rows and %d bad, want %d and %d: %q", file, len(got.rows), len(got.bad), row, bad, got.bad)
		}
	})
}

// TestCSVReturn: \r ends a quoted cell only before the end of the line.
func TestCSVReturn(t *testing.T) {
	got := decode[quad](t, decoder[quad](t, "format=csv&header=false"), "1,2,3,\"4\"\r\n1,2,3,\"4\"\rx\"\n5,6,7,\"8\"\r")
	if fmt.Sprint(got.rows) != "[{1 2 3 4} {5 6 7 8}]" {
		t.Error(got.rows, got.bad)
	}
	checkReasons(t, "return", got.bad, []string{"behind the closing quote"})
}
