package driver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestAssign(t *testing.T) {
	for _, c := range []struct{ name, now, workers, want string }{
		{"a new job", "- - - - - -", "a b c", "a b c a b c"},
		{"nothing to do", "a b c a b c", "a b c", "a b c a b c"},
		{"a worker comes", "a a a a", "a b", "a a b b"},
		{"a worker goes", "a b c a b c", "a b", "a b a a b b"},
		{"the remainder stays where it is", "a a a b", "a b", "a a b b"},
		{"five over two", "b b b a a", "a b", "b b b a a"},
		{"nobody is there", "a b", "", "- -"},
		{"more workers than partitions", "a a", "a b c", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := strings.Fields(strings.ReplaceAll(c.now, "-", "?"))
			for i, w := range now {
				now[i] = strings.Trim(w, "?")
			}
			got := assign(now, strings.Fields(c.workers))
			for i, w := range got {
				if w == "" {
					got[i] = "-"
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s over %s: %s, want %s", c.now, c.workers, s, c.want)
			}
		})
	}
}

// TestAssignMovesNoMoreThanItMust looks at random cases: every partition has a worker, no worker has two more than another, and as many stay
// as could.
func TestAssignMovesNoMoreThanItMust(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, k := 1+rng.IntN(40), 1+rng.IntN(6)
		var workers []string
		for i := range k {
			workers = append(workers, fmt.Sprint("w", i))
		}
		now := make([]string, n)
		had := map[string]int{}
		for p := range now {
			if w := rng.IntN(k + 3); w < k+2 {
				now[p] = fmt.Sprint("w", w) // two of them are gone
				had[now[p]]++
			}
		}
		got := assign(now, workers)
		load, stayed := map[string]int{}, 0
		for p, w := range got {
			if !slices.Contains(workers, w) {
				t.Fatalf("partition %d of %v is at %q", p, now, w)
			}
			load[w]++
			if w == now[p] {
				stayed++
			}
		}
		fair, rest, most := n/k, n%k, 0
		for _, w := range workers {
			if load[w] < fair || load[w] > fair+1 {
				t.Fatalf("%v over %v: %v", now, workers, load)
			}
			keeps := min(had[w], fair)
			if had[w] > fair && rest > 0 {
				keeps++
				rest--
			}
			most += keeps
		}
		if stayed < most {
			t.Fatalf("%v over %v: %v: %d stayed, %d could", now, workers, got, stayed, most)
		}
	}
}
