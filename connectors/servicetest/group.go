package servicetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 5 * time.Minute // for nodes to be ready: seconds, but for machines with far more to do than cores
	stopLimit  = time.Minute     // for nodes to end by themselves
)

// group is what all values for one cluster share.
type group struct {
	release  release
	noun     string // "broker", "node"
	dir      string
	subnet   *subnet
	nodes    []*node
	ready    func(ctx context.Context, i int) error // asks node i once
	progress io.Writer                              // never nil; of a test only while it starts the cluster
	lent     bool                                   // it belongs to the process that started this one

	closing sync.Once
	closed  error
}

// claimGroup claims addresses and a folder for a cluster: dir, or one that goes away with the addresses.
func claimGroup(r release, dir string, progress io.Writer) (*group, error) {
	if dir != "" {
		var err error
		if dir, err = emptyFolder(dir); err != nil {
			return nil, err
		}
	}
	s, err := claim()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir = s.folder
	}
	return &group{release: r, dir: dir, subnet: s, progress: progress}, nil
}

// emptyFolder makes dir, or checks that nothing is in it.
func emptyFolder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	files, err := os.ReadDir(dir)
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("%s is not empty: a cluster starts without data", dir)
	}
	return dir, err
}

func (g *group) close() error {
	g.closing.Do(func() {
		if !g.lent {
			g.closed = errors.Join(g.end(syscall.SIGKILL, nil), g.subnet.release())
		}
	})
	return g.closed
}

// which are the nodes that a call is for.
func (g *group) which(nodes []int) ([]int, error) {
	if g.lent {
		return nil, fmt.Errorf("%v belongs to the process that started this one, which alone starts and ends its %ss", g.release, g.noun)
	}
	for _, i := range nodes {
		if i < 0 || i >= len(g.nodes) {
			return nil, fmt.Errorf("%v has no %s %d: the last one is %d", g.release, g.noun, i, len(g.nodes)-1)
		}
	}
	if len(nodes) == 0 {
		for i := range g.nodes {
			nodes = append(nodes, i)
		}
	}
	return nodes, nil
}

// end sends nodes a signal that ends them, and then waits for all.
func (g *group) end(s syscall.Signal, nodes []int) error {
	nodes, err := g.which(nodes)
	if err != nil {
		return err
	}
	for _, i := range nodes {
		if err := g.nodes[i].end(s); err != nil {
			return fmt.Errorf("%v: end %s %d: %w", g.release, g.noun, i, err)
		}
	}
	for _, i := range nodes {
		if c := g.nodes[i].current(); c != nil {
			if e := c.gone(stopLimit); e != nil {
				err = errors.Join(err, fmt.Errorf("%v: end %s %d: %w; the end of its log, %s", g.release, g.noun, i, e, tailOf(g.nodes[i].log)))
			}
		}
	}
	return err
}

func (g *group) pause(paused bool, nodes []int) error {
	nodes, err := g.which(nodes)
	if err != nil {
		return err
	}
	for _, i := range nodes {
		if err := g.nodes[i].pause(paused); err != nil {
			return fmt.Errorf("%v: pause or resume %s %d: %w", g.release, g.noun, i, err)
		}
	}
	return nil
}

// start starts the nodes that do not run, together, and waits until all are ready.
func (g *group) start(ctx context.Context, progress io.Writer, nodes []int) error {
	began := time.Now()
	nodes, err := g.which(nodes)
	if err != nil {
		return err
	}
	launched := 0
	for _, i := range nodes {
		ran, err := g.nodes[i].launch(g.subnet.lock, g.logSizes())
		if err != nil {
			return fmt.Errorf("%v: start %s %d: %w", g.release, g.noun, i, err)
		}
		if !ran {
			launched++
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %v", startLimit))
	defer cancel()
	for _, i := range nodes {
		if err := g.await(ctx, i); err != nil {
			return err
		}
	}
	if launched > 0 {
		say(progress, "%v: %s up after %.1f s", g.release, count(launched, g.noun), time.Since(began).Seconds())
	}
	return nil
}

// await waits until node i is ready, dead, or ctx is done.
func (g *group) await(ctx context.Context, i int) error {
	nd := g.nodes[i]
	c := nd.current()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := poll(ctx, func() error {
		if c.ended() {
			cancel(fmt.Errorf("it has ended (%v)", c.how()))
		}
		return g.ready(ctx, i)
	})
	if err != nil {
		return fmt.Errorf("%v: %s %d: %w; the end of its log, %s", g.release, g.noun, i, err, tailOf(nd.log))
	}
	return nil
}

// up are the nodes that run and are not paused.
func (g *group) up() (out []int) {
	for i, nd := range g.nodes {
		if g.lent || nd.awake() {
			out = append(out, i)
		}
	}
	return out
}

// revive brings a cluster that a test left behind back to all nodes running.
func (g *group) revive(ctx context.Context, progress io.Writer) error {
	if g.lent {
		return nil
	}
	for i, nd := range g.nodes {
		if nd.stopped() {
			if err := g.pause(false, []int{i}); err != nil {
				return err
			}
		}
	}
	return g.start(ctx, progress, nil)
}

func (g *group) logSizes() []int64 {
	out := make([]int64, len(g.nodes))
	for i, nd := range g.nodes {
		if st, err := os.Stat(nd.log); err == nil {
			out[i] = st.Size()
		}
	}
	return out
}

// logged is what node i has logged since both it and node j were last started.
func (g *group) logged(i, j int) ([]byte, error) {
	b, err := os.ReadFile(g.nodes[i].log)
	from := max(g.nodes[i].before(i), g.nodes[j].before(i))
	return b[min(from, int64(len(b))):], err
}

// logTo shows the end of every node's log to a test that failed.
func (g *group) logTo(t testing.TB) {
	for i, nd := range g.nodes {
		t.Logf("%v: %s %d, the end of its log, %s", g.release, g.noun, i, tailOf(nd.log))
	}
}

// count is "1 broker", "3 brokers".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
