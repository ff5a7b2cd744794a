package format

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// jsonSeeds are records and files that have broken decoders of JSON.
var jsonSeeds = []string{
	`{"ad_id": "a", "i": 1, "s": "x", "b": true}`,
	`{"i": "12", "ad_id": "a", "t": "1700000000000"}`,
	`{"ad_id": "a", "s": "x\", \"ad_id\": \"b"}`,
	`{"s": "\", \"ad_id\": \"", "ad_id": "a"}`,
	`{"s": "{\"ad_id\": \"x\"}", "ad_id": "a"}`,
	`{"ad_id": "a", "ad_id": "b"}`, `{"ad_id": 1, "ad_id": "b"}`, `{"ad_id": "b", "ad_id": 1}`,
	`{"Ad_Id": "a"}`, `{"ad_id": null}`, `{}`, `null`, `[]`, `"x"`, `1`, ``, ` `,
	`{"ad_id": "\ud83d\ude00 \ud83d \ude00 \ud83d\u0041 \ud83dx"}`, `{"\u0061d_id": "a"}`,
	`{"ad_id": "\u0000\b\f\n\r\t\/\\\""}`, `{"ad_id": "\x"}`, `{"ad_id": "\u12g4"}`, `{"ad_id": "\u12`,
	"{\"ad_id\": \"\x00\"}", "{\"ad_id\": \"\x7f\"}", "{\"ad_id\": \"\xff\"}", "{\"ad_id\": \"\xed\xa0\x80\"}", "{\"ad_id\": \"a\tb\"}",
	"\ufeff{\"ad_id\": \"a\"}", `{"ad_id": "a"}x`, `{"ad_id": "a"} {"ad_id": "a"}`, `{"ad_id": "a",}`, `{,"ad_id": "a"}`, `{"ad_id" "a"}`,
	`{"ad_id": "a", "x": [1, {"y": [[], {}, null, true, false, -0, 1e5, 0.5E-7]}]}`,
	`{"ad_id": "a", "x": 01}`, `{"ad_id": "a", "x": +1}`, `{"ad_id": "a", "x": 1.}`, `{"ad_id": "a", "x": .5}`, `{"ad_id": "a", "x": 1e}`, `{"ad_id": "a", "x": tru}`, `{"ad_id": "a", "x": NaN}`,
	`{"ad_id": "a", "i": 9223372036854775807}`, `{"ad_id": "a", "i": 9223372036854775808}`, `{"ad_id": "a", "i": -9223372036854775808}`, `{"ad_id": "a", "i": -9223372036854775809}`,
	`{"ad_id": "a", "i": 99999999999999999999999999}`, `{"ad_id": "a", "i": 1.0}`, `{"ad_id": "a", "i": 1e3}`, `{"ad_id": "a", "i": "007"}`, `{"ad_id": "a", "i": "+1"}`, `{"ad_id": "a", "i": " 1"}`, `{"ad_id": "a", "i": "-"}`, `{"ad_id": "a", "i": ""}`,
	`{"ad_id": "a", "u": 255}`, `{"ad_id": "a", "u": 256}`, `{"ad_id": "a", "u": -1}`, `{"ad_id": "a", "u": -0}`,
	`{"ad_id": "a", "f": 1e400}`, `{"ad_id": "a", "f": 1e-400}`, `{"ad_id": "a", "f": "NaN"}`, `{"ad_id": "a", "f": "-Infinity"}`, `{"ad_id": "a", "f": "0x1p3"}`, `{"ad_id": "a", "f": "1_0"}`, `{"ad_id": "a", "g": 1e39}`, `{"ad_id": "a", "f": -0.0}`,
	`{"ad_id": "a", "t": 1700000000000}`, `{"ad_id": "a", "t": "2024-02-29T12:00:00.123456789+05:30"}`, `{"ad_id": "a", "t": "2023-02-29T12:00:00Z"}`, `{"ad_id": "a", "t": 1.5}`, `{"ad_id": "a", "t": -1}`, `{"ad_id": "a", "t": 9223372036854775807}`,
	`{"ad_id": "a", "d": 5}`, `{"ad_id": "a", "d": "1m30s"}`, `{"ad_id": "a", "d": "1x"}`, `{"ad_id": "a", "b": "true"}`, `{"ad_id": "a", "b": 1}`,
	`{"ad_id": "a", "y": "aGVsbG8="}`, `{"ad_id": "a", "y": "aGVsbG8"}`, `{"ad_id": "a", "y": ""}`, `{"ad_id": "a", "y": "a\nGVsbG8="}`,
	`{"ad_id": "a", "l": ["x", "y\n"]}`, `{"ad_id": "a", "l": []}`, `{"ad_id": "a", "l": [null]}`, `{"ad_id": "a", "l": {}}`,
	`{"ad_id": "a", "m": {"k": 1, "l": null, "k": 2}}`, `{"ad_id": "a", "m": {"k": "x", "k": 2}}`, `{"ad_id": "a", "m": {}}`,
	`{"ad_id": "a", "n": {"a": "b", "x": 7}}`, `{"ad_id": "a", "n": {"x": 7}}`, `{"ad_id": "a", "n": {"a": "b"}, "n": {"a": "c", "x": 1}}`, `{"ad_id": "a", "n": null}`,
	`{"ad_id": "Grüße, 世界 \u2028"}`,
}

