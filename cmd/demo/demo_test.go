package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver"
)

// TestSpills runs the demo with no more than 1 MiB for blocks: what has no room goes to disk, and the table is the same.
func TestSpills(t *testing.T) {
	bin, dir := filepath.Join(t.TempDir(), "driver"), t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", bin, "../driver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := size{events: 1_000_000, batch: 200_000, spacing: 10 * time.Millisecond, blocks: "1MiB"}
	if err := demo(bin, "../../examples/ads/ads.go", dir, s); err != nil {
		t.Fatal(err)
	}
	batches, err := driver.Batches(filepath.Join(dir, "checkpoint"), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	spilled := int64(0)
	for _, b := range batches {
		spilled += b.Spilled()
	}
	if spilled == 0 {
		t.Error("nothing was spilled: the test shows nothing")
	}
	t.Logf("%d bytes of blocks went to disk", spilled)
}

func TestCompareFindsWhatIsWrong(t *testing.T) {
	want := map[cell]int64{{"a", 0}: 1, {"b", 0}: 2}
	for name, got := range map[string]map[cell]int64{
		"a wrong count":  {{"a", 0}: 1, {"b", 0}: 3},
		"a row missing":  {{"a", 0}: 1},
		"a row too many": {{"a", 0}: 1, {"b", 0}: 2, {"c", 0}: 1},
	} {
		if compare(got, want) == nil {
			t.Errorf("%s: not found", name)
		}
	}
	if err := compare(want, want); err != nil {
		t.Error(err)
	}
}
