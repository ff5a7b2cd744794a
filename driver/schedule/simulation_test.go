package schedule

import (
	"flag"
	"io"
	"os"
	"testing"
)

var (
	seeds = flag.Int("seeds", 2000, "seeds of TestSimulation")
	seed  = flag.Uint64("seed", 0, "run this seed alone in TestSimulation, and print its trace")
)

// TestSimulation runs jobs in a world in which everything goes wrong for a second and then no more. After each Step the
// checker looks for broken promises; in the end the job must have halted, and if it may retry for ever, with every
// batch committed.
func TestSimulation(t *testing.T) {
	if *seed != 0 {
		simulate(t, *seed, os.Stdout)
		return
	}
	all := map[string]int{}
	for s := range uint64(*seeds) {
		sum, met := simulate(t, s+1, io.Discard)
		for k, n := range met {
			all[k] += n
		}
		if s%20 == 0 {
			if again, _ := simulate(t, s+1, io.Discard); again != sum {
				t.Fatalf("seed %d: two runs differ", s+1)
			}
		}
	}
	t.Log(all)
	for _, k := range []string{
		"stale report", "missing output", "sub-job", "grant repeated", "lost after grant", "abort", "plan left open",
		"copy", "copy outlived a worker", "set aside", "moved away", "starved", "drained",
	} {
		if all[k] == 0 && *seeds >= 2000 {
			t.Errorf("no run met %q: the world has become too kind", k)
		}
	}
}
