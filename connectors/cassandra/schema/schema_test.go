package schema

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/rdd/codec"
)

// answers is a fake of system_schema: rows by a part of the statement.
type answers map[string][][]any

func (a answers) query(_ context.Context, cql string, _ ...any) Rows {
	for part, rows := range a {
		if strings.Contains(cql, part) {
			return &answer{rows: rows}
		}
	}
	return &answer{}
}

type answer struct {
	rows [][]any
	err  error
}

func (a *answer) Scan(dest ...any) bool {
	if len(a.rows) == 0 {
		return false
	}
	for i, v := range a.rows[0] {
		reflect.ValueOf(dest[i]).Elem().Set(reflect.ValueOf(v))
	}
	a.rows = a.rows[1:]
	return true
}

func (a *answer) Close() error { return a.err }

func views() answers {
	return answers{
		"FROM system_schema.keyspaces WHERE":               {{map[string]string{"class": "SimpleStrategy"}}},
		"SELECT keyspace_name":                             {{"system"}, {"analytics"}, {"system_auth"}},
		"system_schema.tables WHERE keyspace_name = ? AND": {{86400, "counts"}},
		"SELECT table_name":                                {{"views"}, {"users"}},
		"system_schema.types":                              {{"place", []string{"city", "zip"}, []string{"text", "int"}}},
		"system_schema.columns": {
			{"views", "none", "regular", -1, "bigint"}, {"window", "desc", "clustering", 0, "timestamp"}, {"at", "none", "regular", -1, "frozen<place>"},
			{"Region", "none", "partition_key", 1, "text"}, {"campaign", "none", "partition_key", 0, "text"}, {"note", "none", "static", -1, "text"},
		},
	}
}

func TestRead(t *testing.T) {
	got, err := Read(t.Context(), views().query, "analytics", "views")
	if err != nil {
		t.Fatal(err)
	}
	if got.Key() != `PRIMARY KEY ((campaign, "Region"), window)` || fmt.Sprint(got.Names()) != "[campaign Region window at note views]" || got.TTL != 24*time.Hour ||
		got.String() != "analytics.views" || got.Counter() || got.View || !got.Column("window").Descending || got.Column("none") != nil || got.Column("at").Type.String() != "frozen<place>" {
		t.Errorf("got %+v", got)
	}
}

func TestReadErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(a answers)
		want   string
	}{
		{"keyspace", func(a answers) { delete(a, "FROM system_schema.keyspaces WHERE") }, "there is no keyspace analytic (did you mean analytics?); there are analytics; to make it: CREATE KEYSPACE analytic WITH"},
		{"table", func(a answers) { delete(a, "system_schema.tables WHERE keyspace_name = ? AND") }, "there is no table View in keyspace analytic"},
		{"type", func(a answers) { delete(a, "system_schema.types") }, "column at of analytic.\"View\""},
		{"dropped", func(a answers) { a["system_schema.columns"] = nil }, "it was dropped meanwhile"},
	} {
		a := views()
		c.change(a)
		if c.name == "table" {
			c.want = `there is no table "View" in keyspace analytic (did you mean views?); there are users, views`
		}
		_, err := Read(t.Context(), a.query, "analytic", "View")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	boom := errors.New("boom")
	_, err := Read(t.Context(), func(context.Context, string, ...any) Rows { return &answer{err: boom} }, "k", "t")
	if !errors.Is(err, boom) {
		t.Error(err)
	}
	view := views()
	view["system_schema.views"] = view["system_schema.tables WHERE keyspace_name = ? AND"]
	delete(view, "system_schema.tables WHERE keyspace_name = ? AND")
	if got, err := Read(t.Context(), view.query, "k", "v"); err != nil || !got.View {
		t.Errorf("a view: %+v, %v", got, err)
	}
}

func bind[T any](t *testing.T, a answers, m Mode) (*Binding, error) {
	t.Helper()
	table, err := Read(t.Context(), a.query, "analytics", "views")
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return Bind(table, c, m)
}

type place struct {
	City string `col:"city"`
}

func TestBind(t *testing.T) {
	type fits struct {
		Views    int64     `col:"views"`
		Window   time.Time `col:"window,key"`
		Campaign string    `col:"campaign,partition"`
		Region   string    `col:"Region,partition"`
		At       *place    `col:"at"`
	}
	b, err := bind[fits](t, views(), Write)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(b.Partition, b.Clustering) != "[2 3] [1]" || b.Columns[4].Column.Name != "at" || b.Columns[0].Put == nil || b.Columns[0].Get != nil {
		t.Errorf("got %+v", b)
	}
	type part struct {
		Campaign string `col:"campaign,key"` // a lookup's key
		Views    int32  `col:"views"`
	}
	if b, err := bind[part](t, views(), Scan); err != nil || fmt.Sprint(b.Partition, b.Clustering) != "[0 -1] [-1]" || b.Columns[1].Get == nil {
		t.Errorf("got %+v, %v", b, err)
	}
	type untagged struct {
		Window   time.Time `col:"window"`
		Campaign string    `col:"campaign"`
		Region   string
	}
	if _, err := bind[untagged](t, views(), Write); err != nil {
		t.Error(err)
	}
}

