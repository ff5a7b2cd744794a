package ysb

import "time"

// BySteps is the job by hand as its steps are written: a campaign is text, looked up in a map and counted in a map for each window.
// The engine can know no more of it than that: it has to count by whatever the user's function returns. Bare is faster because it
// knows that the keys of the windows come out of the table and gives them numbers.
func BySteps(table []Campaign, rows []Ad) []Views {
	campaign := make(map[string]string, len(table))
	for _, c := range table {
		campaign[c.Ad] = c.ID
	}
	windows := map[int64]map[string]int64{}
	var counts map[string]int64
	start := int64(-windowSeconds)
	for i := range rows {
		if rows[i].Event != "view" {
			continue
		}
		c, ok := campaign[rows[i].ID]
		if !ok {
			continue
		}
		if second := rows[i].At.Unix(); uint64(second-start) >= uint64(windowSeconds) {
			start = second - second%windowSeconds
			if counts = windows[start]; counts == nil {
				counts = map[string]int64{}
				windows[start] = counts
			}
		}
		counts[c]++
	}
	var out []Views
	for start, counts := range windows {
		for c, n := range counts {
			out = append(out, Views{c, time.Unix(start, 0).UTC(), n})
		}
	}
	return out
}
