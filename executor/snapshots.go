package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd/codec"
)

// When the base and the deltas of a partition are gathered.
const (
	manyDeltas  = 32      // or:
	heavyPart   = 2       // the deltas have as many bytes as the base, divided by this,
	leastGrowth = 1 << 20 // if they are as many at all: gathering costs syncs
)

// snapshot is a full one of a committed version, durable and not named by any COMMIT yet.
type snapshot struct {
	of wire.StateRef
	at wire.Frame // zero: the version has no keys
}

// committed looks at a version that was committed: whether what was gathered is still of use, and whether it is time to gather. mu is held.
func (s *states) committed(p partition, h *holding) {
	if len(h.want.Deltas) == 0 {
		h.wait, h.mend = 0, false
	}
	if g, ok := s.gathered[p]; ok {
		if !h.want.Extends(g.of) {
			delete(s.gathered, p) // the version begins with it now, or with another base
		}
		return
	}
	n := len(h.want.Deltas)
	many := n >= s.o.bounds.many || length(h.want.Deltas) >= max(h.want.Base.Length/heavyPart, leastGrowth)
	if !many || n < h.wait || slices.Contains(s.due, p) {
		return
	}
	s.due = append(s.due, p)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// gather makes snapshots, one after the other, as long as the worker lives.
func (s *states) gather() {
	defer s.running.Done()
	for {
		if wait(s.ctx, s.wake) != nil {
			return
		}
		s.gatherDue()
	}
}

// gatherDue makes snapshots of what is due.
func (s *states) gatherDue() {
	for of, round, ok := s.nextDue(); ok; of, round, ok = s.nextDue() {
		at, err := s.snapshot(of)
		s.settle(snapshot{of, at}, round, err)
	}
}

// nextDue takes the partition that has been due longest.
func (s *states) nextDue() (of wire.StateRef, round int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.due) > 0 && s.ctx.Err() == nil {
		h := s.parts[s.due[0]]
		s.due = s.due[1:]
		if h != nil && len(h.want.Deltas) > 0 {
			return h.want, s.round, true
		}
	}
	return of, 0, false
}

// settle notes how gathering ended. A failure harms nobody: the deltas stay, and it is tried again when there are twice as many.
func (s *states) settle(g snapshot, round int, err error) {
	if told := s.settled(g, round, err); told != "" {
		s.o.warn(fmt.Sprintf("gather the state of %s, partition %d, into a snapshot: %v; %s", g.of.Step, g.of.Partition, err, told))
	}
}

// settled returns what becomes of a partition of which gathering failed.
func (s *states) settled(g snapshot, round int, err error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.parts[partitionOf(g.of)]
	switch {
	case s.ctx.Err() != nil || s.round != round || h == nil || !h.want.Extends(g.of):
		return "" // it is of no use any more, and may have failed for that very reason
	case err == nil:
		s.gathered[partitionOf(g.of)] = g
		return ""
	case errors.Is(err, codec.ErrFrame) || errors.Is(err, fs.ErrNotExist):
		h.mend = true
		return "what is in memory is written anew with its next change"
	}
	h.wait = 2 * len(g.of.Deltas)
	return fmt.Sprintf("it is tried again after %d batches", len(g.of.Deltas))
}

// snapshot reads a version back from the segments and writes it as one place, durable before it returns.
func (s *states) snapshot(of wire.StateRef) (at wire.Frame, err error) {
	st := s.o.fresh(of.Step)
	if st == nil {
		return at, errors.New("the job has no such step with state")
	}
	turn := s.pace.turn()
	places := of.Frames()
	if gatheringLosesDelta {
		places = places[:len(places)-1]
	}
	err = s.replay(s.ctx, places, func(rec arrow.Record) error { return errors.Join(st.Apply(rec), turn.pause(s.ctx)) })
	if err != nil {
		return at, err
	}
	rows, buf := int64(0), []byte(nil)
	for rec, err := range st.Snapshot(nil) {
		if err == nil {
			rows += rec.NumRows()
			buf, err = codec.AppendFrame(buf[:0], rec)
		}
		if err == nil {
			at, err = s.bases.append(at, buf)
		}
		if err = errors.Join(err, turn.pause(s.ctx)); err != nil {
			return at, err
		}
	}
	return at, s.check(at, rows, turn)
}

// check makes a snapshot durable and reads it back: what it replaces is soon gone.
func (s *states) check(at wire.Frame, rows int64, turn *turn) error {
	if rows == 0 {
		return nil
	}
	if err := s.bases.sync(); err != nil {
		return err
	}
	err := s.replay(s.ctx, []wire.Frame{at}, func(rec arrow.Record) error {
		rows -= rec.NumRows()
		return turn.pause(s.ctx)
	})
	if err == nil && rows != 0 {
		err = fmt.Errorf("%d rows less than were written to %s", rows, at.Segment)
	}
	return err
}
