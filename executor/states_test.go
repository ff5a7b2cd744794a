package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/executor/wire"
)

// happen runs a batch in which one partition changes, and commits it.
func happen(t *testing.T, s *states, p partition, e *entries) wire.StateRef {
	t.Helper()
	saved := publishOne(t, s, p, e)
	s.commit(saved)
	return saved[0].ref
}

func publishOne(t *testing.T, s *states, p partition, e *entries) []savedState {
	t.Helper()
	now, err := s.read(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.version(now, e)
	if err != nil {
		t.Fatal(err)
	}
	s.release(now)
	saved, err := s.save([]saving{{v, e}})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// seeded has a partition of eight names, and the given number of deltas since.
func seeded(t *testing.T, s *states, p partition, deltas int) (ref wire.StateRef) {
	t.Helper()
	e := entriesOf()
	for i := range int64(8) {
		e.set(fmt.Sprint("n", i), i)
	}
	ref = happen(t, s, p, e)
	for i := range deltas {
		ref = happen(t, s, p, entriesOf("n1", 100+i))
	}
	return ref
}

func contentOf(t *testing.T, s *states, p partition) string {
	t.Helper()
	now, err := s.read(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.release(now)
	return now.state.(*ledger).String()
}

func TestVersionsAreBaseAndDeltas(t *testing.T) {
	s, p := ledgers(t, newDisk().writer("w"), nil), partition{"s", 3}
	first := seeded(t, s, p, 0)
	if first.Base.Length == 0 || len(first.Deltas) > 0 || first.Step != "s" || first.Partition != 3 {
		t.Fatalf("the first version is %+v, want a base", first)
	}
	if same := happen(t, s, p, entriesOf()); !same.Same(first) {
		t.Errorf("nothing changed, and %+v became %+v", first, same)
	}
	second := happen(t, s, p, entriesOf("n1", 5))
	if !second.Extends(first) || len(second.Deltas) != 1 {
		t.Errorf("%+v after %+v, want one delta more", second, first)
	}
	half := happen(t, s, p, entriesOf("n1", 6, "n2", 6, "n3", 6, "n4", 6))
	if half.Base == first.Base || len(half.Deltas) > 0 {
		t.Errorf("%+v after half of the keys changed, want a base", half)
	}
	gone := entriesOf()
	for i := range 8 {
		gone.set(fmt.Sprint("n", i), goneEntry)
	}
	if empty := happen(t, s, p, gone); !empty.Empty() {
		t.Errorf("%+v of a state without keys", empty)
	}
}

// TestDeltasAreBounded never gathers: a version begins anew before COMMIT grows without end.
func TestDeltasAreBounded(t *testing.T) {
	s, p := ledgers(t, newDisk().writer("w"), nil), partition{"s", 0}
	base := seeded(t, s, p, 0).Base
	for range 6 {
		if ref := happen(t, s, p, entriesOf("n1", 5)); ref.Base != base {
			t.Fatalf("%+v", ref)
		}
	}
	if ref := happen(t, s, p, entriesOf("n1", 5)); ref.Base == base || len(ref.Deltas) > 0 {
		t.Errorf("%+v after six deltas, want a base", ref)
	}
}

func TestOnlyMissingDeltasAreRead(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	a, b := ledgers(t, d.writer("a"), nil), ledgers(t, d.writer("b"), nil)
	b.want([]wire.StateRef{seeded(t, a, p, 1)})
	contentOf(t, b, p)
	d.opening = func(name string) { t.Error("read " + name + " for a version that is held") }
	b.want([]wire.StateRef{b.held()[0]})
	contentOf(t, b, p)
	a.restartSegments(d.writer("a2")) // the next delta lies elsewhere
	d.opening = nil
	next := happen(t, a, p, entriesOf("n2", 7))
	d.opening = func(name string) {
		if name != next.Deltas[1].Segment {
			t.Error("read " + name + ", which the worker has had")
		}
	}
	b.want([]wire.StateRef{next})
	if got, want := contentOf(t, b, p), contentOf(t, a, p); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRestoreHoldsNoLock lets two partitions be restored, neither of which is there before the other one is being read.
func TestRestoreHoldsNoLock(t *testing.T) {
	d := newDisk()
	a := ledgers(t, d.writer("a"), nil)
	refs := []wire.StateRef{seeded(t, a, partition{"s", 0}, 0)}
	a.restartSegments(d.writer("a2"))
	refs = append(refs, seeded(t, a, partition{"s", 1}, 0))
	var both sync.WaitGroup
	both.Add(2)
	d.opening = func(string) { both.Done(); both.Wait() }
	b := ledgers(t, d.writer("b"), nil)
	done := make(chan wire.Restored)
	b.restore(refs, func(r wire.Restored) { done <- r })
	for range refs {
		if r := <-done; r.Err != nil || r.Keys != 8 {
			t.Errorf("%+v", r)
		}
	}
	if len(b.held()) != 2 {
		t.Error(b.held())
	}
}

// TestManyTasksOneRestore has several tasks ask for one partition at the same time.
func TestManyTasksOneRestore(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	b := ledgers(t, d.writer("b"), nil)
	ref := seeded(t, ledgers(t, d.writer("a"), nil), p, 2)
	b.want([]wire.StateRef{ref})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { contentOf(t, b, p) })
	}
	all.Wait()
	if n := d.opened[ref.Base.Segment]; n != 1 {
		t.Errorf("read %d times", n)
	}
}

func TestRestoreEndsWithItsTask(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	b := ledgers(t, d.writer("b"), nil)
	b.want([]wire.StateRef{seeded(t, ledgers(t, d.writer("a"), nil), p, 0)})
	ctx, cancel := context.WithCancel(context.Background())
	reading, resume := make(chan bool), make(chan bool)
	d.opening = func(string) { reading <- true; <-resume }
	errs := make(chan error)
	go func() { _, err := b.read(ctx, p); errs <- err }()
	<-reading
	go func() { _, err := b.read(ctx, p); errs <- err }() // waits for the first
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(resume)
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	d.opening = nil
	contentOf(t, b, p) // nothing is left locked
}

// TestDamageIsNamed changes each byte of a delta in turn.
func TestDamageIsNamed(t *testing.T) {
	d, p := newDisk(), partition{"sums", 4}
	ref := seeded(t, ledgers(t, d.writer("a"), nil), p, 2)
	place := ref.Deltas[1]
	f := d.files[place.Segment]
	for at := place.Offset; at < place.Offset+place.Length; at += 7 {
		f.bytes[at] ^= 1
		b := ledgers(t, d.writer("b"), nil)
		b.want([]wire.StateRef{ref})
		_, err := b.read(context.Background(), p)
		f.bytes[at] ^= 1
		want := fmt.Sprintf("restore the state of sums, partition 4: %d bytes at %d of a.1 (3 of 3): ", place.Length, place.Offset)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Fatalf("byte %d: %v, want %s…", at, err, want)
		}
		contentOf(t, b, p) // restored again, from the base on
	}
	for name, bad := range map[string]wire.Frame{
		"short": {Segment: place.Segment, Offset: place.Offset, Length: place.Length - 1}, "behind": {Segment: place.Segment, Offset: 1 << 40, Length: 9},
		"elsewhere": {Segment: "x", Length: 1}, "none": {Segment: place.Segment},
	} {
		b := ledgers(t, d.writer("b"), nil)
		b.want([]wire.StateRef{{Step: "sums", Partition: 4, Base: ref.Base, Deltas: []wire.Frame{bad}}})
		if _, err := b.read(context.Background(), p); (err == nil) != (name == "none") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownStepIsAnError(t *testing.T) {
	s := newStates(stateOptions{fresh: newWorkerlessStep})
	defer s.close()
	if _, err := s.read(context.Background(), partition{"x", 0}); err == nil || !strings.Contains(err.Error(), "no such step") {
		t.Error(err)
	}
}

func TestAbortLeavesNoTrace(t *testing.T) {
	s, p := ledgers(t, newDisk().writer("w"), nil), partition{"s", 0}
	ref := seeded(t, s, p, 1)
	want := contentOf(t, s, p)
	publishOne(t, s, p, entriesOf("n1", -1))
	s.abandon()
	if got := contentOf(t, s, p); got != want || !s.held()[0].Same(ref) {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestPublishedTwice has a partition saved in two rounds of a batch: the driver counts the last.
func TestPublishedTwice(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	s := ledgers(t, d.writer("w"), nil)
	seeded(t, s, p, 0)
	saved := append(publishOne(t, s, p, entriesOf("n1", 50)), publishOne(t, s, p, entriesOf("n1", 50))...)
	s.commit(saved)
	if held := s.held(); len(held) != 1 || !held[0].Same(saved[1].ref) {
		t.Errorf("%+v, want %+v", held, saved[1].ref)
	}
	d.opening = func(name string) { t.Error("read " + name) }
	if got := contentOf(t, s, p); !strings.Contains(got, "n1:50") {
		t.Error(got)
	}
}

// TestFailedSegmentIsLeft goes on in another segment when nobody knows how much of the last one was written.
func TestFailedSegmentIsLeft(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	s := ledgers(t, d.writer("w"), nil)
	ref := seeded(t, s, p, 0)
	now, err := s.read(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.version(now, entriesOf("n1", 9))
	if err != nil {
		t.Fatal(err)
	}
	s.release(now)
	d.failing = errors.New("disk full")
	if _, err := s.save([]saving{{v, entriesOf("n1", 9)}}); !errors.Is(err, d.failing) || !strings.Contains(err.Error(), "state of s, partition 0") {
		t.Fatal(err)
	}
	d.failing = nil
	s.abandon()
	if next := happen(t, s, p, entriesOf("n1", 9)); next.Deltas[0].Segment == ref.Base.Segment {
		t.Errorf("%+v", next)
	}
	if got := s.takeRetired(); len(got) != 1 || got[0] != ref.Base.Segment {
		t.Errorf("retired %v, want %s", got, ref.Base.Segment)
	}
}

// TestSegmentsAreLeftWhenTheyAreFull writes more than one segment takes.
func TestSegmentsAreLeftWhenTheyAreFull(t *testing.T) {
	w := segmentWriter{segments: newDisk().writer("w")}
	piece := make([]byte, 6<<20)
	var names []string
	for range 7 {
		at, err := w.append(wire.Frame{}, piece)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, at.Segment)
	}
	if got := fmt.Sprint(names); got != "[w.1 w.1 w.1 w.2 w.2 w.2 w.3]" {
		t.Error(got)
	}
	if got := fmt.Sprint(w.left(map[string]bool{"w.1": true}), w.left(nil), w.left(nil)); got != "[w.2] [w.1] []" {
		t.Error(got)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
