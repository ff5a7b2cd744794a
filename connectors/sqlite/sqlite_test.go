package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sinkOf[T any](t testing.TB, dir, parameters string) (*Sink, error) {
	t.Helper()
	e, err := endpoint[T](dir, parameters)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSink(e)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func chunk[T any](t testing.TB, rows ...T) iter.Seq2[dstream.Output, error] {
	t.Helper()
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Encode(c, rows)
	return func(yield func(dstream.Output, error) bool) { yield(dstream.Output{Record: rec}, err) }
}

// database is the file of endpoint.
func database(t testing.TB, dir string) *sql.DB {
	t.Helper()
	e, err := endpoint[int](dir, "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parse(e)
	if err != nil {
		t.Fatal(err)
	}
	f.patience = time.Millisecond
	db := f.open("rwc")
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t testing.TB, db *sql.DB, q string) {
	t.Helper()
	if _, err := db.Exec(q); err != nil {
		t.Fatal(err)
	}
}

type view struct {
	Campaign string    `col:"campaign,partition"`
	Window   time.Time `col:"window_start,key"`
	Views    int64     `col:"views"`
}

func TestMakesTheTable(t *testing.T) {
	dir := t.TempDir()
	s, err := sinkOf[view](t, dir, "table=views")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 10, 5000, time.UTC)
	if _, err := s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, chunk(t, view{"c", at, 3})); err != nil {
		t.Fatal(err)
	}
	var ddl, text string
	var back time.Time
	db := database(t, dir)
	if err := db.QueryRow("SELECT sql, (SELECT CAST(window_start AS TEXT) FROM views), (SELECT window_start FROM views) FROM sqlite_schema WHERE name = 'views'").Scan(&ddl, &text, new(any)); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("SELECT window_start FROM views").Scan(&back); err != nil {
		t.Fatal(err)
	}
	if want := `CREATE TABLE "views" ("campaign" TEXT NOT NULL, "window_start" TIMESTAMP NOT NULL, "views" INTEGER NOT NULL, PRIMARY KEY ("campaign", "window_start")) WITHOUT ROWID`; ddl != want {
		t.Errorf("got %s, want %s", ddl, want)
	}
	if text != "2026-01-01 00:00:10.000005" || !back.Equal(at) {
		t.Errorf("time is stored as %s and read as %s, want %s", text, back, at)
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	for i, path := range []string{"sqlite:a.db", "sqlite://b.db", "sqlite:./c%20d.db"} {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := codec.Of[view]()
		if err != nil {
			t.Fatal(err)
		}
		s, err := openSink(dstream.Endpoint{Name: "views", URL: u, Rows: c})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, chunk(t, view{}))
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat([]string{"a.db", "b.db", "c d.db"}[i]); err != nil {
			t.Error(err)
		}
	}
}

func TestTablesThatDoNotFit(t *testing.T) {
	for ddl, want := range map[string]string{
		"(campaign TEXT, window_start TIMESTAMP, PRIMARY KEY (campaign, window_start))":                                  "it lacks the column views",
		"(campaign TEXT, window_start TIMESTAMP, views INT, extra TEXT, PRIMARY KEY (campaign, window_start))":           "it has a column extra, which the rows lack",
		"(campaign TEXT, window_start TIMESTAMP, views TEXT, PRIMARY KEY (campaign, window_start))":                      "its column views is of affinity TEXT, which does not hold a int64",
		"(campaign TEXT, window_start TIMESTAMP, views INT, PRIMARY KEY (window_start, campaign))":                       "its primary key is (window_start, campaign), not (campaign, window_start)",
		"(campaign TEXT, window_start TIMESTAMP, views INT)":                                                             "its primary key is ()",
		"(Campaign VARCHAR(20), WINDOW_START BIGINT, views NUMERIC, PRIMARY KEY (campaign, window_start)) WITHOUT ROWID": "",
	} {
		dir := t.TempDir()
		exec(t, database(t, dir), "CREATE TABLE views "+ddl)
		s, err := sinkOf[view](t, dir, "table=views")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", ddl, err, want)
		}
		if err != nil {
			continue
		}
		at := time.UnixMicro(5).UTC()
		if _, err := s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, chunk(t, view{"c", at, 3}, view{"c", at, 4})); err != nil {
			t.Error(err)
		}
		var micros, n int64
		if err := database(t, dir).QueryRow("SELECT window_start, sum(views) FROM views").Scan(&micros, &n); err != nil || micros != 5 || n != 4 {
			t.Errorf("got %d µs, %d views, %v", micros, n, err)
		}
	}
}

