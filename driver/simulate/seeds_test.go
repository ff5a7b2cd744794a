package simulate

import (
	"flag"
	"io"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets garbage lie for longer: worlds are small and short.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	goleak.VerifyTestMain(m)
}

var (
	seeds = flag.Int("seeds", 2000, "seeds of TestSeeds")
	first = flag.Uint64("first", 1, "first seed of TestSeeds")
	seed  = flag.Uint64("seed", 0, "run this seed alone in TestSeeds, and print its trace")
)

// expected is what the seeds of a run must have met, or else the world has become too kind.
var expected = []string{
	"redo", "commit found", "fenced", "driver died", "power cut", "driver paused", "takeover", "takeover in a call", "worker paused",
	"message lost", "message doubled", "stale message", "fetch failed", "publish failed", "died while it published", "hopeless",
	"cancel", "second attempt", "set aside", "drained",
}

// TestSeeds runs many worlds. A seed that fails is run again alone with -seed, which prints what happened.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		w := newWorld(*seed, none, os.Stdout)
		w.run()
		t.Logf("batch %d at %v, hash %016x %s", w.watch.committed, w.now, w.hash, w.watch.bad)
		if w.watch.bad != "" {
			t.Fail()
		}
		return
	}
	met, began := map[string]int{}, time.Now()
	for s := *first; s < *first+uint64(*seeds); s++ {
		w := newWorld(s, none, nil)
		if w.run(); w.watch.bad != "" {
			t.Fatalf("seed %d: %s", s, w.watch.bad)
		}
		for what, n := range w.met {
			met[what] += n
		}
	}
	took := time.Since(began)
	t.Logf("%d seeds in %v, %.0f a second: %v", *seeds, took.Round(time.Millisecond), float64(*seeds)/took.Seconds(), met)
	for _, what := range expected {
		if met[what] == 0 && *seeds >= 2000 {
			t.Errorf("no seed met %q: the world has become too kind", what)
		}
	}
}

// TestSameSeedSameTrace runs seeds twice and compares hashes of everything that happened.
func TestSameSeedSameTrace(t *testing.T) {
	hashes := map[uint64]bool{}
	for s := range uint64(100) {
		a, b := newWorld(s+1, none, io.Discard), newWorld(s+1, none, nil)
		a.run()
		b.run()
		if a.hash != b.hash || a.now != b.now {
			t.Errorf("seed %d: two runs differ: %016x at %v, %016x at %v", s+1, a.hash, a.now, b.hash, b.now)
		}
		hashes[a.hash] = true
	}
	if len(hashes) < 100 {
		t.Errorf("only %d traces of 100 seeds differ", len(hashes))
	}
}
