// Demo shows the engine at work and checks it: it runs examples/ads as a user would, with `driver run`, compares the table that it
// wrote with a count of its own, and prints the top of it.
//
//	demo -driver bin/driver
//	demo -driver bin/driver -services   on real Kafka and Cassandra, killed once on the way; needs Java 17 and Maven
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
	var s size
	onServices := flag.Bool("services", false, "start Kafka and Cassandra and run there")
	flag.Int64Var(&s.events, "events", 0, "ad events; default 40,000,000, on services 3,000,000")
	flag.DurationVar(&s.spacing, "spacing", time.Millisecond, "event time between two of them")
	flag.Int64Var(&s.batch, "batch", 400_000, "most events of a batch")
	flag.StringVar(&s.blocks, "blocks", "256MiB", "memory for blocks: what is more goes to disk")
	dir := flag.String("dir", "", "`folder` for the table and the checkpoint; default: a temporary one, removed at the end")
	flag.Parse()
	run, name := demo, "demo"
	if *onServices {
		run, name = services, "demo-services"
	}
	if s.events == 0 {
		s.events = map[bool]int64{false: 40_000_000, true: 3_000_000}[*onServices]
	}
	if err := run(*driver, *job, *dir, s); err != nil {
		fmt.Fprintln(os.Stderr, name+": failed:", err)
		os.Exit(1)
	}
}

// size is how much there is to do, and with what.
type size struct {
	events, batch int64
	spacing       time.Duration
	blocks        string
}

func demo(driver, job, dir string, s size) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "tidemill-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	config, table, err := configure(dir, s)
	if err != nil {
		return err
	}
	fmt.Printf("demo: %d ad events → views → campaigns → counts by 10 s window → %s\n", s.events, table)
	cmd := exec.Command(driver, "run", "--config", config, "--checkpoint", filepath.Join(dir, "checkpoint"), job)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s run: %w", driver, err)
	}
	took, err := tookFor(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	want := truth(s)
	got, err := readTable(table)
	if err != nil {
		return err
	}
	if err := compare(got, want); err != nil {
		return err
	}
	printTop(os.Stdout, got, 5)
	fmt.Printf("demo: ok: %d events in %.1f s, %.2f M events/s, %d rows, every one right\n",
		s.events, took.Seconds(), float64(s.events)/took.Seconds()/1e6, len(got))
	return nil
}

// configure writes the demo's configuration: that of examples/ads with a place for the table.
func configure(dir string, s size) (file, table string, err error) {
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
  rows_per_batch: %d
memory:
  blocks: %s
`, s.events, s.spacing, table, s.batch, s.blocks)
	return file, table, os.WriteFile(file, []byte(text), 0o644)
}