func TestOldEpochIsFenced(t *testing.T) {
	s, err := sinkOf[conformance.Row](t, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	id := dstream.WriteID{Job: "j", Sink: "s", Epoch: 4, Batch: 9, Partitions: 1, Timestamp: 9000}
	if _, err := s.Write(context.Background(), id, chunk(t, conformance.NewRow(0))); err != nil {
		t.Fatal(err)
	}
	id.Epoch, id.Batch, id.Timestamp, id.Partitions = 3, 10, 10_000, 2 // also in another partitioning
	_, err = s.Write(context.Background(), id, chunk(t, conformance.NewRow(1)))
	var fenced *FencedError
	if !errors.As(err, &fenced) || fenced.Epoch != 4 {
		t.Errorf("got %v", err)
	}
	id.Epoch, id.Timestamp, id.Partitions = 5, 8000, 1
	if _, err = s.Write(context.Background(), id, chunk(t, conformance.NewRow(1))); err == nil || !strings.Contains(err.Error(), "clock that is behind") {
		t.Errorf("got %v", err)
	}
	id.Job, id.Epoch = "other", 1
	if _, err = s.Write(context.Background(), id, chunk(t, conformance.NewRow(1))); err != nil {
		t.Errorf("another job: %v", err)
	}
}

func TestLockedFileIsToldApart(t *testing.T) {
	dir := t.TempDir()
	s, err := sinkOf[conformance.Row](t, dir, "busy_timeout=1ms")
	if err != nil {
		t.Fatal(err)
	}
	db := database(t, dir)
	exec(t, db, "CREATE TABLE x (a)")
	exec(t, db, "BEGIN IMMEDIATE")
	id := dstream.WriteID{Partitions: 1, Timestamp: 1}
	_, err = s.Write(context.Background(), id, chunk(t, conformance.NewRow(0)))
	var locked *LockedError
	if !errors.As(err, &locked) || !locked.Temporary() || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("got %v", err)
	}
	exec(t, db, "COMMIT")
	if _, err = s.Write(context.Background(), id, chunk(t, conformance.NewRow(0))); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestValuesThatDoNotFit(t *testing.T) {
	type big struct{ N uint64 }
	s, err := sinkOf[big](t, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, chunk(t, big{1}, big{1 << 63}))
	if err == nil || !strings.Contains(err.Error(), "row 1: column N: 9223372036854775808 is beyond") {
		t.Errorf("got %v", err)
	}
	r := dstream.Output{Record: nil, Deleted: []bool{true}}
	for out := range chunk(t, big{1}) {
		r.Record = out.Record
	}
	_, err = s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, func(yield func(dstream.Output, error) bool) { yield(r, nil) })
	if err == nil || !strings.Contains(err.Error(), "no primary key") {
		t.Errorf("got %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, unknown := sinkOf[view](t, dir, "tabel=x")
	_, reserved := sinkOf[view](t, dir, "table=_Tidemill")
	_, folder := sinkOf[view](t, filepath.Join(dir, "none"), "")
	_, empty := sinkOf[struct{}](t, dir, "")
	for want, err := range map[string]error{
		`unknown parameter "tabel"; known are busy_timeout, table`: unknown,
		"cannot be used": reserved, "make it first": folder, "have no columns": empty,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("opening left %v", left)
	}
}

// kinds is what a table can be read into.
type kinds struct {
	Bool   bool
	Int8   int8
	Uint16 uint16
	F32    float32
	F64    float64
	Text   string
	Bytes  []byte
	Fixed  [2]byte
	Time   time.Time
	Dur    time.Duration
	Null   *int64
	Some   *string
}

func TestReadsBackWhatItWrote(t *testing.T) {
	dir := t.TempDir()
	some := "some"
	want := kinds{true, -8, 16, 0.5, 0.1, "ü\x00 and on", []byte{0, 1}, [2]byte{1, 2}, time.Unix(5, 6000).UTC(), time.Minute, nil, &some}
	s, err := sinkOf[kinds](t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(context.Background(), dstream.WriteID{Timestamp: 1}, chunk(t, want)); err != nil {
		t.Fatal(err)
	}
	e, _ := endpoint[kinds](dir, "")
	src, err := openSource(e)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := src.Plan(context.Background(), nil, dstream.Limit{})
	if err != nil || !r.Ended {
		t.Fatal(r, err)
	}
	var got []kinds
	b, _ := rdd.NewBuilder[kinds](4, func(c rdd.Chunk) bool { got = append(got, c.(*rdd.Rows[rdd.None, kinds]).Vals...); return true })
	to := &dstream.Reader{Builder: b, Reject: func(bad dstream.BadRecord) error { return errors.New(bad.Reason) }}
	if _, err := src.Read(context.Background(), r.Splits[0], to); err != nil {
		t.Fatal(err)
	}
	_ = b.Flush()
	if len(got) != 1 || *got[0].Some != some {
		t.Fatalf("got %+v", got)
	}
	got[0].Some = want.Some
	if fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	exec(t, database(t, dir), "UPDATE out SET Text = 'other'")
	if _, err := src.Read(context.Background(), r.Splits[0], to); err == nil || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("a changed table: got %v", err)
	}
}

func BenchmarkUpsert(b *testing.B) {
	type count struct {
		ID int64 `col:"id,key"`
		N  int64 `col:"n"`
	}
	const rows = 50_000
	s, err := sinkOf[count](b, b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	all := make([]count, rows)
	for i := range all {
		all[i] = count{int64(i), int64(i)}
	}
	in := chunk(b, all...)
	b.ResetTimer()
	for n := range b.N {
		if _, err := s.Write(context.Background(), dstream.WriteID{Batch: int64(n + 1), Timestamp: int64(n + 1)}, in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkViews(b *testing.B) {
	s, err := sinkOf[view](b, b.TempDir(), "table=views")
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]view, 100)
	b.ResetTimer()
	for n := range b.N {
		for i := range rows {
			rows[i] = view{fmt.Sprintf("campaign-%03d", i), time.Unix(int64(n)*10, 0), 7}
		}
		if _, err := s.Write(context.Background(), dstream.WriteID{Batch: int64(n + 1), Timestamp: int64(n + 1)}, chunk(b, rows...)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "rows/s")
}
