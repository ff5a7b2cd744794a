package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// answer is how long an executor may take for a question.
const answer = 5 * time.Second

// Cluster is a cluster as one sees it who is none of its members.
type Cluster struct {
	executors []*executor // by name
}

// executor is a daemon and who it is.
type executor struct {
	name, address string
	daemon
}

// daemon is what people ask of an executor; *node.Client is one. It is the calls of one service, hence more than interfaces here should have.
type daemon interface {
	fleet.Shelf
	About(context.Context) (node.About, error)
	Jobs(context.Context) ([]node.JobStatus, error)
	Ask(ctx context.Context, job string, r node.Request) error
	Stop(ctx context.Context, job string) error
	Cancel(ctx context.Context, job string) error
	Submit(context.Context, node.Submission) error
	Close() error
}

// dial is how an executor is reached.
type dial func(address string) (daemon, error)

// Connect finds the executors of a cluster by the first of the addresses that answers. An error names every address and why it did not.
func Connect(ctx context.Context, addresses []string, c *identity.Credentials) (*Cluster, error) {
	return connect(ctx, addresses, func(address string) (daemon, error) { return node.Dial(address, c) })
}

func connect(ctx context.Context, addresses []string, to dial) (*Cluster, error) {
	if len(addresses) == 0 {
		return nil, errors.New("which cluster? give the address of an executor: --cluster host:port, TIDEMILL_CLUSTER_ADDRESS, or cluster.address in tidemill.yaml")
	}
	var silent []string
	for _, address := range addresses {
		about, err := ask(ctx, address, to)
		if err == nil {
			return reach(members(about, address), to)
		}
		silent = append(silent, fmt.Sprintf("%s: %v", address, fleet.ReasonOf(err)))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("no executor answers: %s", strings.Join(silent, "; "))
}

func ask(ctx context.Context, address string, to dial) (node.About, error) {
	d, err := to(address)
	if err != nil {
		return node.About{}, err
	}
	defer d.Close()
	within, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	about, err := d.About(within)
	switch {
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		return about, fmt.Errorf("no answer for %v", answer)
	case err == nil && about.Engine != node.Engine:
		return about, fmt.Errorf("it has version %s of the engine, this program version %s: install the same one", about.Engine, node.Engine)
	}
	return about, err
}

// members are all that an executor knows, itself under the address that it was found at.
func members(about node.About, address string) map[string]string {
	out := map[string]string{}
	for _, m := range about.Members {
		if name, at, ok := strings.Cut(m, " "); ok {
			out[name] = at
		}
	}
	out[about.Name] = address
	return out
}

func reach(members map[string]string, to dial) (*Cluster, error) {
	c := &Cluster{}
	for name, address := range members {
		d, err := to(address)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.executors = append(c.executors, &executor{name, address, d})
	}
	slices.SortFunc(c.executors, func(a, b *executor) int { return cmp.Compare(a.name, b.name) })
	return c, nil
}

// Close gives up all calls.
func (c *Cluster) Close() error {
	var errs []error
	for _, e := range c.executors {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}

// Addresses are those of all executors, by name.
func (c *Cluster) Addresses() (out []string) {
	for _, e := range c.executors {
		out = append(out, e.address)
	}
	return out
}

// each asks all executors at once, and returns what went wrong at each.
func (c *Cluster) each(ctx context.Context, call func(context.Context, int) error) []error {
	errs := make([]error, len(c.executors))
	var all sync.WaitGroup
	for i := range c.executors {
		all.Go(func() {
			within, cancel := context.WithTimeout(ctx, answer)
			defer cancel()
			if errs[i] = call(within, i); errs[i] != nil && within.Err() != nil && ctx.Err() == nil {
				errs[i] = fmt.Errorf("no answer for %v", answer)
			}
		})
	}
	all.Wait()
	return errs
}
