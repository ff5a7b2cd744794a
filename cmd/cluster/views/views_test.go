package views

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/generate"
)

func TestTruth(t *testing.T) {
	counts, err := Truth(generate.Ads{Seed: 1, Spacing: time.Second}, 300)
	if err != nil {
		t.Fatal(err)
	}
	total, windows := int64(0), map[int64]bool{}
	for c, n := range counts {
		total += n
		windows[c.Window] = true
	}
	if total < 70 || total > 130 || len(windows) < 25 || len(windows) > 30 { // a third of the events are views
		t.Errorf("%d views in %d windows", total, len(windows))
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE views (campaign_id TEXT, "window" TIMESTAMP, views INTEGER);
		INSERT INTO views VALUES ('a', '2026-01-01 00:00:10.000000', 7)`); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || fmt.Sprint(got) != "map[{a 1767225610000}:7]" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := db.Exec(`INSERT INTO views VALUES ('a', '2026-01-01 00:00:10.000000', 7)`); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil {
		t.Error("a row that is there twice is not seen")
	}
}

func TestCompare(t *testing.T) {
	want := map[Cell]int64{{"a", 0}: 1, {"b", 0}: 2}
	for name, got := range map[string]map[Cell]int64{
		"a wrong count":  {{"a", 0}: 1, {"b", 0}: 3},
		"a row missing":  {{"a", 0}: 1},
		"a row too many": {{"a", 0}: 1, {"b", 0}: 2, {"c", 0}: 1},
	} {
		if Compare(got, want) == nil {
			t.Errorf("%s: not found", name)
		}
	}
	if err := Compare(want, want); err != nil {
		t.Error(err)
	}
}
