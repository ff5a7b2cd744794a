package measure

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// took makes a contestant whose runs take what is given, and counts them.
func took(name string, runs *int, c Cost) Contestant {
	return Contestant{name, func() (Cost, error) { *runs++; return c, nil }}
}

func TestContest(t *testing.T) {
	var out strings.Builder
	var slow, fast, faster int
	err := Contest{Unit: "event", Count: 2_000_000, Pairs: 3, Warm: 2}.Print(&out,
		took("slow", &slow, Cost{CPU: 2 * time.Second, Wall: 4 * time.Second}),
		took("fast", &fast, Cost{CPU: time.Second, Wall: time.Second, Allocs: 1_000_000}),
		took("faster", &faster, Cost{CPU: 500 * time.Millisecond, Wall: time.Second}))
	if err != nil || slow != 10 || fast != 5 || faster != 5 {
		t.Fatalf("%d, %d and %d runs: %v", slow, fast, faster, err)
	}
	want := [][]string{
		{"M", "events", "per", "CPU-second", "M", "events/s", "of", "wall", "time", "allocations/event", "×", "slow,", "CPU", "wall"},
		{"slow", "1", "(1–1)", "0.5", "(0.5–0.5)", "–", "1", "1"},
		{"fast", "2", "(2–2)", "2", "(2–2)", "0.5", "2", "(2–2)", "4", "(4–4)"},
		{"faster", "4", "(4–4)", "2", "(2–2)", "–", "4", "(4–4)", "4", "(4–4)"},
	}
	for i, line := range strings.Split(strings.TrimRight(out.String(), "\n"), "\n") {
		if got := strings.Fields(line); strings.Join(got, " ") != strings.Join(want[i], " ") {
			t.Errorf("line %d: %q, want %q", i, got, want[i])
		}
	}
}

// A wrong result, of whom and when ever, leaves no table.
func TestContestWithAWrongResult(t *testing.T) {
	for _, of := range []string{"a", "b"} {
		for at := 1; at <= 3; at++ {
			runs := 0
			one := func(name string) Contestant {
				return Contestant{name, func() (Cost, error) {
					if name == of {
						if runs++; runs == at {
							return Cost{}, errors.New("a row too many")
						}
					}
					return Cost{CPU: 1, Wall: 1}, nil
				}}
			}
			var out strings.Builder
			err := Contest{Unit: "row", Count: 1, Pairs: 2, Warm: 1}.Print(&out, one("a"), one("b"))
			if err == nil || err.Error() != of+": a row too many" || out.Len() > 0 {
				t.Errorf("run %d of %s: %v, and printed %q", at, of, err, &out)
			}
		}
	}
}
