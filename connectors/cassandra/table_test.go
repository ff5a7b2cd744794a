package cassandra

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// tableAt is an endpoint for a table of a cluster.
func tableAt[T any](t testing.TB, c *servicetest.CassandraCluster, table, parameters string) dstream.Endpoint {
	t.Helper()
	rows, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	u, err := dstream.ParseURL(fmt.Sprintf("cassandra://%s:%d/%s?%s", c.Hosts()[0], c.Port(), table, parameters))
	if err != nil {
		t.Fatal(err)
	}
	return dstream.Endpoint{Job: "j", Name: "t", URL: u, Rows: rows}
}

// rowsOf reads a table to its end.
func rowsOf[T any](t testing.TB, e dstream.Endpoint) (rows []T, bad []dstream.BadRecord) {
	t.Helper()
	s, err := openTable(e)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Plan(t.Context(), nil, dstream.Limit{})
	if err != nil || !r.Ended {
		t.Fatal(r, err)
	}
	b, err := rdd.NewBuilder[T](7, func(c rdd.Chunk) bool {
		rows = append(rows, c.(*rdd.Rows[rdd.None, T]).Vals...)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { bad = append(bad, r); return nil }}
	var fetched int64
	for _, split := range r.Splits {
		n, err := s.Read(t.Context(), split, to)
		if err != nil {
			t.Fatal(err)
		}
		fetched += n
	}
	if err := b.Flush(); err != nil || fetched != int64(len(rows)+len(bad)) {
		t.Fatalf("fetched %d, delivered %d, rejected %d, %v", fetched, len(rows), len(bad), err)
	}
	return rows, bad
}

func exec(t testing.TB, s *gocql.Session, statement string, args ...any) {
	t.Helper()
	if err := s.Query(statement, args...).Exec(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestTableConformance(t *testing.T) {
	var want []conformance.Row
	for i := range 100 {
		want = append(want, conformance.NewRow(i))
	}
	conformance.Source(t, conformance.Input[conformance.Row]{
		Prepare: func(t testing.TB, dir string) {
			c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
			session, name := c.Session(t, ""), c.Keyspace(t)+".some"
			where := fmt.Sprintf("cassandra://%s:%d/%s?splits=5", c.Hosts()[0], c.Port(), name)
			if err := os.WriteFile(filepath.Join(dir, "url"), []byte(where), 0o600); err != nil { // a child process opens it, too
				t.Fatal(err)
			}
			exec(t, session, "CREATE TABLE "+name+" (part int, id text, text text, n bigint, more blob, PRIMARY KEY (part, id))")
			for i, r := range want {
				exec(t, session, "INSERT INTO "+name+" (part, id, text, n) VALUES (?, ?, ?, ?)", i%40, r.ID, r.Text, r.N)
				if i%20 == 0 {
					exec(t, session, "INSERT INTO "+name+" (part, id, text) VALUES (?, ?, ?)", i, "bad", "n is null")
				}
			}
		},
		Open: func(dir string) (dstream.Connector, error) {
			where, err := os.ReadFile(filepath.Join(dir, "url"))
			if err != nil {
				return nil, err
			}
			u, err := dstream.ParseURL(string(where))
			if err != nil {
				return nil, err
			}
			rows, err := codec.Of[conformance.Row]()
			if err != nil {
				return nil, err
			}
			return openTable(dstream.Endpoint{Name: "t", URL: u, Rows: rows})
		},
		Rows: want, Bad: 5,
	})
}

// Rows that do not fit their type are rejected with the place where a person finds them; others go on.
func TestBadRowsOfATable(t *testing.T) {
	type row struct {
		ID int64  `col:"id"`
		N  int32  `col:"n"`
		At *pairs `col:"at"`
	}
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	name := c.Keyspace(t) + ".odd"
	s := c.Session(t, "")
	exec(t, s, "CREATE TABLE "+name+" (id bigint PRIMARY KEY, n bigint, at tuple<int, text>)")
	exec(t, s, "INSERT INTO "+name+" (id, n, at) VALUES (1, 1, (5, 'x'))")
	exec(t, s, "INSERT INTO "+name+" (id, n) VALUES (2, 2)")
	exec(t, s, "INSERT INTO "+name+" (id, n) VALUES (3, 5000000000)")
	exec(t, s, "INSERT INTO "+name+" (id, at) VALUES (4, (5, null))")
	rows, bad := rowsOf[row](t, tableAt[row](t, c, name, ""))
	slices.SortFunc(rows, func(a, b row) int { return int(a.ID - b.ID) })
	text := "x"
	if want := []row{{1, 1, &pairs{5, &text}}, {2, 2, nil}}; !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v", rows)
	}
	reasons := ""
	for _, b := range bad {
		reasons += b.Reason + "; "
		if !strings.HasPrefix(b.Position, name+" WHERE id = ") || len(b.Bytes) < 16 {
			t.Errorf("got %+v", b)
		}
	}
	type keyless struct {
		N int32 `col:"n"`
	}
	if _, bad := rowsOf[keyless](t, tableAt[keyless](t, c, name, "")); len(bad) != 2 || !strings.HasPrefix(bad[0].Position, name+" WHERE token(id) > ") {
		t.Errorf("got %+v", bad)
	}
	for _, want := range []string{`column "n": 5000000000 is no int32`, `column "n": is null`} {
		if !strings.Contains(reasons, want) {
			t.Errorf("got %s, want %s", reasons, want)
		}
	}
}

type pairs struct {
	A int32
	B *string
}

// A batch whose rows were counted says so when others are there.
func TestTableThatChanges(t *testing.T) {
	type row struct {
		ID int64 `col:"id"`
	}
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	name := c.Keyspace(t) + ".t"
	session := c.Session(t, "")
	exec(t, session, "CREATE TABLE "+name+" (id bigint PRIMARY KEY)")
	for i := range 50 {
		exec(t, session, "INSERT INTO "+name+" (id) VALUES (?)", i)
	}
	s, err := openTable(tableAt[row](t, c, name, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Plan(t.Context(), nil, dstream.Limit{Bytes: 8 * 1000})
	if err != nil || !r.Ended || len(r.Splits) != 1 {
		t.Fatal(r, err)
	}
	exec(t, session, "DELETE FROM "+name+" WHERE id = 7")
	b, err := rdd.NewBuilder[row](7, func(rdd.Chunk) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Read(t.Context(), r.Splits[0], &dstream.Reader{Builder: b})
	if n != 49 || !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "has changed since the batch was planned") {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestTableOpenErrors(t *testing.T) {
	type row struct {
		ID    int64  `col:"id"`
		Views string `col:"views"`
	}
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks := c.Keyspace(t)
	session := c.Session(t, "")
	exec(t, session, "CREATE TABLE "+ks+".pages (id text PRIMARY KEY, viewed int)")
	for parameters, want := range map[string]string{
		ks + ".pages":                   `column id: text cannot be read into a int64: it wants string; it lacks the column views (did you mean viewed?)`,
		ks + ".pages?pagebytes=5":       `unknown parameter "pagebytes"`,
		ks + ".page":                    "there is no table page in keyspace " + ks + " (did you mean pages?); there are pages",
		ks + "x.pages":                  "there is no keyspace",
		ks:                              "name the table",
		ks + ".pages?consistency=twice": "want one of local_one, one",
	} {
		table, query, _ := strings.Cut(parameters, "?")
		_, err := openTable(tableAt[row](t, c, table, query))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", parameters, err, want)
		}
	}
	u, _ := url.Parse("cassandra:///ks.t")
	if _, err := openTable(dstream.Endpoint{URL: u}); err == nil || !strings.Contains(err.Error(), "name a host") {
		t.Error(err)
	}
}
