package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

const (
	recoveryInterval = 100 * time.Millisecond
	recoveryAsked    = 2 * time.Second
	calm             = 10 // batches between two kills, at least
)

// outage is how long batches took to go on after a kill.
type outage struct {
	next  time.Duration // to the next COMMIT
	fresh time.Duration // to that of a batch that was planned after the kill
}

// recovery kills executors.
func recovery(ctx context.Context, w io.Writer, o Options) (err error) {
	s, err := o.start(ctx, load{
		name: "recovery", executors: 3, interval: recoveryInterval, keys: o.Keys, first: o.Keys, rate: o.Rate, most: time.Duration(o.Kills) * 30 * time.Second,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var outages []outage
	random := rand.New(rand.NewPCG(o.Seed, 0))
	for range o.Kills {
		one, err := s.outage(ctx, 1+random.IntN(s.executors), time.Duration(random.Int64N(int64(time.Second))))
		if err != nil {
			return fmt.Errorf("kill %d: %w", len(outages)+1, err)
		}
		outages = append(outages, one)
	}
	reports, err := s.reports()
	if err != nil {
		return err
	}
	if err := errors.Join(s.finish(), s.check(reports), hasKeys(reports, o.Keys)); err != nil {
		return err
	}
	printOutages(w, o, outages)
	return nil
}

// outage kills executor i once all have work and some time has passed, and starts it again when batches go on.
func (s *stand) outage(ctx context.Context, i int, after time.Duration) (o outage, err error) {
	err = s.await(ctx, "a part of the work at each executor", lookEvery, func() bool { return s.writing() == s.executors })
	if err != nil {
		return o, err
	}
	if err := errors.Join(s.batches(ctx, calm), s.pass(ctx, after)); err != nil {
		return o, err
	}
	if err := s.tail.Poll(time.Now()); err != nil {
		return o, err
	}
	commits, planned := len(s.tail.Commits()), s.last()
	if n, open := s.tail.Planned(); open {
		planned = n
	}
	killed := time.Now()
	if err := s.rig.Executor(i).Kill(); err != nil {
		return o, err
	}
	if err := s.await(ctx, "a batch after a kill", watchEvery, func() bool { return s.last() > planned }); err != nil {
		return o, err
	}
	all := s.tail.Commits()
	o.next, o.fresh = all[commits].At.Sub(killed), all[len(all)-1].At.Sub(killed)
	return o, s.rig.StartExecutor(i)
}

// hasKeys makes sure that the state was as large as is said.
func hasKeys(reports []*report.Batch, keys int) error {
	for _, step := range reports[len(reports)-1].Steps {
		if step.Keys == keys {
			return nil
		}
	}
	return fmt.Errorf("no step has %d keys of state at the end", keys)
}

func printOutages(w io.Writer, o Options, outages []outage) {
	fmt.Fprintf(w, "\nOne of 3 executors killed, %d times; %d keys of state, a batch of %d rows every %v, seed %d\n",
		len(outages), o.Keys, o.Rate*int(recoveryInterval)/int(time.Second), recoveryInterval, o.Seed)
	next := ordered(outages, func(o outage) time.Duration { return o.next })
	fmt.Fprintf(w, "kill → next COMMIT                    %s; asked p95 ≤ %v: %s\n", recoveries(next), recoveryAsked, verdict(rank(next, 0.95) <= recoveryAsked))
	fresh := ordered(outages, func(o outage) time.Duration { return o.fresh })
	fmt.Fprintf(w, "kill → COMMIT of a batch planned later  %s\n", recoveries(fresh))
}

func ordered(outages []outage, of func(outage) time.Duration) []time.Duration {
	var out []time.Duration
	for _, o := range outages {
		out = append(out, of(o))
	}
	slices.Sort(out)
	return out
}

// rank is the smallest of the sorted times that a share of them does not exceed.
func rank(sorted []time.Duration, share float64) time.Duration {
	n := len(sorted)
	for i := range n {
		if float64(i+1) >= share*float64(n) {
			return sorted[i]
		}
	}
	return sorted[n-1]
}

func recoveries(sorted []time.Duration) string {
	return fmt.Sprintf("p50 %.0f, p95 %.0f, max %.0f ms", ms(rank(sorted, 0.5)), ms(rank(sorted, 0.95)), ms(sorted[len(sorted)-1]))
}
