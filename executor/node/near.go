package node

import "strings"

// nearest suggests a job for a name that is none, or says which there are. The caller holds the lock.
func (d *daemon) nearest(name string) string {
	best, limit := "", 3
	var names []string
	for n, j := range d.jobs {
		if j.idle() {
			continue
		}
		names = append(names, n)
		if e := edits(n, name); e < limit || e == limit && n < best {
			best, limit = n, e
		}
	}
	switch {
	case best != "" && best != name:
		return "; did you mean " + best + "?"
	case len(names) == 0:
		return "; no job runs here"
	}
	sortNames(names)
	return "; jobs here: " + strings.Join(names, ", ")
}

// edits is the Levenshtein distance of two short names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for k := range len(b) {
			cost := diagonal
			if a[i] != b[k] {
				cost++
			}
			diagonal = row[k+1]
			row[k+1] = min(cost, row[k]+1, row[k+1]+1)
		}
	}
	return row[len(b)]
}
