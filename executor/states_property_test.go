package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
)

// cluster is a model of workers that share a disk, of a driver with its COMMITs, and of what the state of each partition has to be.
type cluster struct {
	t       *rapid.T
	disk    *disk
	workers []*member
	refs    map[partition]wire.StateRef // of the last COMMIT
	want    map[partition]*ledger       // what it means
	homes   map[partition]*member       // who saved it
	meant   map[string]map[string]int64 // what each ref ever named means, by its JSON
	seq     int                         // of names of writers
	told    []string                    // warnings
	retired map[string]map[string]bool  // by writer
}

type member struct {
	*states
	writer string
}

var parts = []partition{{"a", 0}, {"a", 1}, {"b", 0}}

func newCluster(t *rapid.T, n int) *cluster {
	c := &cluster{
		t: t, disk: newDisk(), refs: map[partition]wire.StateRef{}, homes: map[partition]*member{}, want: map[partition]*ledger{}, meant: map[string]map[string]int64{},
		retired: map[string]map[string]bool{},
	}
	for _, p := range parts {
		c.refs[p] = wire.StateRef{Step: p.step, Partition: p.part}
		c.want[p] = newLedger(p.step).(*ledger)
	}
	for range n {
		c.workers = append(c.workers, c.start())
	}
	return c
}

func (c *cluster) name() string {
	c.seq++
	return fmt.Sprint("w", c.seq)
}

func (c *cluster) start() *member {
	m := &member{writer: c.name()}
	m.states = newStates(stateOptions{
		segments: c.disk.writer(m.writer), fresh: newLedger, slots: 2, still: true, bounds: bounds{small: 1, many: 3, most: 6},
		warn: func(s string) { c.told = append(c.told, s) },
	})
	return m
}

