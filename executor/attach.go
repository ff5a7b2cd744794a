package executor

import (
	"github.com/tidemill/tidemill/executor/wire"
)

// Attach gives the worker to a driver: one that starts, or one that lost its connection and comes back. Whatever the worker was doing for an
// earlier one ends first. State stays, and blocks until the next batch begins; versions that are durable and whose COMMIT the
// worker has not heard of are named in the answer, and wait for Commit or Abort. What it writes from now on goes to the
// segments that are given. A lower epoch is refused with a *wire.EpochError.
func (w *Worker) Attach(epoch int64, incarnation uint64, to Segments) (wire.Hello, error) {
	w.mu.Lock()
	if epoch < w.epoch {
		have := w.epoch
		w.mu.Unlock()
		return wire.Hello{}, &wire.EpochError{Have: have, Want: epoch}
	}
	w.epoch, w.self, w.peers = epoch, incarnation, nil
	open := w.batch
	w.batch = nil
	w.mu.Unlock()
	if open != nil {
		open.stop()
		open.publishing.Wait()
		w.mu.Lock()
		if len(open.saved) > 0 {
			w.pending = pendingStates{open.begin.Plan.Batch, open.saved}
		}
		clear(w.attempts)
		w.mu.Unlock()
		open.blocks.drop()
	}
	w.states.restartSegments(to)
	hello := wire.Hello{Incarnation: incarnation, Held: w.states.held()}
	if len(w.pending.saved) > 0 {
		hello.PendingBatch = w.pending.batch
		for _, s := range w.pending.saved {
			hello.Pending = append(hello.Pending, s.ref)
		}
	}
	return hello, nil
}

// pendingStates are versions of a batch that a driver had granted before it was lost.
type pendingStates struct {
	batch int64
	saved []savedState
}

// settled does what the driver found in its log about them: they are what happened, or they are not.
func (w *Worker) settled(batch int64, happened bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending.batch != batch {
		return
	}
	if happened {
		w.states.commit(w.pending.saved)
	}
	w.pending = pendingStates{}
}

// restore has versions of state ready before the tasks come that need them.
func (w *Worker) restore(m wire.Restore) {
	if !w.stale(m.Epoch) {
		w.states.restore(m.States, func(r wire.Restored) { w.report(r) })
	}
}

// release forgets the state of partitions that live elsewhere now.
func (w *Worker) release(m wire.Release) {
	if !w.stale(m.Epoch) {
		w.states.forget(m.States)
	}
}
