package operate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/node"
)

const (
	lookAgain = 500 * time.Millisecond // between two looks at what became of a request
	askAgain  = 5 * time.Second        // until a request is made again: its driver may have been restarted
	// atOnce is how long a driver that shall leave at once may take; after that its workers are stopped under it.
	atOnce = 5 * time.Second
)

// StopNow is the N of a request to stop that asks the driver to leave at once, rather than to finish the batch at hand.
const StopNow = 1

// StopOptions say how to stop a job.
type StopOptions struct {
	// Now ends the job without waiting for its batch, which is run again at the next start. A driver that does not react
	// loses its workers.
	Now bool
	// Say is called with each step. Required.
	Say func(text string)
}

// Stop has a job's driver end it in order, and returns when nothing of it runs any more. Drivers that stand by are ended first. An error
// says that there is no such job, or how far it came when ctx ended.
func (c *Cluster) Stop(ctx context.Context, job string, o StopOptions) error {
	v := c.Look(ctx)
	j, err := v.named(job)
	if err != nil {
		return err
	}
	if j.over() {
		return fmt.Errorf("job %s does not run: %s", job, strings.TrimSpace(j.Why))
	}
	for _, name := range j.Standbys {
		if err := c.cancel(ctx, job, name); err != nil {
			return fmt.Errorf("end the driver of job %s that stands by on %s: %w", job, name, err)
		}
		o.Say(fmt.Sprintf("%s: the driver that stood by on %s has ended", job, name))
	}
	if j.Driver == "" && j.Host == "" && !o.Now && len(j.Executors) > 0 {
		return fmt.Errorf("no driver runs job %s; its workers on %s wait for one, and end by themselves; --now ends them", job, strings.Join(j.Executors, ", "))
	}
	s := &stopping{c: c, job: job, o: o, r: node.Request{Kind: node.RequestStop, ID: rand.Text()}}
	if o.Now {
		s.r.N = StopNow
	}
	return s.run(ctx)
}

// cancel ends a submitted driver.
func (c *Cluster) cancel(ctx context.Context, job, name string) error {
	i := slices.IndexFunc(c.executors, func(e *executor) bool { return e.name == name })
	err := c.executors[i].Cancel(ctx, job)
	if errors.Is(err, node.ErrNoJob) {
		return nil
	}
	return err
}

// stopping is a stop under way.
type stopping struct {
	c     *Cluster
	job   string
	o     StopOptions
	r     node.Request
	asked time.Time
	said  string
}

func (s *stopping) run(ctx context.Context) error {
	begin := time.Now()
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		v := s.c.Look(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("job %s has not ended yet: %s", s.job, s.said)
		}
		j, err := v.named(s.job)
		if (err != nil || j.over()) && len(v.Silent) == 0 {
			s.say("stopped")
			return nil
		}
		if err == nil {
			s.push(ctx, j, time.Since(begin))
		} else {
			s.say("stopped, as far as one can see; " + strings.Join(v.Silent, "; "))
			return nil
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// push does what may bring the end nearer.
func (s *stopping) push(ctx context.Context, j *Job, since time.Duration) {
	switch {
	case s.o.Now && since >= atOnce || s.o.Now && j.Driver == "" && j.Host == "":
		s.say(fmt.Sprintf("stopping its workers on %s", strings.Join(j.Executors, ", ")))
		s.c.end(ctx, s.job, j.Host)
	case j.Driver != "":
		if time.Since(s.asked) >= askAgain && s.c.request(ctx, s.job, s.r) == nil {
			s.asked = time.Now()
		}
		s.say(fmt.Sprintf("its driver (%s) %s", j.where(), s.doing()))
	case j.Host != "" && time.Since(s.asked) >= askAgain:
		s.asked = time.Now() // a driver that attends nothing hears nothing
		s.say("ending its driver on " + j.Host)
		s.c.cancel(ctx, s.job, j.Host)
	case j.Host == "":
		s.say(fmt.Sprintf("its driver has ended, workers on %s end", strings.Join(j.Executors, ", ")))
	}
}

func (s *stopping) doing() string {
	if s.o.Now {
		return "leaves at once"
	}
	return "finishes the batch at hand"
}

func (s *stopping) say(text string) {
	if text != s.said {
		s.said = text
		s.o.Say(s.job + ": " + text)
	}
}

// end stops what runs of a job, wherever it does.
func (c *Cluster) end(ctx context.Context, job, host string) {
	if host != "" {
		within, cancel := context.WithTimeout(ctx, answer)
		defer cancel()
		c.cancel(within, job, host) // its driver; whether it has ended is seen at the next look
	}
	c.each(ctx, func(ctx context.Context, i int) error { return c.executors[i].Stop(ctx, job) })
}

// request makes a request of the job's driver through the first executor that it attends.
func (c *Cluster) request(ctx context.Context, job string, r node.Request) error {
	var errs []error
	for _, e := range c.executors {
		within, cancel := context.WithTimeout(ctx, answer)
		err := e.Ask(within, job, r)
		cancel()
		if err == nil {
			return nil
		}
		if !errors.Is(err, node.ErrNoDriver) && !errors.Is(err, node.ErrNoJob) {
			errs = append(errs, fmt.Errorf("executor %s: %w", e.name, fleet.ReasonOf(err)))
		}
	}
	if len(errs) == 0 {
		return fmt.Errorf("job %s: %w", job, node.ErrNoDriver)
	}
	return errors.Join(errs...)
}

// Scale has a job use n executors, 0 for all, and returns when it does, or when it uses all there are. say is called with each step.
func (c *Cluster) Scale(ctx context.Context, job string, n int, say func(text string)) error {
	v := c.Look(ctx)
	j, err := v.named(job)
	if err != nil {
		return err
	}
	if j.over() {
		return fmt.Errorf("job %s does not run: %s", job, strings.TrimSpace(j.Why))
	}
	goal := n
	if n == 0 || n > len(c.executors) {
		goal = len(c.executors)
	}
	if n > len(c.executors) {
		say(fmt.Sprintf("%s: there are %d executors; it takes more as they come", job, goal))
	}
	r := node.Request{Kind: node.RequestScale, N: n, ID: rand.Text()}
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	asked, last := time.Time{}, -1
	for {
		if time.Since(asked) >= askAgain {
			if err = c.request(ctx, job, r); err == nil {
				asked = time.Now()
			}
		}
		v = c.Look(ctx)
		if j, lost := v.named(job); lost == nil && ctx.Err() == nil {
			if last != len(j.Executors) {
				last = len(j.Executors)
				say(job + ": " + towards(last, goal))
			}
			if last == goal && !asked.IsZero() {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return unscaled(job, last, goal, err)
		case <-t.C:
		}
	}
}

func towards(has, goal int) string {
	if has == goal {
		return count(has)
	}
	return fmt.Sprintf("%s, to be %d", count(has), goal)
}

func count(n int) string {
	if n == 1 {
		return "1 executor"
	}
	return fmt.Sprintf("%d executors", n)
}

// unscaled says how far it came. err is that of the last request.
func unscaled(job string, has, goal int, err error) error {
	if err != nil {
		return fmt.Errorf("ask job %s for %s: %w", job, count(goal), err)
	}
	return fmt.Errorf("job %s uses %s, %d asked for: its driver goes on, and its log names those that it cannot use", job, count(has), goal)
}