// jsonPairs are a record and another that is like it but for what must not be overlooked on the short way.
var jsonPairs = [][2]string{
	{`{"ad_id": "a", "i": 1}`, `{"ad_id": "a", "i": }`},
	{`{"ad_id": "a", "x": 1}`, `{"ad_id": "a", "x": }`},
	{`{"ad_id": "a", "x": 1}`, `{"ad_id": "a", "x": 01}`},
	{`{"x": "aaaaaaaaaaaa", "ad_id": "b"}`, `{"x": "a" , "k": "b", "ad_id": "b"}`},
	{`{"x": "aaaaaaaaaaa", "ad_id": "b"}`, `{"x": "a"  "k": "b", "ad_id": "b"}`},
	{`{"s": "aaaaaaaaaaaa", "ad_id": "b"}`, `{"s": "a" , "k": "b", "ad_id": "b"}`},
	{`{"ad_id": "aa"}`, `{"ad_id": "a\"}`},
	{`{"ad_id": "aa"}`, `{"ad_id": "\n"}`},
	{`{"ad_id": "aa"}`, "{\"ad_id\": \"a\t\"}"},
	{`{"ad_id": "aa"}`, "{\"ad_id\": \"a\xff\"}"},
	{`{"ad_id": "aa", "x": "` + strings.Repeat("y", 40) + `"}`, "{\"ad_id\": \"\u00e9\", \"x\": \"" + strings.Repeat("y", 39) + "\x80\"}"},
	{`{"ad_id": "aa", "x": "` + strings.Repeat("y", 40) + `"}`, "{\"ad_id\": \"\u00e9\", \"x\": \"" + strings.Repeat("y", 39) + "\x1f\"}"},
	{`{"ad_id": "aa"}`, `{"ad_id": "aa"} `}, {`{"ad_id": "aa"}`, "{\"ad_id\": \"aa\"}\r"}, {`{"ad_id": "aa"}`, `{"ad_id": "aa"}x`},
	{`{"ad_id": "aa"}`, "{\"ad_id\": \"\n\"}"}, {`{"ad_id": "aa"}`, "{\"ad_id\": \"a"},
	{`{"ad_id": "a", "t": "1700000000000"}`, `{"ad_id": "a", "t": "-62135596800000"}`},
	{`{"ad_id": "a", "t": "1700000000000"}`, `{"ad_id": "a", "t": "2023-11-14"}`},
	{`{"ad_id": "a", "i": 1, "i": 2}`, `{"ad_id": "a", "i": 1, "i": null}`},
	{`{"ad_id": "a", "i": null}`, `{"ad_id": "a", "i": nul}`}, {`{"ad_id": "a", "i": 1}`, `{"ad_id": "a", "i": 1.5}`},
}

