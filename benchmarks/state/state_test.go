package state

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestScenario runs all of it, small: results are checked on the way.
func TestScenario(t *testing.T) {
	var out strings.Builder
	if err := Scenario(&out, Options{Keys: 5000, Touched: 300, Batches: 40, Interval: -1, Pairs: 1, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"deltas only", "with snapshots", "% to p90", "M keys/s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestWrongTotalsAreSeen(t *testing.T) {
	o, err := Options{Keys: 1000, Dir: t.TempDir()}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Options{Keys: -1}).withDefaults(); err == nil {
		t.Error("a negative number of keys passed")
	}
	e := &engine{o: o, sink: &totals{keys: 1000, rows: 1999}, row: 2000}
	if err := e.compare(1000); err == nil {
		t.Error("a row too few passed")
	}
	e.sink.rows++
	if err := e.compare(1000); err != nil {
		t.Error(err)
	}
}
