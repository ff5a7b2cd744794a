package cassandra

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/rdd"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// Partitions of the engine hold whole partitions of the table, and all of them.
func TestShare(t *testing.T) {
	for _, n := range []int{1, 99, 100, 101, 250, 1000, 12_345} {
		rows := newRows(n)
		for _, partitions := range []int{1, 2, 3, 7} {
			var all []Row
			for p := range partitions {
				part := share(rows, p, partitions)
				if len(part) > 0 && part[0].Seq != 0 {
					t.Errorf("%d rows: part %d of %d begins within a partition", n, p, partitions)
				}
				for c, err := range chunks(part) {
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, c.(*rdd.Rows[rdd.None, Row]).Vals...)
				}
			}
			if !slices.Equal(all, rows) {
				t.Errorf("%d rows in %d parts are not the same rows", n, partitions)
			}
		}
	}
}

func TestRowsHave60Bytes(t *testing.T) {
	for _, r := range newRows(201) {
		if n := 8 + 4 + len(r.Body) + 8; n != 60 {
			t.Fatalf("%+v has %d bytes", r, n)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Rows: -1}, {Batch: -1}, {Pairs: -1}, {InFlight: -1}, {Writers: -1}} {
		if err := Scenario(context.Background(), &strings.Builder{}, o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
}

func TestScenario(t *testing.T) {
	node := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	o, err := Options{Rows: 1_234, Batch: 500, Pairs: 1, Warm: -1}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := onNode(t.Context(), &out, o, node); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"\nbatches by hand ", "\nsingle inserts ", "\nthe sink "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, &out)
		}
	}
}

// A table that is not what a run leaves is seen.
func TestCheck(t *testing.T) {
	node := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	if err := makeTable(node.Hosts(), node.Port()); err != nil {
		t.Fatal(err)
	}
	s, err := connect(node.Hosts(), node.Port(), keyspace, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Query("TRUNCATE " + table).Exec(); err != nil { // of what the scenario's test left
		t.Fatal(err)
	}
	rows := newRows(250)
	stamp(rows, 7)
	now := time.Now().UnixMicro()
	if err := batches(s, rows[:249], 8, now); err != nil {
		t.Fatal(err)
	}
	if err := check(s, 250, 7); err == nil || !strings.Contains(err.Error(), "249 rows") {
		t.Errorf("a row is missing: %v", err)
	}
	if err := singles(s, rows[249:], 1, now); err != nil {
		t.Fatal(err)
	}
	if err := check(s, 250, 7); err != nil {
		t.Error(err)
	}
	if err := check(s, 250, 8); err == nil {
		t.Error("rows of another run pass")
	}
	if err := check(s, 249, 7); err == nil {
		t.Error("a row too many passes")
	}
	if err := s.Query("UPDATE "+table+" SET body = ? WHERE bucket = 1 AND seq = 1", "else").Exec(); err != nil {
		t.Fatal(err)
	}
	if err := check(s, 250, 7); err == nil {
		t.Error("another body passes")
	}
}
