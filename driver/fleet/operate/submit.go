package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// Submit has an executor run a job's driver, and returns its name. That with the most free memory is asked first; those that cannot are
// passed over. A driver that shall stand by goes where the job's driver is not. Submit sets the digest of s.
func (c *Cluster) Submit(ctx context.Context, s node.Submission, b fleet.Binary, signer *identity.Credentials) (executor string, err error) {
	s.SHA256 = b.SHA256
	v := c.Look(ctx)
	j, missing := v.named(s.Job)
	if missing != nil {
		j = &Job{}
	}
	switch {
	case s.Standby && j.over():
		return "", fmt.Errorf("job %s does not run, so nothing can stand by for it: submit it without --standby first", s.Job)
	case !s.Standby && j.Host != "":
		return "", fmt.Errorf("job %s was submitted already, its driver is on executor %s: stop it first, or give --standby", s.Job, j.Host)
	case !s.Standby && j.Driver != "":
		return "", fmt.Errorf("job %s runs already (%s): stop it first, or give --standby", s.Job, j.Driver)
	}
	hosts, errs := c.hosts(ctx, append(slices.Clone(j.Standbys), j.Host))
	for _, e := range hosts {
		err := b.Give(ctx, e, s.Job, signer)
		if err == nil {
			err = e.Submit(ctx, s)
		}
		if err == nil {
			return e.name, nil
		}
		errs = append(errs, fmt.Errorf("executor %s: %w", e.name, fleet.ReasonOf(err)))
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		errs = []error{errors.New("every executor has a driver of it already")}
	}
	return "", fmt.Errorf("no executor takes job %s: %w", s.Job, errors.Join(errs...))
}

// hosts are the executors that a driver may run on, the best first, and why the others cannot.
func (c *Cluster) hosts(ctx context.Context, without []string) (out []*executor, why []error) {
	abouts := make([]node.About, len(c.executors))
	errs := c.each(ctx, func(ctx context.Context, i int) (err error) {
		abouts[i], err = c.executors[i].About(ctx)
		return err
	})
	free := map[*executor]int64{}
	for i, e := range c.executors {
		switch a := abouts[i]; {
		case slices.Contains(without, e.name):
		case errs[i] != nil:
			why = append(why, fmt.Errorf("executor %s: %w", e.name, fleet.ReasonOf(errs[i])))
		case a.Draining:
			why = append(why, fmt.Errorf("executor %s is about to stop", e.name))
		case a.OS != runtime.GOOS || a.Arch != runtime.GOARCH:
			why = append(why, fmt.Errorf("executor %s runs %s/%s, the job is built for %s/%s", e.name, a.OS, a.Arch, runtime.GOOS, runtime.GOARCH))
		default:
			free[e] = a.MemoryFree
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *executor) int { return cmp.Compare(free[b], free[a]) })
	return out, why
}