func TestMismatches(t *testing.T) {
	type wrong struct {
		Campaign *string   `col:"campaign"`
		Window   int64     `col:"window,partition"`
		View     int64     `col:"view"`
		Views    float64   `col:"views"`
		Note     []float32 `col:"note"`
	}
	_, err := bind[wrong](t, views(), Write)
	var all *MismatchError
	if !errors.As(err, &all) || len(all.Problems) != 7 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"table analytics.views does not fit rows of schema.wrong: ",
		"column window: timestamp does not hold every int64: a column of type bigint does",
		"it lacks the column \"view\" (did you mean views?): ALTER TABLE analytics.views ADD \"view\" bigint",
		"column views: bigint does not hold every float64: a column of type double does",
		"column note: text does not hold every []float32",
		"campaign is part of its key and never null",
		`the rows lack the column "Region" of its key, PRIMARY KEY ((campaign, "Region"), window): add a field tagged col:"Region"`,
		`its key is PRIMARY KEY ((campaign, "Region"), window), but the rows' tags say PRIMARY KEY ((window)): an existing table's key stands`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	tuples := views()
	tuples["system_schema.columns"] = [][]any{{"id", "none", "partition_key", 0, "bigint"}, {"at", "none", "regular", -1, "frozen<tuple<text>>"}}
	type nested struct {
		ID int64 `col:"id"`
		At place `col:"at"`
	}
	if _, err := bind[nested](t, tuples, Write); err == nil || !strings.Contains(err.Error(), "make it a user-defined type") {
		t.Error(err)
	}
	if _, err := bind[nested](t, tuples, Scan); err != nil {
		t.Error(err)
	}
	counts := views()
	counts["system_schema.columns"] = [][]any{{"id", "none", "partition_key", 0, "bigint"}, {"n", "none", "regular", -1, "counter"}}
	type row struct {
		ID int64 `col:"id"`
		N  int64 `col:"n"`
	}
	if _, err := bind[row](t, counts, Write); err == nil || !strings.Contains(err.Error(), "counters can only be added to") {
		t.Error(err)
	}
	if b, err := bind[row](t, counts, Scan); err != nil || !b.Table.Counter() {
		t.Error(err)
	}
	if _, err := bind[struct{}](t, counts, Scan); err == nil || !strings.Contains(err.Error(), "no fields") {
		t.Error(err)
	}
	counts["system_schema.views"] = counts["system_schema.tables WHERE keyspace_name = ? AND"]
	delete(counts, "system_schema.tables WHERE keyspace_name = ? AND")
	if _, err := bind[row](t, counts, Write); err == nil || !strings.Contains(err.Error(), "materialized view") {
		t.Error(err)
	}
}

func TestCreate(t *testing.T) {
	type row struct {
		Campaign string           `col:"campaign,partition"`
		Region   string           `col:"Region,partition"`
		Window   time.Time        `col:"window,key"`
		N        int32            `col:"select,key"`
		Tags     map[string]int64 `col:"tags"`
	}
	type nested struct {
		ID int64  `col:"id,partition"`
		At *place `col:"at"`
	}
	type untagged struct {
		ID int64 `col:"id,key"`
	}
	c, _ := codec.Of[row]()
	u, _ := codec.Of[untagged]()
	got, err := Create("analytics", "Views", c, Options{})
	want := `CREATE TABLE IF NOT EXISTS analytics."Views" (campaign text, "Region" text, window timestamp, "select" int, tags frozen<map<text, bigint>>, ` +
		`PRIMARY KEY ((campaign, "Region"), window, "select"))`
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	got, err = Create("a", "b", c, Options{Descending: []string{"window"}, TTL: time.Hour, Comment: "it's"})
	if want := ` WITH CLUSTERING ORDER BY (window DESC, "select" ASC) AND default_time_to_live = 3600 AND comment = 'it''s'`; err != nil || !strings.HasSuffix(got, want) {
		t.Errorf("got %s, %v", got, err)
	}
	for want, o := range map[string]Options{"descending order of campaign": {Descending: []string{"campaign"}}, "whole seconds": {TTL: time.Millisecond}, "at most 630720000": {TTL: MaxTTL + time.Second}} {
		if _, err := Create("a", "b", c, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	n, _ := codec.Of[nested]()
	if _, err := Create("a", "b", n, Options{}); err == nil || !strings.Contains(err.Error(), "column at: a tuple cannot be written as a column of its own") || !strings.HasSuffix(err.Error(), "CREATE TYPE a.at (city text)") {
		t.Errorf("got %v", err)
	}
	if _, err := Create("a", "b", u, Options{}); err == nil || !strings.Contains(err.Error(), "`col:\"id,partition\"`") {
		t.Errorf("got %v", err)
	}
}
