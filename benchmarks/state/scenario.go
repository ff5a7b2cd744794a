package state

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor/wire"
)

// Scenario prints how long batches take with and without snapshots in the background, and then how many keys are restored in a second, of a
// base alone and of a base with deltas. It is an error if a result is wrong.
func Scenario(w io.Writer, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	if o.Dir, err = os.MkdirTemp(o.Dir, "state-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	st, err := store.OpenDir(o.Dir, store.DirOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	if err := batches(w, o, st); err != nil {
		return err
	}
	return restores(w, o, st)
}

// took is what the batches of a run took.
type took struct {
	p50, p90, p99 time.Duration
	bases         int // batches after which a partition began with another base
}

func batches(w io.Writer, o Options, st store.Store) error {
	var with, without []took
	for i := range o.Pairs {
		for _, still := range []bool{true, false} {
			t, err := measured(o, st, fmt.Sprintf("run-%d-%v", i, still), still)
			if err != nil {
				return err
			}
			if still {
				without = append(without, t)
			} else {
				with = append(with, t)
			}
		}
	}
	fmt.Fprintf(w, "\nBatches that touch %d of %d keys in %d partitions, one every %v: ms until committed, median (min–max) of %d runs of %d batches\n",
		o.Touched, o.Keys, o.Partitions, max(o.Interval, 0), o.Pairs, o.Batches)
	for _, line := range []struct {
		name string
		of   []took
	}{{"deltas only", without}, {"with snapshots", with}} {
		ms := func(of func(took) time.Duration) measure.Range {
			return measure.RangeOf(line.of, func(t took) float64 { return of(t).Seconds() * 1e3 })
		}
		fmt.Fprintf(w, "%-15s p50 %v, p90 %v, p99 %v; new bases %v\n", line.name, ms(func(t took) time.Duration { return t.p50 }),
			ms(func(t took) time.Duration { return t.p90 }), ms(func(t took) time.Duration { return t.p99 }),
			measure.RangeOf(line.of, func(t took) float64 { return float64(t.bases) }))
	}
	ratios := make([]float64, o.Pairs)
	for i := range ratios {
		ratios[i] = 100 * (with[i].p90.Seconds()/without[i].p90.Seconds() - 1)
	}
	fmt.Fprintf(w, "snapshots add   %v %% to p90, pair by pair\n", measure.RangeOf(ratios, func(r float64) float64 { return r }))
	return nil
}

// measured fills a worker's state, runs batches over it, and closes the window to see that all rows are counted.
func measured(o Options, st store.Store, name string, still bool) (t took, err error) {
	e, err := start(o, st, name, map[int]wire.StateRef{}, still)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	if _, err := e.run(o.Keys, false); err != nil {
		return t, err
	}
	all := make([]time.Duration, 0, o.Batches)
	next := time.Now()
	for range o.Batches {
		if o.Interval > 0 {
			next = next.Add(o.Interval)
			time.Sleep(time.Until(next))
		}
		was := e.bases()
		d, err := e.run(o.Touched, false)
		if err != nil {
			return t, err
		}
		all = append(all, d)
		if !slices.Equal(was, e.bases()) {
			t.bases++
		}
	}
	slices.Sort(all)
	at := func(part float64) time.Duration { return all[int(part*float64(len(all)-1))] }
	t.p50, t.p90, t.p99 = at(0.5), at(0.9), at(0.99)
	return t, e.check(int64(o.Keys))
}

// check closes the window and compares what comes out with what went in.
func (e *engine) check(keys int64) error {
	if _, err := e.run(1, true); err != nil {
		return err
	}
	return e.compare(keys)
}

func (e *engine) compare(keys int64) error {
	if e.sink.keys != keys || e.sink.rows != e.row {
		return fmt.Errorf("%d rows of %d keys went in, and %d of %d came out", e.row, keys, e.sink.rows, e.sink.keys)
	}
	return nil
}

// bases are the bases of all partitions.
func (e *engine) bases() []wire.Frame {
	var out []wire.Frame
	for part := range e.o.Partitions {
		out = append(out, e.refs[part].Base)
	}
	return out
}

func restores(w io.Writer, o Options, st store.Store) error {
	e, err := start(o, st, "filled", map[int]wire.StateRef{}, true)
	if err != nil {
		return err
	}
	_, err = e.run(o.Keys, false)
	base := e.versions()
	for range 10 {
		if err == nil {
			_, err = e.run(o.Touched, false)
		}
	}
	if err = errors.Join(err, e.close()); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nRestore of %d keys in %d partitions side by side, median (min–max) of %d\n", o.Keys, o.Partitions, o.Pairs)
	for _, line := range []struct {
		name string
		refs []wire.StateRef
	}{{"a base", base}, {fmt.Sprintf("a base and 10 deltas of %d keys", o.Touched), e.versions()}} {
		var costs []measure.Cost
		for i := range o.Pairs {
			cost, err := restored(o, st, fmt.Sprintf("%s-%d", line.name[2:6], i+len(line.refs[0].Deltas)*o.Pairs), line.refs)
			if err != nil {
				return err
			}
			costs = append(costs, cost)
		}
		rate := func(of func(measure.Cost) time.Duration) measure.Range {
			return measure.RangeOf(costs, func(c measure.Cost) float64 { return float64(o.Keys) / of(c).Seconds() / 1e6 })
		}
		fmt.Fprintf(w, "%-36s %v M keys/s, %v M keys per CPU-second\n", line.name,
			rate(func(c measure.Cost) time.Duration { return c.Wall }), rate(func(c measure.Cost) time.Duration { return c.CPU }))
	}
	return nil
}

// versions are the refs of the last COMMIT, in order.
func (e *engine) versions() []wire.StateRef {
	var out []wire.StateRef
	for _, r := range e.refs {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b wire.StateRef) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}

// restored has a new worker restore versions.
func restored(o Options, st store.Store, name string, refs []wire.StateRef) (measure.Cost, error) {
	e, err := start(o, st, name, map[int]wire.StateRef{}, true)
	if err != nil {
		return measure.Cost{}, err
	}
	keys := 0
	cost, err := measure.Of(func() error {
		e.w.Take(wire.Restore{Epoch: 1, States: refs})
		for range refs {
			r, err := await[wire.Restored](e)
			if err = errors.Join(err, r.Err); err != nil {
				return err
			}
			keys += r.Keys
		}
		return nil
	})
	if err == nil && keys != o.Keys {
		err = fmt.Errorf("%d keys restored, want %d", keys, o.Keys)
	}
	return cost, errors.Join(err, e.close())
}
