package executor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
)

func newWorkerlessStep(string) dstream.State { return nil }

// TestSnapshotReplacesDeltas gathers between publishing and COMMIT, when one more delta lies behind what is gathered.
func TestSnapshotReplacesDeltas(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	s := ledgers(t, d.writer("w"), nil)
	before := seeded(t, s, p, 3)
	saved := publishOne(t, s, p, entriesOf("n2", 70))
	s.gatherDue()
	s.commit(saved)
	next := happen(t, s, p, entriesOf("n3", 71))
	if next.Base == before.Base || len(next.Deltas) != 2 || next.Deltas[0] != saved[0].ref.Deltas[3] {
		t.Fatalf("%+v after %+v", next, saved[0].ref)
	}
	again := ledgers(t, d.writer("v"), nil)
	again.want([]wire.StateRef{next})
	if got, want := contentOf(t, again, p), contentOf(t, s, p); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	if next := happen(t, s, p, entriesOf("n3", 72)); len(next.Deltas) != 3 {
		t.Errorf("%+v: the snapshot was taken twice", next)
	}
}

// TestSnapshotsAreMadeInTheBackground waits for the gatherer.
func TestSnapshotsAreMadeInTheBackground(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	s := newStates(stateOptions{segments: d.writer("w"), fresh: newLedger, slots: 1, bounds: bounds{small: 1, many: 3, most: 1 << 30}})
	base := seeded(t, s, p, 0).Base
	for happen(t, s, p, entriesOf("n1", 7)).Base == base {
		if t.Context().Err() != nil {
			t.Fatal("nothing was gathered")
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsGathering(t *testing.T) {
	d, p := newDisk(), partition{"s", 0}
	s := newStates(stateOptions{segments: d.writer("w"), fresh: newLedger, bounds: bounds{small: 1, many: 3}})
	s.pace.opened() // it rests between two steps
	reading := make(chan bool, 99)
	d.opening = func(string) { reading <- true }
	seeded(t, s, p, 3)
	<-reading
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestDamagedLogIsMended finds while gathering that what is durable cannot be read: what is in memory is the only copy.
func TestDamagedLogIsMended(t *testing.T) {
	d, p, told := newDisk(), partition{"s", 0}, []string(nil)
	s := ledgers(t, d.writer("w"), func(m string) { told = append(told, m) })
	ref := seeded(t, s, p, 3)
	d.files[ref.Deltas[1].Segment].bytes[ref.Deltas[1].Offset+40] ^= 1
	s.gatherDue()
	if len(told) != 1 || !strings.HasPrefix(told[0], "gather the state of s, partition 0, into a snapshot: ") || !strings.Contains(told[0], "checksum") {
		t.Fatal(told)
	}
	next := happen(t, s, p, entriesOf("n1", 70))
	if len(next.Deltas) > 0 {
		t.Fatalf("%+v, want a base", next)
	}
	again := ledgers(t, d.writer("v"), nil)
	again.want([]wire.StateRef{next})
	if got, want := contentOf(t, again, p), contentOf(t, s, p); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	if next := happen(t, s, p, entriesOf("n1", 71)); len(next.Deltas) != 1 {
		t.Errorf("%+v: mended for ever", next)
	}
}

// TestFailedSnapshotIsTriedAgain lets writing fail for a while.
func TestFailedSnapshotIsTriedAgain(t *testing.T) {
	d, p, told := newDisk(), partition{"s", 0}, []string(nil)
	s := ledgers(t, d.writer("w"), func(m string) { told = append(told, m) })
	seeded(t, s, p, 3)
	d.failing = errors.New("disk full")
	s.gatherDue()
	d.failing = nil
	if len(told) != 1 || !strings.Contains(told[0], "disk full; it is tried again after 3 batches") {
		t.Fatal(told)
	}
	for i := range 3 {
		ref := happen(t, s, p, entriesOf("n1", 80+i))
		if len(ref.Deltas) != 4+i {
			t.Fatalf("%+v", ref)
		}
		s.gatherDue()
	}
	if ref := happen(t, s, p, entriesOf("n1", 90)); len(ref.Deltas) != 1 || len(told) != 1 {
		t.Errorf("%+v, told %v", ref, told)
	}
}

// TestStaleSnapshotIsNotNamed gathers what is replaced meanwhile, moves away, or belongs to an incarnation that has ended.
func TestStaleSnapshotIsNotNamed(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, s *states, d *disk, p partition){
		"a base was written": func(t *testing.T, s *states, _ *disk, p partition) {
			happen(t, s, p, entriesOf("n1", 6, "n2", 6, "n3", 6, "n4", 6))
		},
		"the partition moved": func(_ *testing.T, s *states, _ *disk, p partition) { s.forget([]wire.StateRef{{Step: p.step}}) },
		"attached anew":       func(_ *testing.T, s *states, d *disk, _ partition) { s.restartSegments(d.writer("w2")) },
	} {
		t.Run(name, func(t *testing.T) {
			d, p := newDisk(), partition{"s", 0}
			s := ledgers(t, d.writer("w"), func(m string) { t.Error(m) })
			seeded(t, s, p, 3)
			done := false
			d.opening = func(string) {
				if !done {
					done = true
					d.opening = nil
					meanwhile(t, s, d, p)
				}
			}
			s.gatherDue()
			if !done || len(s.gathered) > 0 {
				t.Errorf("gathered %v", s.gathered)
			}
		})
	}
}

// TestRetiredSegmentsHoldNothingToBeNamed rolls the gatherer's segment while a snapshot in it waits for a version.
func TestRetiredSegmentsHoldNothingToBeNamed(t *testing.T) {
	s := ledgers(t, newDisk().writer("w"), nil)
	a, b := partition{"s", 0}, partition{"s", 1}
	seeded(t, s, a, 3)
	s.gatherDue()
	s.bases.at = maxSegment // full
	seeded(t, s, b, 3)
	s.gatherDue()
	held := s.gathered[a].at.Segment
	if held == s.gathered[b].at.Segment {
		t.Fatal("the segment was not left")
	}
	s.abandon()
	if got := s.takeRetired(); len(got) > 0 {
		t.Errorf("%v retired, and %s is to be named", got, held)
	}
	happen(t, s, a, entriesOf("n1", 5))
	if got := s.takeRetired(); len(got) != 1 || got[0] != held {
		t.Errorf("retired %v, want %s", got, held)
	}
}

func TestPaceRestsWhileABatchIsOpen(t *testing.T) {
	var p pacer
	turn := p.turn()
	if err := turn.pause(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.opened()
	p.opened() // the driver never said how the first one ended
	turn.working = time.Now().Add(-time.Hour)
	rested := make(chan error)
	go func() { rested <- turn.pause(context.Background()) }()
	select {
	case <-rested:
		t.Error("it worked on")
	default:
	}
	p.ended()
	p.ended()
	if err := <-rested; err != nil {
		t.Error(err)
	}
	p.opened()
	if err := turn.pause(context.Background()); err != nil { // rests as long as it takes
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	turn.working = time.Now().Add(-time.Hour)
	if err := turn.pause(ctx); err == nil {
		t.Error("it outlived its worker")
	}
}
