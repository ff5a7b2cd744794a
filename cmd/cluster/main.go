package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/cmd/cluster/views"
	"github.com/tidemill/tidemill/connectors/generate"
)

func main() {
	var o options
	flag.StringVar(&o.driver, "driver", "bin/driver", "the driver `binary`")
	flag.StringVar(&o.executor, "executor", "bin/executor", "the executor `binary`")
	flag.StringVar(&o.job, "job", "examples/ads/ads.go", "the job `file`")
	flag.Int64Var(&o.events, "events", 6_000_000, "ad events")
	flag.Int64Var(&o.perBatch, "batch", 50_000, "most events of a batch")
	flag.DurationVar(&o.most, "most", 2*time.Minute, "how long it may take, the build of the job included")
	flag.BoolVar(&o.local, "local", false, "no executors: only the driver is killed")
	scaled := flag.Bool("scale", false, "change the number of executors instead of killing them")
	flag.Parse()
	for _, p := range []*string{&o.driver, &o.executor, &o.job} {
		if abs, err := filepath.Abs(*p); err == nil {
			*p = abs
		}
	}
	run := killed
	if *scaled {
		run = scale
	}
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster: failed:", err)
		os.Exit(1)
	}
}

// executors of the cluster.
const executors = 3

// killed runs the job, and kills an executor and the driver on the way.
func killed(o options, w io.Writer) (err error) {
	n := executors
	if o.local {
		n = 0
	}
	s, err := open(o, w, fmt.Sprintf("generate://ads?seed=1&events=%d&spacing=%v", o.events, spacing), "50ms", n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(err != nil)) }()
	if err := s.start(n); err != nil {
		return err
	}
	if n > 0 {
		if err := s.killExecutor(2); err != nil {
			return err
		}
	}
	if err := s.killDriver(); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := s.rig.StopExecutors(20 * time.Second); err != nil {
		return err
	}
	return s.check()
}

// killExecutor kills an executor within a batch, and starts it again once the others have gone on.
func (s *show) killExecutor(i int) error {
	if err := errors.Join(s.batches(10), s.inBatch()); err != nil {
		return err
	}
	batch, at := s.tail.Last()+1, time.Now()
	if err := s.rig.Executor(i).Kill(); err != nil {
		return err
	}
	if err := s.batches(1); err != nil {
		return err
	}
	s.say("executor ex-%d was killed in batch %d; the next commit came %d ms later", i, batch, time.Since(at).Milliseconds())
	if err := s.batches(10); err != nil {
		return err
	}
	if err := s.rig.StartExecutor(i); err != nil {
		return err
	}
	s.say("executor ex-%d is started again", i)
	return nil
}

// killDriver kills the driver's process within a batch. The command that runs it starts it again.
func (s *show) killDriver() error {
	if err := errors.Join(s.batches(15), s.inBatch()); err != nil {
		return err
	}
	driver, _, ok := s.rig.Leader()
	if !ok {
		return errors.New("no process of the driver's owns the checkpoint")
	}
	batch, epoch, at := s.tail.Last()+1, s.tail.Epoch(), time.Now()
	if err := driver.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the driver: %w", err)
	}
	if err := s.await("another driver", func() bool { return s.tail.Epoch() > epoch }); err != nil {
		return err
	}
	if err := s.batches(1); err != nil {
		return err
	}
	s.say("the driver was killed in batch %d; the next commit, of epoch %d, came %d ms later", batch, s.tail.Epoch(), time.Since(at).Milliseconds())
	return nil
}

// check compares the table with the truth.
func (s *show) check() error {
	want, err := views.Truth(generate.Ads{Seed: 1, Spacing: spacing}, s.o.events)
	if err != nil {
		return err
	}
	got, err := views.Read(s.table())
	if err != nil {
		return err
	}
	if err := views.Compare(got, want); err != nil {
		return err
	}
	fmt.Fprintf(s.w, "cluster: ok: %d events in %d batches, %d rows, every one right\n", s.o.events, s.tail.Last(), len(got))
	return nil
}
