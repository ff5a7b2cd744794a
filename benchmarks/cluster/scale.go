package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

const (
	scaleInterval = 200 * time.Millisecond
	scaleAsked    = 2 // late batches, for all changes
)

// scale changes the number of executors while the job runs: 1, 3, 2.
func scale(ctx context.Context, w io.Writer, o Options) (err error) {
	s, err := o.start(ctx, load{
		name: "scale", executors: 3, use: 1, interval: scaleInterval, keys: o.Keys, first: o.Keys, rate: o.Rate, most: 2 * o.For,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.batches(ctx, calm); err != nil {
		return err
	}
	if n := s.writing(); n != 1 {
		return fmt.Errorf("%d executors have work, 1 is to have it", n)
	}
	from := s.last()
	for _, n := range []int{3, 2} {
		if err := s.scaleTo(ctx, n); err != nil {
			return err
		}
	}
	reports, err := s.reports()
	if err != nil {
		return err
	}
	if err := errors.Join(s.finish(), s.check(reports), hasKeys(reports, o.Keys)); err != nil {
		return err
	}
	all, late := after(reports, from, int64(len(reports))), 0
	for _, b := range all {
		if b.Ticks > 1 || b.Timeline.Committed > scaleInterval {
			late++
		}
	}
	fmt.Fprintf(w, "\nExecutors 1 → 3 → 2, %d keys of state, a batch of %d rows every %v\n", o.Keys, o.Rate*int(scaleInterval)/int(time.Second), scaleInterval)
	fmt.Fprintf(w, "late batches     %d of %d; asked ≤ %d: %s\n", late, len(all), scaleAsked, verdict(late <= scaleAsked))
	fmt.Fprintf(w, "due → committed  %s\n", spread(all, func(b *report.Batch) time.Duration { return b.Timeline.Committed }))
	return nil
}

// scaleTo asks for n executors, waits until as many have work, and lets time pass.
func (s *stand) scaleTo(ctx context.Context, n int) error {
	c := exec.CommandContext(ctx, filepath.Join(s.o.Bin, "driver"), "scale", "--cluster", s.rig.Cluster(), "bench", strconv.Itoa(n))
	c.Dir = s.dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("driver scale bench %d: %w: %s", n, err, strings.TrimSpace(string(out)))
	}
	working := func() (has int) {
		for i := range s.executors {
			if _, ok := s.worker(i + 1); ok {
				has++
			}
		}
		return has
	}
	if err := s.await(ctx, fmt.Sprintf("work for %d executors", n), lookEvery, func() bool { return working() == n && s.writing() == n }); err != nil {
		return err
	}
	return s.pass(ctx, s.o.For)
}
