// Demo shows the engine at work and checks it: it runs examples/ads as a user would, with `driver run`, compares the table that it
// wrote with a count of its own, and prints the top of it.
//
//	demo -driver bin/driver
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	driver := flag.String("driver", "bin/driver", "the driver `binary`")
	job := flag.String("job", "examples/ads/ads.go", "the job `file`")
	events := flag.Int64("events", 5_000_000, "ad events")
	dir := flag.String("dir", "", "`folder` for the table and the checkpoint; default: a temporary one, removed at the end")
	flag.Parse()
	if err := demo(*driver, *job, *dir, *events); err != nil {
		fmt.Fprintln(os.Stderr, "demo: failed:", err)
		os.Exit(1)
	}
}

func demo(driver, job, dir string, events int64) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "tidemill-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	config, table, err := configure(dir, events)
	if err != nil {
		return err
	}
	fmt.Printf("demo: %d ad events → views → campaigns → counts by 10 s window → %s\n", events, table)
	cmd := exec.Command(driver, "run", "--config", config, "--checkpoint", filepath.Join(dir, "checkpoint"), job)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s run: %w", driver, err)
	}
	took, err := tookFor(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	want := truth(events)
	got, err := readTable(table)
	if err != nil {
		return err
	}
	if err := compare(got, want); err != nil {
		return err
	}
	printTop(os.Stdout, got, 5)
	fmt.Printf("demo: ok: %d events in %.1f s, %.2f M events/s, %d rows, every one right\n",
		events, took.Seconds(), float64(events)/took.Seconds()/1e6, len(got))
	return nil
}

// configure writes the demo's configuration: that of examples/ads with a place for the table.
func configure(dir string, events int64) (file, table string, err error) {
	file, table = filepath.Join(dir, "tidemill.yaml"), filepath.Join(dir, "views.db")
	text := fmt.Sprintf(`interval: 50ms
ui: 127.0.0.1:4040
sources:
  ads: "generate://ads?seed=1&events=%d&spacing=%v"
tables:
  campaigns: "generate://campaigns?seed=1"
sinks:
  views: "sqlite://%s?table=views"
limits:
  rows_per_batch: 100000
`, events, spacing, table)
	return file, table, os.WriteFile(file, []byte(text), 0o644)
}

const spacing = 10 * time.Millisecond
