package receivers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// shunned is how long an executor that has failed is not chosen if there are others.
const shunned = 10 * time.Second

// flush returns when all before a place is acknowledged.
func (w *writer) flush(ctx context.Context, to int64) error {
	w.flushing.Lock()
	defer w.flushing.Unlock()
	for {
		w.mu.Lock()
		if w.dead != nil || w.acked >= to {
			defer w.mu.Unlock()
			return w.dead
		}
		if len(w.pending) == 0 {
			w.pending, w.buf, w.upTo = w.buf, nil, w.end // a new one: the transport may hold the old one after a call that failed
		}
		w.mu.Unlock()
		if err := w.deliver(ctx); err != nil {
			return fmt.Errorf("log of receiver %q: %w", w.log.Receiver, err)
		}
	}
}

// deliver brings what is pending to two executors, or to one if there is no other. It goes on until that is done, or somebody else has the log.
func (w *writer) deliver(ctx context.Context) error {
	for {
		if err := w.segment(ctx); err != nil {
			return err
		}
		well, errs := w.send(ctx)
		if len(errs) == 0 {
			w.acknowledge()
			w.seal(ctx)
			return nil
		}
		for _, err := range errs {
			if errors.Is(err, ErrReplaced) || errors.Is(err, ErrInvalid) {
				return w.die(err)
			}
		}
		// What the executors have of it is not known, also after ctx has ended: they are not asked to append to this segment again.
		w.give(well)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(well) > 0 {
			continue
		}
		if err := pause(ctx, lookAgain); err != nil {
			return err
		}
	}
}

func (w *writer) die(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = dstream.Permanent(fmt.Errorf("log of receiver %q: %w", w.log.Receiver, err))
	return err
}

// segment sees to it that there is one to append to.
func (w *writer) segment(ctx context.Context) error {
	if s := w.last; s != nil {
		full := w.acked-s.start >= w.o.SegmentBytes
		if !full && (len(s.holders) > 1 || len(w.choice(s.holders)) < 2) {
			return nil
		}
		w.give(s.holders)
	}
	done := func() {}
	defer func() { done() }()
	for {
		if holders := w.choice(w.before); len(holders) > 0 {
			w.last = &segment{Segment: Segment{w.o.Epoch, w.begun.next()}, start: w.acked, holders: holders}
			w.notice(holders)
			return nil
		}
		done()
		done = w.o.Waiting(fmt.Sprintf("an executor that takes the log of receiver %q", w.log.Receiver))
		if err := pause(ctx, lookAgain); err != nil {
			return err
		}
	}
}

func (w *writer) choice(before []Holder) []Holder {
	avoid := map[string]bool{}
	for name, at := range w.failed {
		avoid[name] = time.Since(at) < shunned
	}
	return choose(w.o.Live(), w.log, before, avoid)
}

// notice says that there is one holder only, until there are two.
func (w *writer) notice(holders []Holder) {
	if len(holders) > 1 {
		w.together()
		return
	}
	if w.alone == nil {
		w.o.Warn(fmt.Sprintf("executor %s alone keeps the log of receiver %q: what it takes now is lost if that executor is; a second one makes it safe", holders[0].Name, w.log.Receiver))
		w.alone = w.o.Waiting(fmt.Sprintf("a second executor for the log of receiver %q", w.log.Receiver))
	}
}

func (w *writer) together() {
	if w.alone != nil {
		w.alone()
		w.alone = nil
	}
}

// send appends what is pending at all holders, and returns those that have it.
func (w *writer) send(ctx context.Context) (well []Holder, errs []error) {
	s := w.last
	q := request{Log: w.log, Epoch: w.o.Epoch, Segment: s.Segment, Start: s.start, Until: w.until, From: w.acked}
	results := w.each(s.holders, func(h Holder) error { return w.client.call(ctx, h, "Append", q, w.pending, nil) })
	for i, err := range results {
		if err == nil {
			well = append(well, s.holders[i])
			continue
		}
		errs = append(errs, err)
		if ctx.Err() == nil {
			w.fail(s.holders[i], err)
		}
	}
	return well, errs
}

// fail notes that an executor has failed, and says so unless it was said a while ago.
func (w *writer) fail(h Holder, err error) {
	if time.Since(w.failed[h.Name]) >= shunned {
		w.o.Warn(fmt.Sprintf("the log of receiver %q goes on without an executor: %v", w.log.Receiver, err))
	}
	w.failed[h.Name] = time.Now()
}

// each calls executors at once and waits for all.
func (w *writer) each(holders []Holder, call func(Holder) error) []error {
	errs := make([]error, len(holders))
	var all sync.WaitGroup
	for i, h := range holders {
		all.Go(func() { errs[i] = call(h) })
	}
	all.Wait()
	return errs
}

// acknowledge counts what is pending as kept.
func (w *writer) acknowledge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.last
	if !s.began {
		s.began = true
		w.pieces = append(w.pieces, piece{Segment: s.Segment, From: s.start, Holders: s.holders})
		w.files = append(w.files, file{Segment: s.Segment, start: s.start, holders: s.holders})
	}
	w.pieces[len(w.pieces)-1].To = w.upTo
	w.files[len(w.files)-1].end = w.upTo
	w.acked, w.pending = w.upTo, nil
}

// give gives the segment up: it ends at what is acknowledged. Only those of its holders that work are still called because of it.
func (w *writer) give(holders []Holder) {
	s := w.last
	w.before, w.last = holders, nil
	if s.began {
		w.ended = &piece{Segment: s.Segment, From: s.start, To: w.acked, Holders: holders}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remover.add(file{Segment: s.Segment, holders: s.holders})
}

// seal tells the holders of the segment before where it ends. That comes after the next one has begun, so that whoever finds a sealed
// one last knows that something is missing.
func (w *writer) seal(ctx context.Context) {
	p := w.ended
	if p == nil {
		return
	}
	w.ended = nil
	q := request{Log: w.log, Epoch: w.o.Epoch, Segment: p.Segment, To: p.To}
	for i, err := range w.each(p.Holders, func(h Holder) error { return w.client.call(ctx, h, "Seal", q, nil, nil) }) {
		if err != nil && ctx.Err() == nil {
			w.fail(p.Holders[i], err)
		}
	}
}
