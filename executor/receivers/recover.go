package receivers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

const (
	lookAgain = 200 * time.Millisecond // at who lives
	asked     = 16                     // executors at once
)

// recover finds what was acknowledged from a position on, and opens the log behind it.
func (j *journal) recover(ctx context.Context, p position, first bool) (*writer, error) {
	f, silent, err := j.find(ctx, p)
	if err != nil {
		return nil, err
	}
	if first {
		p.At = f.start()
	}
	if loss := j.loss(f, p, silent); loss != nil {
		return nil, loss
	}
	// What comes before was planned: it can be planned once more as far as it is there.
	before, _ := f.cover(f.start(), p.Lost)
	pieces, _ := f.cover(p.At, p.Lost)
	return j.resume(ctx, p, f, within(before, 0, p.At), pieces)
}

// loss says what is gone for good.
func (j *journal) loss(f found, p position, silent []Holder) error {
	after := position{At: p.At, Lost: p.Lost}
	lost := dstream.Lost{Split: j.log.Receiver, From: p.At, To: p.At}
	_, gap := f.cover(p.At, p.Lost)
	switch {
	case len(silent) > 1:
		lost.Reason = fmt.Sprintf("executors %s do not answer, and nobody else has what they were given and no batch has read", names(silent))
	case gap != nil:
		lost.From, lost.To = gap.From, gap.To
		lost.Reason = "no executor that answers has it"
		after.Lost = append(slices.Clone(p.Lost), *gap)
	case f.sealed() && len(p.Holders) > 0:
		lost.Reason = "more was acknowledged than lies with the executors that answer"
	case len(p.Holders) > 0 && !slices.ContainsFunc(f.copies, func(c copyOf) bool { return c.End >= p.At }):
		lost.Reason = fmt.Sprintf("executors %s have nothing of it any more", names(p.Holders))
	default:
		return nil
	}
	return &dstream.LossError{Lost: []dstream.Lost{lost}, Resume: encode(after)}
}

func names(hs []Holder) string {
	var out []string
	for _, h := range hs {
		out = append(out, h.Name)
	}
	return strings.Join(out, ", ")
}

// find asks the holders of a position, and everybody who lives, what they have: a segment that was begun after the position was taken may
// lie anywhere. silent are holders that have not answered in time; one may be missing, since each byte lies with two. A
// log whose last segment is sealed goes on somewhere.
func (j *journal) find(ctx context.Context, p position) (f found, silent []Holder, err error) {
	done := func() {}
	defer func() { done() }()
	begun, answered := time.Now(), map[string]bool{}
	for {
		if err := j.ask(ctx, p.Holders, answered, &f); err != nil {
			return f, nil, err
		}
		silent = slices.DeleteFunc(slices.Clone(p.Holders), func(h Holder) bool { return answered[h.Name] })
		waited := time.Since(begun)
		known := len(silent) == 0 && !f.sealed()
		if len(answered) > 0 && (known || len(silent) == 1 && !f.sealed() && waited >= j.o.Patience || waited >= j.o.Loss) {
			return f, silent, nil
		}
		done()
		done = j.o.Waiting(fmt.Sprintf("executors that have the log of receiver %q: %s", j.log.Receiver, whom(answered, silent)))
		if err := pause(ctx, lookAgain); err != nil {
			return f, nil, err
		}
	}
}

func whom(answered map[string]bool, silent []Holder) string {
	switch {
	case len(silent) > 0:
		return names(silent) + " do not answer"
	case len(answered) == 0:
		return "none is there"
	}
	return "those of its last segment"
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// ask lists the log at those that have not answered yet. Only that somebody else has the log is an error.
func (j *journal) ask(ctx context.Context, holders []Holder, answered map[string]bool, f *found) error {
	live := j.o.Live()
	for _, h := range holders {
		if !slices.ContainsFunc(live, func(l Holder) bool { return l.Name == h.Name }) {
			live = append(live, h)
		}
	}
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	turn := make(chan struct{}, asked)
	for _, h := range live {
		if answered[h.Name] {
			continue
		}
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			var l listing
			err := j.client.call(ctx, h, "List", request{Log: j.log, Epoch: j.o.Epoch}, nil, &l)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			f.add(h, l)
			answered[h.Name] = true
		})
	}
	all.Wait()
	for _, err := range errs {
		if errors.Is(err, ErrReplaced) {
			return dstream.Permanent(err)
		}
	}
	return ctx.Err()
}

// add takes in what an executor has. One that is known by two names counts twice and does no harm.
func (f *found) add(h Holder, l listing) {
	for _, s := range l.Segments {
		if s.Start >= 0 && s.End >= s.Start && s.Until >= 0 {
			f.copies = append(f.copies, copyOf{s, h})
		}
	}
}
