package servicetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Main is what TestMain of a package that uses the services is:
//
//	func TestMain(m *testing.M) { servicetest.Main(m) }
//
// It runs the tests, closes the clusters that they shared, and then fails if goroutines are left, but for those that ignore names.
// It does not return.
func Main(m *testing.M, ignore ...goleak.Option) {
	ignore = append(ignore, meters)
	goleak.VerifyTestMain(closing{m, ignore}, ignore...)
}

// meters is a goroutine that sarama's metrics library starts once in a program and never ends.
var meters = goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")

// closing closes the shared clusters after the tests and before anybody looks for goroutines.
type closing struct {
	m      *testing.M
	ignore []goleak.Option
}

// Run runs the tests; the exit code is that of the tests, or 1 if a cluster could not be closed.
func (c closing) Run() int {
	code := c.m.Run()
	if err := shared.close(); err != nil {
		os.Stderr.WriteString("servicetest: " + err.Error() + "\n")
		code = max(code, 1)
	}
	c.settle()
	return code
}

// settle gives goroutines that end on their own the time to do so: gocql goes on for seconds to connect to a node that was killed, also after
// its session was closed (a second between three attempts). A look waits a second itself, so this is half a minute at most, and none for
// a process that leaves nothing behind.
func (c closing) settle() {
	for range 30 {
		if goleak.Find(c.ignore...) == nil {
			return
		}
	}
}

// pool has the clusters that the tests of this process share, by the service and its options.
type pool struct {
	mu       sync.Mutex
	clusters map[string]*sharedCluster
}

type sharedCluster struct {
	once sync.Once
	c    cluster
	err  error // of the start: a cluster that did not start is not tried again by every test
}

// cluster is either kind.
type cluster interface {
	loan() loan // what others need to use it
	close() error
	revive(ctx context.Context, progress io.Writer) error
	logTo(t testing.TB)
}

var shared = pool{clusters: map[string]*sharedCluster{}}

// get returns the cluster of that name with all its nodes running: the parent process's, if it lent one, or our own, which is started
// for the first who asks.
func (p *pool) get(t testing.TB, name string, start func() (cluster, error), attach func(loan) (cluster, error)) (cluster, error) {
	p.mu.Lock()
	s := p.clusters[name]
	if s == nil {
		s = &sharedCluster{}
		p.clusters[name] = s
	}
	p.mu.Unlock()
	s.once.Do(func() { s.c, s.err = ours(name, start, attach) })
	if s.err != nil {
		return nil, s.err
	}
	return s.c, s.c.revive(t.Context(), lines{t})
}

// ours is the cluster that the parent process lent, or a new one, which is lent to those that this one starts.
func ours(name string, start func() (cluster, error), attach func(loan) (cluster, error)) (cluster, error) {
	l, ok, err := borrow(name)
	var c cluster
	switch {
	case err != nil:
	case ok:
		c, err = attach(l)
	default:
		c, err = start()
		if err == nil {
			err = lend(name, c.loan())
		}
	}
	if err != nil {
		return nil, err // and not a cluster that is a nil pointer
	}
	return c, nil
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, s := range p.clusters {
		if s.c != nil {
			err = errors.Join(err, s.c.close())
		}
	}
	clear(p.clusters)
	return err
}

// obtain returns a cluster for a test: one that is shared by name, or, with own, one that is closed when the test ends.
func obtain[C cluster](t testing.TB, name string, own bool, start func() (C, error), attach func(loan) (C, error)) C {
	t.Helper()
	var c cluster
	var err error
	if own {
		c, err = start()
		if err == nil {
			t.Cleanup(func() {
				if err := c.close(); err != nil {
					t.Error(err)
				}
			})
		}
	} else {
		c, err = shared.get(t, name, func() (cluster, error) { return start() }, func(l loan) (cluster, error) { return attach(l) })
	}
	skipOrFail(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			c.logTo(t)
		}
	})
	return c.(C)
}

// skipOrFail ends a test that cannot go on.
func skipOrFail(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// lines writes what it gets to a test's log.
type lines struct{ t testing.TB }

func (l lines) Write(b []byte) (int, error) {
	l.t.Helper()
	l.t.Logf("%s", bytes.TrimRight(b, "\n"))
	return len(b), nil
}