func (c *cluster) close() {
	for _, m := range c.workers {
		if err := m.close(); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *cluster) worker() *member {
	return c.workers[rapid.IntRange(0, len(c.workers)-1).Draw(c.t, "worker")]
}

// restart ends a worker, and another one begins in its place.
func (c *cluster) restart() { c.replace(rapid.IntRange(0, len(c.workers)-1).Draw(c.t, "worker")) }

func (c *cluster) replace(i int) {
	if err := c.workers[i].close(); err != nil {
		c.t.Error(err)
	}
	c.workers[i] = c.start()
}

// powerCut takes all memory and all that was not synced.
func (c *cluster) powerCut() {
	c.disk.crash()
	for i := range c.workers {
		c.replace(i)
	}
}

// attach gives a worker a new incarnation.
func (c *cluster) attach() { c.reattach(c.worker()) }

func (c *cluster) reattach(m *member) {
	m.writer = c.name()
	m.restartSegments(c.disk.writer(m.writer))
}

func (c *cluster) gather() { c.worker().gatherDue() }

// warm has a partition restored at a worker.
func (c *cluster) warm() {
	m, p := c.worker(), rapid.SampledFrom(parts).Draw(c.t, "partition")
	done := make(chan wire.Restored)
	m.restore([]wire.StateRef{c.refs[p]}, func(r wire.Restored) { done <- r })
	if r := <-done; r.Err != nil || r.Keys != len(c.want[p].names) || !r.State.Same(c.refs[p]) {
		c.t.Fatalf("%+v, want %d keys", r, len(c.want[p].names))
	}
}

func (c *cluster) forget() {
	c.worker().forget([]wire.StateRef{c.refs[rapid.SampledFrom(parts).Draw(c.t, "partition")]})
}

// collect removes segments as the driver does.
func (c *cluster) collect() {
	keep := map[string]bool{}
	for _, r := range c.refs {
		for _, f := range r.Frames() {
			keep[f.Segment] = true
		}
	}
	lives := map[string]bool{}
	for _, m := range c.workers {
		lives[m.writer] = true
	}
	for name := range c.disk.files {
		writer := name[:bytes.IndexByte([]byte(name), '.')]
		if !keep[name] && (!lives[writer] || c.retired[writer][name]) {
			delete(c.disk.files, name)
		}
	}
}

func (c *cluster) overlay() *entries {
	e := &entries{vals: map[string]int64{}}
	for range rapid.IntRange(0, 4).Draw(c.t, "touched") {
		v := int64(rapid.IntRange(0, 99).Draw(c.t, "value"))
		if v < 20 {
			v = goneEntry
		}
		e.set(fmt.Sprint("k", rapid.IntRange(0, 15).Draw(c.t, "key")), v)
	}
	return e
}

// work is the part of a worker in a batch.
type work struct {
	m       *member
	saved   []savedState
	lingers []*heldState // read by second attempts that outlive the batch
	seen    []string     // what these saw
}

// batch runs a batch, in which each partition is given to some worker, and commits it or not. Anything may happen between its steps.
func (c *cluster) batch() {
	all, next := c.run()
	c.meanwhile()
	refs := maps.Clone(c.refs)
	for _, w := range all {
		c.save(w, refs)
	}
	c.durable(refs)
	c.meanwhile()
	if rapid.IntRange(0, 3).Draw(c.t, "aborted") == 0 {
		for _, w := range all {
			w.m.abandon()
		}
	} else {
		c.commit(all, refs, next)
	}
	for _, w := range all {
		for i, now := range w.lingers {
			if got := now.state.(*ledger).String(); got != w.seen[i] {
				c.t.Fatalf("a task saw the state change from %s to %s", w.seen[i], got)
			}
			w.m.release(now)
		}
	}
}

// run runs the tasks: what they leave at each worker, and what the state of each partition is if that is committed.
func (c *cluster) run() (all []*work, next map[partition]*ledger) {
	for _, m := range c.workers {
		all = append(all, &work{m: m})
	}
	next = map[partition]*ledger{}
	for _, p := range parts {
		w := all[rapid.IntRange(0, len(all)-1).Draw(c.t, "home")]
		w.m.want([]wire.StateRef{c.refs[p]})
		now, err := w.m.read(context.Background(), p)
		if err != nil {
			c.t.Fatal(err)
		}
		e := c.overlay()
		v, err := w.m.version(now, e)
		if err != nil {
			c.t.Fatal(err)
		}
		if rapid.IntRange(0, 9).Draw(c.t, "lingers") > 0 {
			w.m.release(now)
		} else {
			w.lingers, w.seen = append(w.lingers, now), append(w.seen, now.state.(*ledger).String())
		}
		w.saved = append(w.saved, savedState{saving: saving{v, e}})
		next[p] = c.want[p].with(e)
	}
	return all, next
}

// save has a worker publish, and notes where its versions lie.
func (c *cluster) save(w *work, refs map[partition]wire.StateRef) {
	var out []saving
	for _, s := range w.saved {
		out = append(out, s.saving)
	}
	var err error
	if w.saved, err = w.m.save(out); err != nil {
		c.t.Fatal(err)
	}
	for _, s := range w.saved {
		refs[partitionOf(s.ref)] = s.ref
	}
	c.retire(w.m)
}

// commit makes the batch happen. A worker whose stream breaks just then is attached anew and never hears of it.
func (c *cluster) commit(all []*work, refs map[partition]wire.StateRef, next map[partition]*ledger) {
	c.refs, c.want = refs, next
	for p, r := range refs {
		c.mean(r, next[p])
	}
	for _, w := range all {
		if rapid.IntRange(0, 9).Draw(c.t, "hears of it") > 0 {
			w.m.commit(w.saved)
		} else {
			c.reattach(w.m)
		}
		for _, s := range w.saved {
			p := partitionOf(s.ref)
			if was := c.homes[p]; was != nil && was != w.m {
				was.forget([]wire.StateRef{s.ref})
			}
			c.homes[p] = w.m
		}
	}
}

// meanwhile lets something happen in the background.
func (c *cluster) meanwhile() {
	if rapid.Bool().Draw(c.t, "meanwhile") {
		c.gather()
	}
}

func (c *cluster) retire(m *member) {
	if c.retired[m.writer] == nil {
		c.retired[m.writer] = map[string]bool{}
	}
	for _, name := range m.takeRetired() {
		c.retired[m.writer][name] = true
	}
}

// durable demands that nothing is named that a power cut would take away.
func (c *cluster) durable(refs map[partition]wire.StateRef) {
	for _, r := range refs {
		for _, f := range r.Frames() {
			if !c.disk.durable(f.Segment, f.Offset+f.Length) {
				c.t.Fatalf("%+v is named and not durable", f)
			}
		}
	}
}

func key(r wire.StateRef) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// mean notes what a ref means, and demands that it always meant that.
func (c *cluster) mean(r wire.StateRef, l *ledger) {
	if was, ok := c.meant[key(r)]; ok && !maps.Equal(was, l.vals) {
		c.t.Fatalf("%s meant %v, and now %v", key(r), was, l.vals)
	}
	c.meant[key(r)] = maps.Clone(l.vals)
}

// check compares what workers hold, and what a new one restores, with the model. Equal versions have equal bytes.
func (c *cluster) check(*rapid.T) {
	fresh := c.start()
	defer fresh.close()
	snapshot := func(s dstream.State) string {
		frames, err := encode(s.Snapshot(nil))
		if err != nil {
			c.t.Fatal(err)
		}
		return string(frames)
	}
	p := rapid.SampledFrom(parts).Draw(c.t, "looked at")
	fresh.want([]wire.StateRef{c.refs[p]})
	now, err := fresh.read(context.Background(), p)
	if err != nil {
		c.t.Fatal(err)
	}
	if got := now.state.(*ledger); got.String() != c.want[p].String() || snapshot(got) != snapshot(c.want[p]) {
		c.t.Fatalf("%v: restored\n%v\nwant\n%v\nfrom %s", p, got, c.want[p], key(c.refs[p]))
	}
	for _, m := range c.workers {
		for _, r := range m.held() {
			got := m.parts[partitionOf(r)].now.state.(*ledger)
			if want, ok := c.meant[key(r)]; ok && !maps.Equal(got.vals, want) {
				c.t.Fatalf("a worker holds %s as %v, it means %v", key(r), got, want)
			}
			if len(r.Deltas) > 7 {
				c.t.Fatalf("%d deltas", len(r.Deltas))
			}
		}
	}
	if len(c.told) > 0 {
		c.t.Fatal(c.told)
	}
}

// TestStatesAreWhatWasCommitted runs random sequences of batches, committed and aborted, restarts, power cuts, moves, snapshots and
// collections, and compares with plain maps.
func TestStatesAreWhatWasCommitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, 2)
		defer c.close()
		ran := func(f func()) func(*rapid.T) { return func(*rapid.T) { f() } }
		t.Repeat(map[string]func(*rapid.T){
			"batch": ran(c.batch), "batch again": ran(c.batch), "and again": ran(c.batch), "gather": ran(c.gather), "restart": ran(c.restart), "power cut": ran(c.powerCut),
			"attach": ran(c.attach), "warm": ran(c.warm), "forget": ran(c.forget), "collect": ran(c.collect), "": c.check,
		})
	})
}
