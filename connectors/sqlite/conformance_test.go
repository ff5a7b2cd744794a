package sqlite

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

func endpoint[T any](dir, parameters string) (dstream.Endpoint, error) {
	u, err := url.Parse("sqlite://" + filepath.Join(dir, "a b#1.db") + "?" + parameters)
	if err != nil {
		return dstream.Endpoint{}, err
	}
	u.Path, u.Fragment = filepath.Join(dir, "a b#1.db"), ""
	u.RawQuery = parameters
	c, err := codec.Of[T]()
	return dstream.Endpoint{Name: "out", URL: u, Rows: c}, err
}

// readTable reads a table with the connector's own source.
func readTable(dir string) ([]conformance.Row, error) {
	e, err := endpoint[conformance.Row](dir, "table=some")
	if err != nil {
		return nil, err
	}
	f, err := parse(e)
	if err != nil {
		return nil, err
	}
	db := f.open("ro")
	defer db.Close()
	var there int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'some'").Scan(&there); err != nil || there == 0 {
		return nil, err
	}
	rows, err := db.Query("SELECT id, text, n FROM some")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []conformance.Row
	for rows.Next() {
		var r conformance.Row
		if err := rows.Scan(&r.ID, &r.Text, &r.N); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func openRows(dir string) (dstream.RecordSink, error) {
	e, err := endpoint[conformance.Row](dir, "table=some")
	if err != nil {
		return nil, err
	}
	return openSink(e)
}

func TestSinkConformance(t *testing.T) {
	conformance.Sink(t, conformance.Outlet[conformance.Row]{
		Open: openRows, Row: conformance.NewRow, Read: readTable,
		Same: func(i int) conformance.Row {
			r := conformance.NewRow(i)
			r.Text, r.N = r.Text+"!", 99
			return r
		},
	})
}

func TestKinds(t *testing.T) {
	conformance.Kinds(t, func(dir string, c *codec.Codec) (dstream.RecordSink, error) {
		e, err := endpoint[int64](dir, "table=odd")
		if err != nil {
			return nil, err
		}
		e.Rows = c
		return openSink(e)
	})
}

func TestSourceConformance(t *testing.T) {
	var want []conformance.Row
	for i := range 100 {
		want = append(want, conformance.NewRow(i))
	}
	conformance.Source(t, conformance.Input[conformance.Row]{
		Prepare: func(t testing.TB, dir string) {
			e, err := endpoint[conformance.Row](dir, "table=t")
			if err != nil {
				t.Fatal(err)
			}
			f, err := parse(e)
			if err != nil {
				t.Fatal(err)
			}
			db := f.open("rwc")
			defer db.Close()
			exec := func(q string, args ...any) {
				if _, err := db.ExecContext(context.Background(), q, args...); err != nil {
					t.Fatal(err)
				}
			}
			exec("CREATE TABLE t (n INTEGER, id TEXT, text TEXT, more BLOB)")
			for i, r := range want {
				exec("INSERT INTO t VALUES (?, ?, ?, NULL)", r.N, r.ID, r.Text)
				if i%20 == 0 {
					exec("INSERT INTO t VALUES (?, ?, ?, NULL)", []any{nil, "text"}[i/20%2], fmt.Sprint(i), "bad")
				}
			}
		},
		Open: func(dir string) (dstream.Connector, error) {
			e, err := endpoint[conformance.Row](dir, "table=t")
			if err != nil {
				return nil, err
			}
			return openSource(e)
		},
		Rows: want, Bad: 5,
	})
}
