package cqltype

import "testing"

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		typ   string
		value any
		want  string
	}{
		{"text", "it's", "'it''s'"}, {"int", int32(-7), "-7"}, {"boolean", true, "true"}, {"uuid", [16]byte{15: 1}, "00000000-0000-0000-0000-000000000001"},
		{"timestamp", at("2026-01-02T03:04:05.06Z"), "'2026-01-02T03:04:05.06Z'"}, {"date", at("2026-01-02T03:04:05Z"), "'2026-01-02'"},
		{"blob", []byte{1, 2}, "0x0102"}, {"inet", "10.0.0.7", "'10.0.0.7'"}, {"decimal", "1.50", "1.50"}, {"varint", int64(5), "5"}, {"list<int>", []int32{}, "0x00000000"},
	} {
		b, err := encode(t, parsed(t, c.typ), c.value)
		if err != nil {
			t.Fatal(err)
		}
		if got := Format(parsed(t, c.typ), b); got != c.want {
			t.Errorf("%s: got %s, want %s", c.typ, got, c.want)
		}
	}
	if got := Format(Type{ID: Text}, []byte("\xff")); got != "0xff" {
		t.Error(got)
	}
	if got := Format(Type{ID: Int}, nil); got != "null" {
		t.Error(got)
	}
}