// FuzzJSON compares each line of a file with what the oracle says of it, by one decoder that learns on the way, in the file
// and alone.
func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add(s + "\n" + s + "\n" + s)
	}
	f.Add(strings.Join(jsonSeeds, "\n"))
	for _, p := range jsonPairs {
		f.Add(p[0] + "\n" + p[0] + "\n" + p[0] + "\n" + p[1] + "\n" + p[0])
	}
	f.Add(strings.Repeat("[", 10001) + strings.Repeat("]", 10001))
	f.Add(`{"ad_id": "a", "x": ` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`)
	f.Fuzz(func(t *testing.T, file string) { againstOracle(t, file) })
}

func againstOracle(t *testing.T, file string) {
	got := decode[anything](t, decoder[anything](t, "format=json"), file)
	alone := decoder[anything](t, "format=json")
	file = strings.TrimPrefix(file, bom)
	row, bad := 0, 0
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		if strings.Trim(line, " \t\r") == "" {
			continue
		}
		want, ok := oracle([]byte(line))
		one := decodeRecord[anything](t, alone, line)
		if ok != (len(one.rows) == 1) {
			t.Fatalf("%q alone: %v %v, want ok=%v", line, one.rows, one.bad, ok)
		}
		if !ok {
			if bad++; bad > len(got.bad) {
				t.Fatalf("%q: not rejected", line)
			}
			continue
		}
		if row++; row > len(got.rows) {
			t.Fatalf("%q: rejected: %q", line, got.bad)
		}
		if w := fmt.Sprintf("%#v", deref(want)); w != fmt.Sprintf("%#v", deref(got.rows[row-1])) || w != fmt.Sprintf("%#v", deref(one.rows[0])) {
			t.Fatalf("%q:\n got %#v\nalone %#v\nwant %s", line, deref(got.rows[row-1]), deref(one.rows[0]), w)
		}
	}
	if row != len(got.rows) || bad != len(got.bad) {
		t.Fatalf("%q: %d rows and %d bad, want %d and %d", file, len(got.rows), len(got.bad), row, bad)
	}
}

// deref is a row with its pointers followed, so that it can be printed and NaN equals NaN.
func deref(row any) any { return follow(reflect.ValueOf(row)) }

func follow(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return []any{follow(v.Elem())}
	case reflect.Struct:
		if s, ok := v.Interface().(fmt.Stringer); ok {
			return s.String()
		}
		out := []any{}
		for i := range v.NumField() {
			out = append(out, follow(v.Field(i)))
		}
		return out
	case reflect.Slice, reflect.Array:
		out := []any{}
		for i := range v.Len() {
			out = append(out, follow(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[any]any{}
		for it := v.MapRange(); it.Next(); {
			out[it.Key().Interface()] = follow(it.Value())
		}
		return out
	}
	return v.Interface()
}

// TestJSONRandom decodes many random records of a few shapes with now and then something odd, so that the short way and the
// general one take turns.
func TestJSONRandom(t *testing.T) {
	records := 200_000
	if testing.Short() {
		records /= 20
	}
	rnd := rand.New(rand.NewPCG(7, 9))
	var file strings.Builder
	for i := 0; i < records; {
		n := 1 + rnd.IntN(2000)
		file.Reset()
		order := rnd.Perm(5)
		for range n {
			if rnd.IntN(50) == 0 {
				order = rnd.Perm(5)
			}
			file.WriteString(randomRecord(rnd, order))
		}
		againstOracle(t, file.String())
		i += n
	}
}

func randomRecord(rnd *rand.Rand, order []int) string {
	texts := []string{"", "a", "view", "purchase", "Grüße", `\"`, `\\`, `\u00e9`, `, \"ad_id\": \"`, "\": \"", `", "ad_id": "`, `"}`, "{}", "\t", "\xff", "a\\", "x\r"}
	text := func() string {
		if rnd.IntN(8) > 0 {
			return texts[rnd.IntN(5)]
		}
		return texts[rnd.IntN(len(texts))]
	}
	numbers := []string{"1", "22", "-3", "1e3", "4.5", "null", "true", "\"6\"", "300", "01", "", "[1, 2]", `{"a": "x"}`}
	number := func() string {
		if rnd.IntN(8) > 0 {
			return numbers[rnd.IntN(3)]
		}
		return numbers[rnd.IntN(len(numbers))]
	}
	members := []string{
		`"ad_id": "` + text() + `"`, `"i": ` + number(), `"s": "` + text() + `"`, `"other": "` + text() + `"`,
		`"n": {"a": "` + text() + `", "z": [` + number() + `, "` + text() + `"]}`,
	}
	rec := "{"
	for i, k := range order {
		if i > 0 {
			rec += ", "
		}
		rec += members[k]
	}
	if rnd.IntN(30) == 0 {
		rec += ", " + members[rnd.IntN(len(members))]
	}
	rec += "}"
	switch rnd.IntN(60) {
	case 0:
		rec = rec[:rnd.IntN(len(rec))]
	case 1:
		rec += "\r"
	case 2:
		rec += " "
	}
	return rec + "\n"
}
