package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/rig"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// options are what the flags say.
type options struct {
	driver, executor, job string
	events, perBatch      int64
	most                  time.Duration // for all of it
	local                 bool
}

// show is a cluster that runs the job, and what it is told. It belongs to one goroutine.
type show struct {
	o     options
	w     io.Writer
	dir   string
	rig   *rig.Rig
	tail  *tail.Tail
	until time.Time
	began time.Time
}

// spacing is the event time between two events.
const spacing = time.Millisecond

// open makes a folder, and the configuration of examples/ads for it.
func open(o options, w io.Writer, source, interval string, executors int) (*show, error) {
	dir, err := os.MkdirTemp("", "tidemill-cluster-")
	if err != nil {
		return nil, err
	}
	s := &show{o: o, w: w, dir: dir, tail: tail.Open(filepath.Join(dir, "checkpoint")), until: time.Now().Add(o.most), began: time.Now()}
	config := filepath.Join(dir, "tidemill.yaml")
	text := fmt.Sprintf(`job: ads
interval: %s
ui: "off"
sources:
  ads: %q
tables:
  campaigns: "generate://campaigns?seed=1"
sinks:
  views: "sqlite://%s?table=views"
limits:
  rows_per_batch: %d
rate:
  control: false
scratch: %s
`, interval, source, s.table(), o.perBatch, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	s.rig, err = rig.New(rig.Options{Dir: dir, Driver: o.driver, Executor: o.executor, Executors: executors, Job: o.job, Config: config,
		Checkpoint: filepath.Join(dir, "checkpoint")})
	return s, err
}

func (s *show) table() string { return filepath.Join(s.dir, "views.db") }

// close ends everything. What was left is removed, unless something went wrong: then the folder is named, with its logs.
func (s *show) close(failed bool) error {
	if failed {
		s.rig.Dump()
	}
	if err := s.rig.Close(); err != nil {
		return err
	}
	s.tail.Close()
	if failed {
		s.say("what was left is in %s", s.dir)
		return nil
	}
	return os.RemoveAll(s.dir)
}

func (s *show) say(format string, args ...any) {
	fmt.Fprintf(s.w, "cluster: %5.1f s: %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// start starts all executors and the driver, and waits for the first batch.
func (s *show) start(executors int) error {
	for i := range executors {
		if err := s.rig.StartExecutor(i + 1); err != nil {
			return err
		}
	}
	if _, err := s.rig.StartDriver(false); err != nil {
		return err
	}
	s.say("%d executors and a driver are starting", executors)
	if err := s.await("the first batch", func() bool { return s.tail.Last() > 0 }); err != nil {
		return err
	}
	s.say("the first batch is committed")
	return nil
}

// await waits until something is so. Whatever does not come within the time for all is a failure, and so is a job that ends before.
func (s *show) await(what string, is func() bool) error {
	for !is() {
		if time.Now().After(s.until) {
			return fmt.Errorf("%s has not come within %v; the last batch is %d", what, s.o.most, s.tail.Last())
		}
		for _, d := range s.rig.Ended() {
			_, how := d.Ended()
			return fmt.Errorf("the driver ended before %s: %v\n%s", what, how, lastLines(d.Log))
		}
		time.Sleep(time.Millisecond)
		if err := s.tail.Poll(time.Now()); err != nil {
			return fmt.Errorf("follow the batch log: %w", err)
		}
	}
	return nil
}

// batches waits for so many more.
func (s *show) batches(n int64) error {
	to := s.tail.Last() + n
	return s.await(fmt.Sprintf("batch %d", to), func() bool { return s.tail.Last() >= to })
}

// inBatch waits until a batch is between PLAN and COMMIT.
func (s *show) inBatch() error {
	last := s.tail.Last()
	return s.await("the next PLAN", func() bool { n, open := s.tail.Planned(); return open && n > last })
}

// end waits for the driver to end in order.
func (s *show) end() error {
	for {
		for _, d := range s.rig.Ended() {
			if _, how := d.Ended(); how != nil {
				return fmt.Errorf("the driver ended with %w\n%s", how, lastLines(d.Log))
			}
			return s.tail.Poll(time.Now())
		}
		if time.Now().After(s.until) {
			return fmt.Errorf("the job has not ended within %v; the last batch is %d", s.o.most, s.tail.Last())
		}
		time.Sleep(time.Millisecond)
		if err := s.tail.Poll(time.Now()); err != nil {
			return fmt.Errorf("follow the batch log: %w", err)
		}
	}
}

// lastLines are the last few of a log.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-8, 0):], "\n")
}
