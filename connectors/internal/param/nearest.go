package param

import (
	"slices"
	"strings"
)

// Nearest lists up to three names that are a few letters from the one given, the nearest first. Case counts as nothing.
func Nearest(name string, of []string) []string {
	var out []string
	most := max(2, len(name)/3)
	for d := 0; d <= most && len(out) < 3; d++ {
		for _, n := range of {
			if len(out) < 3 && n != name && distance(strings.ToLower(name), strings.ToLower(n)) == d {
				out = append(out, n)
			}
		}
	}
	return out
}

// distance is Levenshtein's: how many letters have to be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Hint asks whether one of the known names was meant, to stand behind an error; "" if none is near.
func Hint(name string, known []string) string {
	if near := Nearest(name, known); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// Listing lists the names that are known, each once, with a Hint which of them name may have been.
func Listing(name string, known ...[]string) string {
	var all []string
	for _, n := range slices.Concat(known...) {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return strings.Join(all, ", ") + Hint(name, all)
}
