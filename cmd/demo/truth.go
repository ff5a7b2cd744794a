package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tidemill/tidemill/connectors/generate"
	"github.com/tidemill/tidemill/driver"
)

// cell is a row's key: a campaign and the start of a window, ms since the Unix epoch.
type cell struct {
	campaign string
	window   int64
}

// truth counts in one pass over the generator's events. It shares the definition of the input with the engine, and no code.
func truth(of size) map[cell]int64 {
	s, err := generate.NewAdStream(generate.Ads{Seed: 1, Spacing: of.spacing})
	if err != nil {
		panic(err) // the parameters are constants
	}
	campaigns := map[string]string{}
	for i := range s.Ads.Ads {
		ad, campaign := s.Campaign(i)
		campaigns[ad] = campaign
	}
	counts := map[cell]int64{}
	for n := range of.events {
		e := s.Event(n)
		if e.EventType != "view" {
			continue
		}
		ms := e.EventTime.UnixMilli()
		counts[cell{campaigns[e.AdID], ms - ms%10_000}]++
	}
	return counts
}

// readTable reads what the job wrote.
func readTable(path string) (map[cell]int64, error) {
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
	out := map[cell]int64{}
	for rows.Next() {
		var c cell
		var window time.Time
		var views int64
		if err := rows.Scan(&c.campaign, &window, &views); err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		c.window = window.UnixMilli()
		if _, twice := out[c]; twice {
			return nil, fmt.Errorf("the table has %v twice", c)
		}
		out[c] = views
	}
	return out, rows.Err()
}

// compare names the first few rows that differ.
func compare(got, want map[cell]int64) error {
	var errs []error
	for c, n := range want {
		if got[c] != n && len(errs) < 5 {
			errs = append(errs, fmt.Errorf("campaign %s, window %s: %d views, %d are right", c.campaign, time.UnixMilli(c.window).UTC(), got[c], n))
		}
	}
	for c := range got {
		if _, ok := want[c]; !ok && len(errs) < 5 {
			errs = append(errs, fmt.Errorf("campaign %s, window %s should not be there", c.campaign, time.UnixMilli(c.window).UTC()))
		}
	}
	return errors.Join(errs...)
}

func printTop(w io.Writer, counts map[cell]int64, n int) {
	total := map[string]int64{}
	for c, v := range counts {
		total[c.campaign] += v
	}
	names := make([]string, 0, len(total))
	for name := range total {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if total[a] != total[b] {
			return int(total[b] - total[a])
		}
		return strings.Compare(a, b)
	})
	fmt.Fprintf(w, "%-38s %10s\n", "campaign", "views")
	for _, name := range names[:min(n, len(names))] {
		fmt.Fprintf(w, "%-38s %10d\n", name, total[name])
	}
}

// tookFor is the time from the first batch that was due to the last commit.
func tookFor(checkpoint string) (time.Duration, error) {
	batches, err := driver.Batches(checkpoint, "", 1<<20)
	if err != nil || len(batches) == 0 {
		return 0, fmt.Errorf("the checkpoint has no batches: %w", err)
	}
	first, last := batches[0], batches[len(batches)-1]
	return last.Time.Add(last.Timeline.Committed).Sub(first.Time), nil
}
