package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/rig"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// load is what a cluster is to do.
type load struct {
	name      string
	executors int
	use       int // of them at first; 0 = all
	interval  time.Duration
	keys      int
	first     int // rows of the first batch
	rate      int
	most      time.Duration // for all of it
	url       string        // of the checkpoint; a folder if empty
}

// stand is a cluster that runs the job. It belongs to one goroutine.
type stand struct {
	load
	o     Options
	dir   string
	rig   *rig.Rig
	tail  *tail.Tail // of a checkpoint in a folder
	until time.Time
	page  string // address of the driver's page
}

// patience is how long anything may take that is not measured: to build the job, to start, to end, to get work back.
const patience = 90 * time.Second

// How often it is looked at what happens: what looks costs CPU time that what is measured lacks, unless there is nothing else to do.
const (
	lookEvery  = 20 * time.Millisecond
	watchEvery = 300 * time.Microsecond // recoveries are as exact as that
)

// start starts executors and driver, and waits until the first batch is committed.
func (o Options) start(ctx context.Context, l load) (s *stand, err error) {
	s = &stand{load: l, o: o, dir: filepath.Join(o.Dir, l.name), until: time.Now().Add(l.most + 2*patience)}
	s.tail = tail.Open(s.checkpoint())
	if err := os.MkdirAll(s.out(), 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(s.dir, "tidemill.yaml")
	if err := os.WriteFile(config, []byte(s.config()), 0o644); err != nil {
		return nil, err
	}
	s.rig, err = rig.New(rig.Options{
		Dir: s.dir, Driver: filepath.Join(o.Bin, "driver"), Executor: filepath.Join(o.Bin, "executor"), Executors: l.executors,
		Job: o.job(), Config: config, Checkpoint: s.checkpoint(),
		Args: []string{"-keys", strconv.Itoa(l.keys), "-first", strconv.Itoa(l.first), "-rate", strconv.Itoa(l.rate), "-splits", strconv.Itoa(l.executors), "-out", s.out()},
	})
	if err != nil {
		return nil, err
	}
	for i := range l.executors {
		if err := s.rig.StartExecutor(i + 1); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	driver, err := s.rig.StartDriver(false)
	if err == nil {
		err = s.await(ctx, "the driver's page", lookEvery, func() bool { s.page = pageIn(driver.Log); return s.page != "" })
	}
	if err == nil {
		err = s.await(ctx, "the first batch", lookEvery, func() bool { return s.last() > 0 })
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stand) out() string { return filepath.Join(s.dir, "out") }

func (s *stand) checkpoint() string {
	if s.url != "" {
		return s.url
	}
	return filepath.Join(s.dir, "checkpoint")
}

func (s *stand) config() string {
	return fmt.Sprintf(`job: bench
interval: %v
ui: 127.0.0.1:0
keep_batches: 1000000
rate:
  control: false
cluster:
  executors: %d
scratch: %q
`, s.interval, s.use, s.dir)
}

// pageIn finds the address of the page in what a driver has printed.
func pageIn(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(text), ": page at ")
	line, _, whole := strings.Cut(after, "\n")
	if !whole {
		return ""
	}
	address, _, _ := strings.Cut(line, " ")
	return strings.TrimSuffix(address, "/")
}

// last is the last batch that is committed, as far as it has been seen.
func (s *stand) last() int64 {
	if s.url == "" {
		return s.tail.Last()
	}
	got, err := s.fetch(1, 0)
	if err != nil || len(got) == 0 {
		return 0
	}
	return got[0].Batch
}

// await looks every so often whether something is so. Whatever does not come in time is an error, and so is a process that ends before.
func (s *stand) await(ctx context.Context, what string, every time.Duration, is func() bool) error {
	for {
		if s.url == "" {
			if err := s.tail.Poll(time.Now()); err != nil {
				return fmt.Errorf("follow the batch log: %w", err)
			}
		}
		if is() {
			return nil
		}
		for _, d := range s.rig.Ended() {
			_, how := d.Ended()
			return fmt.Errorf("the driver ended before %s: %v\n%s", what, how, end(d.Log))
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(s.until):
			return fmt.Errorf("%s has not come in time; the last batch is %d", what, s.last())
		}
		time.Sleep(every)
	}
}

// batches waits for so many more.
func (s *stand) batches(ctx context.Context, n int64) error {
	to := s.last() + n
	return s.await(ctx, fmt.Sprintf("batch %d", to), lookEvery, func() bool { return s.last() >= to })
}

// pass lets time pass in which the job has to run.
func (s *stand) pass(ctx context.Context, d time.Duration) error {
	to := time.Now().Add(d)
	return s.await(ctx, "the end of the run", lookEvery, func() bool { return !time.Now().Before(to) })
}

// worker is the pid of executor i's worker, if it has one.
func (s *stand) worker(i int) (pid int, ok bool) {
	all := s.rig.Workers(i)
	if len(all) == 0 {
		return 0, false
	}
	return all[0].Number, true
}

// writes tells whether executor i has a worker that has written something.
func (s *stand) writes(i int) bool {
	pid, ok := s.worker(i)
	if !ok {
		return false
	}
	_, err := os.Stat(filepath.Join(s.out(), strconv.Itoa(pid)))
	return err == nil
}

// writing counts the executors that do.
func (s *stand) writing() (n int) {
	for i := range s.executors {
		if s.writes(i + 1) {
			n++
		}
	}
	return n
}

// finish lets the driver and the executors end in order.
func (s *stand) finish() error {
	for _, d := range s.rig.Drivers() {
		if err := d.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if ended, how := d.Wait(patience); !ended || how != nil {
			return fmt.Errorf("the driver was asked to end: ended %t, %v\n%s", ended, how, end(d.Log))
		}
	}
	return s.rig.StopExecutors(patience)
}

// close kills what runs. What was written stays until the scenario ends.
func (s *stand) close() error { return errors.Join(s.rig.Close(), s.tail.Close()) }

// end is the last few lines of a log.
func end(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-8, 0):], "\n")
}
