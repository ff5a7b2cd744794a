package ledger

import "strings"

// Cell is the key of a row of a table: an account or a branch, and the start of a window in ms since 1970.
type Cell struct {
	Name  string `json:"name"`
	Start int64  `json:"start"`
}

// Total is what a row of a table says.
type Total struct {
	Entries int64 `json:"entries"`
	Sum     int64 `json:"sum"`
}

// Line is what the journal says of an entry.
type Line struct {
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

// Post is a moment in the life of an account: after so many entries.
type Post struct {
	Account string `json:"account"`
	Entries int64  `json:"entries"`
}

// Truth is what a job must have written once its input has ended.
type Truth struct {
	Accounts, Branches map[Cell]Total
	Journal            map[int64]Line
	Balances           map[Post]int64   // after each entry; which of them are written depends on where batches end
	Entries            map[string]int64 // of each account, in the end
}

// TruthOf folds the entries in their order.
func TruthOf(s Size) Truth {
	t := Truth{map[Cell]Total{}, map[Cell]Total{}, make(map[int64]Line, s.Rows), make(map[Post]int64, s.Rows), map[string]int64{}}
	length := s.Window.Milliseconds()
	for n := range s.Rows {
		e := s.Entry(n)
		before := Post{e.Account, t.Entries[e.Account]}
		t.Entries[e.Account]++
		t.Balances[Post{e.Account, before.Entries + 1}] = t.Balances[before] + e.Amount
		t.Journal[e.ID] = Line{e.Account, e.Amount}
		start := e.At - e.At%length
		branch, _, _ := strings.Cut(e.Account, "-")
		count(t.Accounts, Cell{e.Account, start}, e.Amount)
		count(t.Branches, Cell{branch, start}, e.Amount)
	}
	return t
}

func count(in map[Cell]Total, at Cell, amount int64) {
	t := in[at]
	t.Entries++
	t.Sum += amount
	in[at] = t
}
