package ledger

import "fmt"

// Row is a row that was found, in the order in which it was.
type Row[K, V comparable] struct {
	Key   K `json:"k"`
	Value V `json:"v"`
}

// Outputs are what a job has written, as it was read.
type Outputs struct {
	Accounts []Row[Cell, Total] `json:"accounts"`
	Branches []Row[Cell, Total] `json:"branches"`
	Journal  []Row[int64, Line] `json:"journal"`
	Balances []Row[Post, int64] `json:"balances"`
	Torn     []string           `json:"torn,omitempty"` // what cannot be read although it was published, and why
}

// Verdict counts what is not right. The zero value says that all is.
type Verdict struct {
	Lost     int64    `json:"lost"`               // rows that should be there
	Doubled  int64    `json:"doubled"`            // rows that are there once more than they should
	Wrong    int64    `json:"wrong"`              // rows with another content, rows that nobody should have written, and files that are torn
	Findings []string `json:"findings,omitempty"` // the first few of each, for a person
}

// Good tells whether nothing is amiss.
func (v *Verdict) Good() bool { return v.Lost == 0 && v.Doubled == 0 && v.Wrong == 0 }

// Add counts another verdict in.
func (v *Verdict) Add(o Verdict) {
	v.Lost, v.Doubled, v.Wrong = v.Lost+o.Lost, v.Doubled+o.Doubled, v.Wrong+o.Wrong
	v.Findings = append(v.Findings, o.Findings...)
}

// maxFindings of each kind are described; all are counted.
const maxFindings = 5

func (v *Verdict) note(n *int64, format string, args ...any) {
	if *n++; *n <= maxFindings {
		v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
	}
}

// Judge compares outputs with the truth. While a job runs, complete is false: what is there must be right, and something may be missing.
func Judge(want Truth, got Outputs, complete bool) Verdict {
	var v Verdict
	compare(&v, "accounts", want.Accounts, got.Accounts, complete)
	compare(&v, "branches", want.Branches, got.Branches, complete)
	compare(&v, "journal", want.Journal, got.Journal, complete)
	compare(&v, "balances", want.Balances, got.Balances, false)
	if complete {
		final(&v, want.Entries, got.Balances)
	}
	for _, t := range got.Torn {
		v.note(&v.Wrong, "torn: %s", t)
	}
	return v
}

func compare[K, V comparable](v *Verdict, sink string, want map[K]V, got []Row[K, V], complete bool) {
	seen := make(map[K]bool, len(got))
	for _, r := range got {
		right, known := want[r.Key]
		switch {
		case !known:
			v.note(&v.Wrong, "%s: %v with %v should not be there", sink, r.Key, r.Value)
		case r.Value != right:
			v.note(&v.Wrong, "%s: %v has %v, %v is right", sink, r.Key, r.Value, right)
		}
		if seen[r.Key] {
			v.note(&v.Doubled, "%s: %v is there again, with %v", sink, r.Key, r.Value)
		}
		seen[r.Key] = true
	}
	if !complete {
		return
	}
	for k, right := range want {
		if !seen[k] {
			v.note(&v.Lost, "%s: %v with %v is missing", sink, k, right)
		}
	}
}

// final demands that the last balance of each account was written.
func final(v *Verdict, entries map[string]int64, got []Row[Post, int64]) {
	last := map[string]int64{}
	for _, r := range got {
		last[r.Key.Account] = max(last[r.Key.Account], r.Key.Entries)
	}
	for account, n := range entries {
		if last[account] < n {
			v.note(&v.Lost, "balances: that of %s after all its %d entries is missing", account, n)
		}
	}
}

// JudgeIDs demands each number below n exactly once.
func JudgeIDs(n int64, got []int64, torn []string) Verdict {
	var v Verdict
	seen := make([]bool, n)
	for _, id := range got {
		switch {
		case id < 0 || id >= n:
			v.note(&v.Wrong, "id %d should not be there", id)
		case seen[id]:
			v.note(&v.Doubled, "id %d is there again", id)
		default:
			seen[id] = true
		}
	}
	for id, there := range seen {
		if !there {
			v.note(&v.Lost, "id %d is missing", id)
		}
	}
	for _, t := range torn {
		v.note(&v.Wrong, "torn: %s", t)
	}
	return v
}
