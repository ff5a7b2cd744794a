package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The load of a run that is scaled: little enough that one executor has three quarters of the time left.
const (
	scaleInterval = 200 * time.Millisecond
	scaleRate     = 50_000 // events a second
	scaleSeconds  = 30
	mostLate      = 2 // batches, over all changes
)

// scale runs the job on one executor, then on three, then on two.
func scale(o options, w io.Writer) (err error) {
	o.events = scaleRate * scaleSeconds
	o.perBatch = 10 * scaleRate * scaleInterval.Milliseconds() / 1000
	s, err := open(o, w, fmt.Sprintf("generate://ads?seed=1&events=%d&spacing=%v&rate=%d", o.events, spacing, scaleRate), scaleInterval.String(), executors)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(err != nil)) }()
	if err := s.start(executors); err != nil {
		return err
	}
	if err := s.scaleTo(1, 10); err != nil {
		return err
	}
	from := s.tail.Last() + 1
	for _, n := range []int{3, 2} {
		if err := s.scaleTo(n, 30); err != nil {
			return err
		}
	}
	to := s.tail.Last()
	if err := errors.Join(s.end(), s.late(from, to), s.rig.StopExecutors(20*time.Second)); err != nil {
		return err
	}
	return s.check()
}

// scaleTo asks for n executors and lets some batches pass.
func (s *show) scaleTo(n int, batches int64) error {
	cmd := exec.Command(s.o.driver, "scale", "--cluster", s.rig.Cluster(), "ads", strconv.Itoa(n))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("driver scale ads %d: %w: %s", n, err, strings.TrimSpace(string(out)))
	}
	s.say("the job is to have %d executors", n)
	return s.batches(batches)
}

// timed is what is read of `driver batches --json`.
type timed struct {
	Batch    int64
	Outcome  string
	Ticks    int64
	Interval time.Duration
	Timeline struct{ Logged, Committed time.Duration }
}

// late demands that hardly one of some batches was late: committed after its interval, or for several ticks of the clock.
func (s *show) late(from, to int64) error {
	cmd := exec.Command(s.o.driver, "batches", "--checkpoint", filepath.Join(s.dir, "checkpoint"), "--last", "100000", "--json")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("driver batches: %w", err)
	}
	var all []timed
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("driver batches: %w", err)
	}
	late, load, n := judge(all, from, to)
	s.say("%d batches while executors came and went, %d of them late; a batch took %.0f %% of its interval", n, late, 100*load)
	if late > mostLate {
		return fmt.Errorf("%d batches of %d were late, at most %d may be", late, n, mostLate)
	}
	if n == 0 || load > 0.25 {
		return fmt.Errorf("the load was %.0f %% over %d batches: at most 25 %% shows what was meant", 100*load, n)
	}
	return nil
}

// judge counts late batches between two. load is the share of its interval that half of the batches took no more than.
func judge(all []timed, from, to int64) (late int, load float64, n int) {
	var shares []float64
	for _, b := range all {
		if b.Outcome != "committed" || b.Batch < from || b.Batch > to {
			continue
		}
		n++
		if b.Ticks > 1 || b.Timeline.Committed > b.Interval {
			late++
		}
		shares = append(shares, float64(b.Timeline.Committed-b.Timeline.Logged)/float64(b.Interval))
	}
	return late, median(shares), n
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[len(of)/2]
}
