package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	_ "github.com/tidemill/tidemill/driver/store/cassandra" // checkpoints at cassandra://
)

// Options of the scenario.
type Options struct {
	Batches int    // of each store; default 1,000
	Warm    int    // batches before them that are not measured; default 300, negative = none
	Record  int    // bytes of a PLAN and of a COMMIT; default 2,000
	State   int    // bytes of a batch's deltas; default 100,000
	Dir     string // where the directory is made; default: that of temporary files
	URL     string // of a checkpoint to measure instead of a node that the scenario starts
	DirOnly bool   // start no node
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value *int
		is    int
	}{{&o.Batches, 1000}, {&o.Warm, 300}, {&o.Record, 2000}, {&o.State, 100_000}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	o.Warm = max(o.Warm, 0)
	return o
}

// Scenario prints the times. Without a URL it starts a node of Cassandra; the error then wraps servicetest.ErrMissing on a machine that no node
// can run on.
func Scenario(ctx context.Context, w io.Writer, o Options) error {
	o = o.withDefaults()
	dir, err := os.MkdirTemp(o.Dir, "checkpoint-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(w, "\nAppends until they are durable, ms: %d batches, PLAN and COMMIT of %d bytes, deltas of %d bytes\n", o.Batches, o.Record, o.State)
	if err := o.measure(ctx, w, "directory", dir); err != nil || o.DirOnly {
		return err
	}
	if o.URL != "" {
		return o.measure(ctx, w, store.Redacted(o.URL), o.URL)
	}
	return o.onNodes(ctx, w)
}

// onNodes measures a node as tests have it, whose log is written before it answers, and one as servers are by default.
func (o Options) onNodes(ctx context.Context, w io.Writer) error {
	for _, kind := range []struct {
		name     string
		periodic bool
	}{{"Cassandra, one node, synced log", false}, {"Cassandra, one node, log as by default", true}} {
		node, err := servicetest.StartCassandra(ctx, "", servicetest.CassandraOptions{Periodic: kind.periodic, Optimised: true})
		if err != nil {
			return err
		}
		url := fmt.Sprintf("cassandra://%s:%d/bench?replication=1", strings.Join(node.Hosts(), ","), node.Port())
		if err := errors.Join(o.measure(ctx, w, kind.name, url), node.Close()); err != nil {
			return err
		}
	}
	return nil
}

// times are those of one batch.
type times struct{ plan, state, commit time.Duration }

func (t times) sum() time.Duration { return t.plan + t.state + t.commit }

func (o Options) measure(ctx context.Context, w io.Writer, name, url string) (err error) {
	s, err := store.Open(ctx, url, store.OpenOptions{Job: "bench"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	lock, err := store.Acquire(ctx, s, store.LockOptions{Meta: store.Meta{Job: "bench", KeyGroups: 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	all, err := o.batches(s, lock)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(w, "%s\n", name)
	for _, row := range []struct {
		what string
		of   func(times) time.Duration
	}{
		{"PLAN", func(t times) time.Duration { return t.plan }},
		{"state segment", func(t times) time.Duration { return t.state }},
		{"COMMIT", func(t times) time.Duration { return t.commit }},
		{"floor of a batch", times.sum},
	} {
		fmt.Fprintf(w, "  %-17s p50 %7.2f   p99 %7.2f\n", row.what, quantile(all, row.of, 0.50), quantile(all, row.of, 0.99))
	}
	return nil
}

// quantile is in milliseconds.
func quantile(all []times, of func(times) time.Duration, q float64) float64 {
	var ds []time.Duration
	for _, t := range all {
		ds = append(ds, of(t))
	}
	slices.Sort(ds)
	return float64(ds[int(q*float64(len(ds)-1))]) / float64(time.Millisecond)
}

func (o Options) batches(s store.Store, lock *store.Lock) (out []times, err error) {
	log, rec, err := batchlog.Open(s, lock, batchlog.Options{SegmentSize: 16 << 20})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	name := fmt.Sprintf("state/%d.seg", lock.Epoch())
	segment, err := s.Log(name, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, segment.Close()) }()
	record, state := bytes.Repeat([]byte("r"), o.Record), bytes.Repeat([]byte("s"), o.State)
	first := rec.Next
	for i := range o.Warm + o.Batches {
		var t times
		n := first + batchlog.Batch(i)
		err := errors.Join(
			timed(&t.plan, func() error { return log.Append(batchlog.Plan, n, record) }),
			timed(&t.state, func() error { return errors.Join(segment.Append(state), segment.Sync()) }),
			timed(&t.commit, func() error { return log.Append(batchlog.Commit, n, record) }))
		if err != nil {
			return nil, err
		}
		if i >= o.Warm {
			out = append(out, t)
		}
	}
	return out, o.check(s, name, first+batchlog.Batch(o.Warm+o.Batches)-1)
}

func timed(d *time.Duration, do func() error) error {
	start := time.Now()
	err := do()
	*d = time.Since(start)
	return err
}

// check reads back what was written.
func (o Options) check(s store.Store, name string, last batchlog.Batch) error {
	rec, err := batchlog.Read(s)
	if err != nil {
		return err
	}
	if rec.Commit == nil || rec.Commit.Batch != last {
		return fmt.Errorf("the log does not end with batch %d", last)
	}
	e, err := s.Stat(name)
	if want := int64(o.Warm+o.Batches) * int64(o.State); err == nil && e.Size < want {
		err = fmt.Errorf("segment %s has %d bytes of %d", name, e.Size, want)
	}
	return err
}
