package views

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // database/sql's driver "sqlite"

	"github.com/tidemill/tidemill/connectors/generate"
)

// Cell is a row's key: a campaign and the start of a window, ms since 1970.
type Cell struct {
	Campaign string
	Window   int64
}

// Window is the job's.
const Window = 10 * time.Second

// Truth counts the views among the first so many events.
func Truth(of generate.Ads, events int64) (map[Cell]int64, error) {
	s, err := generate.NewAdStream(of)
	if err != nil {
		return nil, err
	}
	campaigns := map[string]string{}
	for i := range s.Ads.Ads {
		ad, campaign := s.Campaign(i)
		campaigns[ad] = campaign
	}
	counts := map[Cell]int64{}
	for n := range events {
		e := s.Event(n)
		if e.EventType != "view" {
			continue
		}
		ms := e.EventTime.UnixMilli()
		counts[Cell{campaigns[e.AdID], ms - ms%Window.Milliseconds()}]++
	}
	return counts, nil
}

// Read reads the table views of an SQLite file.
func Read(path string) (map[Cell]int64, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query(`SELECT campaign_id, "window", views FROM views`)
	if err != nil {
		return nil, fmt.Errorf("read the table: %w", err)
	}
	defer rows.Close()
	out := map[Cell]int64{}
	for rows.Next() {
		var c Cell
		var window time.Time
		var views int64
		if err := rows.Scan(&c.Campaign, &window, &views); err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		c.Window = window.UnixMilli()
		if _, twice := out[c]; twice {
			return nil, fmt.Errorf("the table has %v twice", c)
		}
		out[c] = views
	}
	return out, rows.Err()
}

// Compare names the first few rows that differ; nil if none does.
func Compare(got, want map[Cell]int64) error {
	var errs []error
	for c, n := range want {
		if got[c] != n && len(errs) < 5 {
			errs = append(errs, fmt.Errorf("campaign %s, window %s: %d views, %d are right", c.Campaign, time.UnixMilli(c.Window).UTC(), got[c], n))
		}
	}
	for c := range got {
		if _, ok := want[c]; !ok && len(errs) < 5 {
			errs = append(errs, fmt.Errorf("campaign %s, window %s should not be there", c.Campaign, time.UnixMilli(c.Window).UTC()))
		}
	}
	return errors.Join(errs...)
}
