package cqltype

import (
	"slices"
	"strings"
)

// Quote is a name as it stands in a statement: as it is, or in quotes if it has capitals, other characters than letters, digits and _, or
// is a word of CQL's own.
func Quote(name string) string {
	if plain(name) && !reserved(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// QuoteAll quotes names and puts commas between them.
func QuoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = Quote(n)
	}
	return strings.Join(out, ", ")
}

// Literal is a text in a statement.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// plain reports whether a name means itself without quotes: lower case, not beginning with a digit or _.
func plain(name string) bool {
	for i, r := range name {
		switch {
		case r >= 'a' && r <= 'z', i > 0 && (r >= '0' && r <= '9' || r == '_'):
		default:
			return false
		}
	}
	return name != ""
}

// words are CQL's reserved words, those of Cassandra 5.0's ReservedKeywords, sorted.
var words = strings.Fields(`add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop entries
execute from full grant if in index infinity insert into is keyspace limit materialized mbean mbeans modify nan norecursive not null of on or order
primary rename replace revoke schema select set table to token truncate unlogged unset update use using view where with`)

func reserved(name string) bool {
	_, found := slices.BinarySearch(words, name)
	return found
}
