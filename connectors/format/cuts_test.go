package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// cutParams is decoders whose rows must not depend on how a file is cut into buffers. Records are short, so that overlong ones
// occur.
var cutParams = []string{
	"format=json&max_record=40", "format=csv&max_record=40", "format=csv&header=false&max_record=40&sep=%3B", "format=text&max_record=40",
}

// cutSeeds are files for all formats, and lengths of buffers.
var cutSeeds = []struct{ file, cuts string }{
	{"\ufeff{\"value\": 1}\n\"a\"\r\n\n  \n\"b\"", "\x01\x01\x01\x05\x01"},
	{"value\na\n\"b\nc\"\n\"d\"\"e\"\nf\"g\n\"h", "\x03\x01\x01\x09"},
	{"a\rb\r\nc\r", "\x02\x01\x03"},
	{strings.Repeat("x", 41) + "\ny\n" + strings.Repeat("z", 40) + "\r\n" + strings.Repeat("w", 100), "\x28\x01\x01\x28\x28"},
	{"value\n\"" + strings.Repeat("\n,", 50) + "\"\nx\n\"" + strings.Repeat("\"\"", 40) + "\"x\ny", "\x30\x02\x01\x20\x20\x20"},
	{"\xef\xbb", "\x01"}, {"\xef\xbb\xbf\xef\xbb\xbfa\n\xef\xbb\xbfb", "\x01\x01\x01"}, {"value\r\n\"a\"\r\n\"b\"\r", "\x06\x01\x03\x01"},
	{strings.Repeat("\"aaaa\"\n", 5) + "\"a\\na\"\n" + strings.Repeat("\"aaaa\"\n", 5), "\x23\x05\x01\x01\x10"},
	{strings.Repeat("\"a\" ", 30) + "\n\"b\"\n", "\x10\x10\x10\x10\x10\x10\x10\x10"},
}

// FuzzCuts: decoding a file in pieces gives what decoding it at once gives, and each piece is taken only once.
func FuzzCuts(f *testing.F) {
	for _, s := range cutSeeds {
		for format := range cutParams {
			f.Add(s.file, s.cuts, byte(format))
		}
	}
	f.Fuzz(func(t *testing.T, file, cuts string, format byte) {
		params := cutParams[int(format)%len(cutParams)]
		whole := decode[string](t, decoder[string](t, params), file)
		lengths := make([]int, len(cuts))
		for i := range cuts {
			lengths[i] = int(cuts[i])
		}
		pieces := decode[string](t, decoder[string](t, params), file, lengths...)
		if w, p := fmt.Sprintf("%#v", whole), fmt.Sprintf("%#v", pieces); w != p {
			t.Fatalf("%s %q cut at %v:\nwhole  %s\npieces %s", params, file, lengths, w, p)
		}
	})
}

// TestSplit reads a file in two splits, the second by a decoder that begins in the middle.
func TestSplit(t *testing.T) {
	type row struct{ A, B string }
	for params, file := range map[string]string{
		"format=csv":              "\ufeffb,x,a\n1,2,3\n\"4\n\",5,6\n7,8,9\n10,11\n",
		"format=csv&header=false": "1,2\n3,4\n5,6\n",
		"format=json":             "\ufeff{\"A\":\"1\",\"B\":\"2\"}\n{\"A\":\"3\",\"B\":\"4\"}\nx\n{\"A\":\"5\",\"B\":\"6\"}\n",
	} {
		file = strings.Replace(file, "b,x,a", "B,x,A", 1)
		whole := decode[row](t, decoder[row](t, params), file)
		for at := range file {
			if at == 0 || file[at-1] != '\n' || strings.Count(file[:at], `"`)%2 == 1 {
				continue
			}
			d := decoder[row](t, params)
			d.Start(nil)
			first := decode[row](t, d, file[:at])
			d.Start([]byte(file[:at]))
			second := decode[row](t, d, file[at:])
			got := fmt.Sprint(append(first.rows, second.rows...), len(first.bad)+len(second.bad))
			if want := fmt.Sprint(whole.rows, len(whole.bad)); got != want {
				t.Errorf("%s split at %d: %s, want %s", params, at, got, want)
			}
		}
	}
}

// TestStartAnew: what a decoder was in the middle of does not carry over into another file.
func TestStartAnew(t *testing.T) {
	for _, params := range cutParams {
		d := decoder[string](t, params)
		want := fmt.Sprintf("%#v", decode[string](t, d, "\ufeff\"x\"\n\"y\"\n"))
		for _, cut := range []string{"\"" + strings.Repeat("z", 50), "\ufeffvalue\n\"", "a,b,c\n", strings.Repeat("\"x\"\n", 9)} {
			var out outcome[string]
			d.Start(nil)
			if _, _, err := d.Decode([]byte(cut), false, func(int) string { return "" }, reader(t, &out)); err != nil {
				t.Fatal(err)
			}
			d.Start(nil)
			if got := fmt.Sprintf("%#v", decode[string](t, d, "\ufeff\"x\"\n\"y\"\n")); got != want {
				t.Errorf("%s after %q: %s, want %s", params, cut, got, want)
			}
		}
	}
}

// The bytes that a decoder was given belong to the rows: nothing may write them.
func TestDecodeLeavesBytesAlone(t *testing.T) {
	for _, s := range cutSeeds {
		for _, params := range cutParams {
			buf := []byte(s.file)
			var out outcome[string]
			if _, _, err := decoder[string](t, params).Decode(buf, true, func(int) string { return "" }, reader(t, &out)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(buf, []byte(s.file)) {
				t.Errorf("%s changed %q to %q", params, s.file, buf)
			}
		}
	}
}
