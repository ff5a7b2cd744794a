package config

import (
	"fmt"
	"strings"
)

// Mistake is one thing that is wrong with the configuration.
type Mistake struct {
	// Where is "tidemill.yaml:3", a variable (TIDEMILL_INTERVAL) or a flag (--interval).
	Where string
	// Key is the setting as people write it (memory.blocks), "" if it is about none.
	Key string
	// What is wrong and what to do, without secrets.
	What string
}

// String is the mistake as one line: where, key, what.
func (m Mistake) String() string {
	if m.Key == "" {
		return m.Where + ": " + m.What
	}
	return m.Where + ": " + m.Key + ": " + m.What
}

// Mistakes is all that is wrong with a configuration, in the order of the file, then the environment, then the flags.
type Mistakes []Mistake

// Error has one mistake a line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].String()
	}
	return strings.Join(lines, "\n")
}

// wrong says that the value of k is not accepted because of err.
func wrong(where string, k *Key, err error) Mistake {
	return Mistake{where, k.Display(), fmt.Sprintf("%v; accepted: %s, for example %s", err, k.Accepts, k.Example)}
}

// Nearest is the name with the smallest edit distance to s, or "" if none is near enough to be meant.
func Nearest(s string, names []string) string {
	best, least := "", len(s)/2+1
	for _, n := range names {
		if d := distance(s, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein, 1966: insertions, deletions and substitutions, one row of the table at
// a time. Long inputs are far from every key, so they are not measured.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, substitute)
		}
	}
	return row[len(b)]
}
