package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCostIsLinear compares the cost of a task with 1,000 executors and with 10: anything that looks at all executors, or at all
// tasks, for each event is a hundred times dearer there. What remains is the processor's caches.
func TestCostIsLinear(t *testing.T) {
	few, many := cheapest(t, 10, 200), cheapest(t, 1000, 6)
	ratio := float64(many) / float64(few)
	t.Logf("%v a task with 10 executors, %v with 1,000: × %.1f", few, many, ratio)
	if ratio > 6 {
		t.Errorf("a task costs %v with 1,000 executors and %v with 10", many, few)
	}
}

// cheapest is the CPU time of a task in the cheapest of some batches: caches that others empty make batches dearer, never cheaper.
func cheapest(t *testing.T, executors, batches int) time.Duration {
	t.Helper()
	d, err := newDesk(executors)
	if err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for range batches {
		took, _, err := d.batch()
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, took)
	}
	return best / time.Duration(executors*2*tasksEach)
}

// BenchmarkBatch is for profiles.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n, " executors"), func(b *testing.B) {
			d, err := newDesk(n)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, _, err := d.batch(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*2*tasksEach), "ns/task")
		})
	}
}

func TestScenario(t *testing.T) {
	var out strings.Builder
	if err := Scenario(&out, Options{Executors: 100, Batches: 3}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), " µs "); lines != 3 {
		t.Errorf("%d lines with figures, want those of 1, 10 and 100 executors:\n%s", lines, &out)
	}
	if err := Scenario(&out, Options{Executors: -1}); err == nil {
		t.Error("no error for −1 executors")
	}
}
