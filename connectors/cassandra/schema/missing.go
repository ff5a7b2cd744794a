package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
)

// MissingError says that there is no such keyspace, or no such table in it.
type MissingError struct {
	Keyspace string
	Table    string   // empty: the keyspace itself is missing
	Have     []string // the keyspaces, or the keyspace's tables, that there are
	Make     string   // the statement that makes it; empty = not known. Whoever knows the row type sets it.
}

// Error says what is missing, what has a similar name, and how to make it.
func (e *MissingError) Error() string {
	what, name := "keyspace "+cqltype.Quote(e.Keyspace), e.Keyspace
	if e.Table != "" {
		what, name = "table "+cqltype.Quote(e.Table)+" in keyspace "+cqltype.Quote(e.Keyspace), e.Table
	}
	have := slices.DeleteFunc(slices.Clone(e.Have), func(n string) bool { return e.Table == "" && own(n) && !own(name) })
	text := "there is no " + what + didYouMean(have, name)
	switch {
	case len(have) > 20:
		text += fmt.Sprintf("; there are %s and %d more", strings.Join(have[:20], ", "), len(have)-20)
	case len(have) > 0:
		text += "; there are " + strings.Join(have, ", ")
	}
	if e.Make != "" {
		text += "; to make it: " + e.Make
	}
	return text
}

// own reports whether a keyspace is Cassandra's.
func own(keyspace string) bool { return keyspace == "system" || strings.HasPrefix(keyspace, "system_") }

func createKeyspace(name string) string {
	return "CREATE KEYSPACE " + cqltype.Quote(name) +
		" WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}; with less than 3 nodes, write their number instead"
}

// didYouMean is a question after the name that is a typing error or another spelling away.
func didYouMean(names []string, name string) string {
	best, least := "", len(name)/3+1
	for _, n := range names {
		if d := distance(plain(n), plain(name)); d <= least && (best == "" || d < least) {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", cqltype.Quote(best))
}

// plain makes EventTime and event_time the same.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
