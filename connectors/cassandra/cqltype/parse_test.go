package cqltype

import (
	"strings"
	"testing"
)

var definitions = map[string]Definition{
	"address": {[]string{"street", "zip"}, []string{"text", "int"}},
	"Odd":     {[]string{"A b"}, []string{"frozen<address>"}},
	"loop":    {[]string{"again"}, []string{"frozen<loop>"}},
	"wide":    {[]string{"a", "b"}, []string{"frozen<wide>", "frozen<wide>"}},
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want, fault string }{
		{text: "varchar", want: "text"},
		{text: "Map<text, frozen<list<int>>>", want: "map<text, frozen<list<int>>>"},
		{text: "frozen<tuple<int,  text>>", want: "tuple<int, text>"},
		{text: "frozen<address>", want: "frozen<address>"},
		{text: `set<frozen<"Odd">>`, want: `set<frozen<"Odd">>`},
		{text: "vector<float, 3>", want: "vector<float, 3>"},
		{text: "list<vector<frozen<list<float>>, 3>>", want: "list<vector<frozen<list<float>>, 3>>"},
		{text: "'org.apache.cassandra.db.marshal.DynamicCompositeType'", want: "'org.apache.cassandra.db.marshal.DynamicCompositeType'"},
		{text: "", fault: "a name is missing"},
		{text: "list<int", fault: "> is missing"},
		{text: "list", fault: "< is missing"},
		{text: "map<int>", fault: "map<> has 1 types, not 2"},
		{text: "int>", fault: "follows behind its end"},
		{text: `"int"`, fault: `its keyspace has no type "int"`},
		{text: `"int`, fault: "a quote does not end"},
		{text: "vector<float", fault: "does not end"},
		{text: "frozen<nothing>", fault: `its keyspace has no type "nothing"`},
		{text: "frozen<loop>", fault: "deeper than 32"},
		{text: "frozen<wide>", fault: "deeper than 32"},
		{text: strings.Repeat("list<", 40) + "int" + strings.Repeat(">", 40), fault: "deeper than 32"},
	} {
		got, err := Parse(c.text, definitions)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: got %v, want %q", c.text, err, c.fault)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.text, got, err, c.want)
			continue
		}
		again, err := Parse(got.String(), definitions)
		if err != nil || !again.Equal(got) {
			t.Errorf("%s: read again it is %s, %v", c.text, again, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"views": "views", "UserID": `"UserID"`, "select": `"select"`, "token": `"token"`, "a b": `"a b"`, `a"b`: `"a""b"`,
		"_x": `"_x"`, "x_1": "x_1", "1x": `"1x"`, "": `""`, "ü": `"ü"`, "text": "text", "with": `"with"`, "add": `"add"`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := Literal("it's"); got != "'it''s'" {
		t.Error(got)
	}
	for i := 1; i < len(words); i++ {
		if words[i-1] >= words[i] {
			t.Errorf("%s stands in front of %s", words[i-1], words[i])
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"int", "map<text, frozen<list<int>>>", `set<frozen<"Odd">>`, "vector<float, 3>", "'a.b'", "frozen<tuple<int, address>>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text, definitions)
		if err != nil {
			return
		}
		again, err := Parse(got.String(), definitions)
		if err != nil || !again.Equal(got) {
			t.Errorf("%q is %s, and read again %s, %v", text, got, again, err)
		}
	})
}
