package cluster

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
	"go.uber.org/goleak"
)

// The thread that package rig starts processes from lasts as long as the program.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

func TestWant(t *testing.T) {
	// Keys 0 1 2, 0 1: rows 3 and 4 are the second of keys 0 and 1.
	if got, is := want(3, 5, 3), (sums{rows: 2, keys: 1, counts: 4, products: 2}); got != is {
		t.Errorf("got %+v, want %+v", got, is)
	}
	// All keys, more than once in the batch: each is written with its last count.
	if got, is := want(0, 6, 3), (sums{rows: 3, keys: 3, counts: 6, products: 6}); got != is {
		t.Errorf("got %+v, want %+v", got, is)
	}
}

// batches with so many rows each.
func batches(rows ...int64) (out []*report.Batch) {
	for i, n := range rows {
		out = append(out, &report.Batch{Batch: int64(i + 1), Sources: []report.Source{{Delivered: n}}})
	}
	return out
}

func TestCheck(t *testing.T) {
	right := map[string]string{"1": "1 0 2 2 2 2\n1 1 1 1 1 1\n", "2": "2 0 1 0 2 0\n2 1 1 1 2 2\n1 1 1 1 1 1\n"}
	for _, c := range []struct {
		name, file, text, err string
	}{
		{"right, with a write that came twice", "2", right["2"], ""},
		{"a line that was cut off", "2", right["2"] + "2 1 1", ""},
		{"a row lost", "2", "2 0 1 0 2 0\n", "batch 2, rows 3 to 5"},
		{"a row counted twice", "2", "2 0 1 0 3 0\n2 1 1 1 2 2\n", "batch 2"},
		{"two writes that differ", "2", right["2"] + "2 1 1 1 3 3\n", "and then"},
		{"no line at all", "2", "x\n", "2: \"x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range right {
				if name == c.file {
					text = c.text
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := written(dir)
			if err == nil {
				err = compare(got, batches(3, 2), 3)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
		})
	}
}

func TestRank(t *testing.T) {
	var of []time.Duration
	for i := range 20 {
		of = append(of, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{0.5: 10, 0.95: 19, 1: 20} {
		if got := rank(of, share); got != want {
			t.Errorf("%v of 20 is %d, want %d", share, got, want)
		}
	}
}

func TestPageIsFoundInWhatTheDriverPrints(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for text, want := range map[string]string{
		"bench: page at http://127.0.0.1:1234/ (the port asked for was taken)\n": "http://127.0.0.1:1234",
		"bench: page at http://127.0.0.1:1234\nmore":                             "http://127.0.0.1:1234",
		"bench: page at http://127.0.0.1:12":                                     "", // the line is not whole yet
		"":                                                                       "",
	} {
		if err := os.WriteFile(log, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := pageIn(log); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, o := range []Options{{What: "empty,speed"}, {Kills: -1}, {Batches: 3}, {Checkpoint: "paper"}, {Interval: time.Microsecond}} {
		if err := Scenario(context.Background(), io.Discard, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// All of it with real processes, at a size at which its figures mean nothing.
func TestScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("builds commands and runs a cluster four times")
	}
	var out strings.Builder
	o := Options{Batches: 40, Interval: 50 * time.Millisecond, For: time.Second, Rate: 2000, Keys: 5000, Kills: 1, Dir: t.TempDir()}
	if err := Scenario(t.Context(), &out, o); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"CPU of all processes", "due → committed", "kill → next COMMIT", "late batches"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
